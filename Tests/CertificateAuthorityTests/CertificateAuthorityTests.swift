import CertificateAuthority
import Foundation
import Testing
import X509

struct CertificateAuthorityTests {
    private let scratch: ScratchDirectory
    private let directory: CertificateDirectory
    private let authority: CertificateAuthority

    init() throws {
        scratch = try ScratchDirectory()
        directory = CertificateDirectory(path: scratch.path)
        authority = try CertificateAuthority(now: Date())
        try directory.store(authority)
    }

    static let roles: [(CertificateRole, String, String)] = [
        (
            .coordinator(hosts: ["localhost", "tocsin.example", "*.tocsin.svc", "127.0.0.1", "::1"]), "sslserver",
            "sslclient"
        ),
        (.agent(cluster: "prod", node: "node-1"), "sslclient", "sslserver"),
        (.user(role: .responder, name: "ana"), "sslclient", "sslserver"),
    ]

    @Test(arguments: roles)
    func opensslAgreesOnThePurpose(role: CertificateRole, purpose: String, wrongPurpose: String) throws {
        let name = try role.fileName
        try directory.store(try authority.issue(role, now: Date()), name: name)
        let good = try OpenSSL.run(
            "verify", "-x509_strict", "-purpose", purpose, "-CAfile", directory.certificatePath("ca"),
            directory.certificatePath(name))
        #expect(good.status == 0, "\(good.output)")
        let bad = try OpenSSL.run(
            "verify", "-x509_strict", "-purpose", wrongPurpose, "-CAfile", directory.certificatePath("ca"),
            directory.certificatePath(name))
        #expect(bad.status != 0)
        #expect(bad.output.contains("unsuitable certificate purpose"))
    }

    @Test(arguments: roles)
    func swiftCertificatesVerifies(role: CertificateRole, purpose: String, wrongPurpose: String) async throws {
        let leaf = try authority.issue(role, now: Date()).certificate
        var verifier = Verifier(rootCertificates: CertificateStore([authority.certificate])) { RFC5280Policy() }
        guard case .validCertificate(let chain) = await verifier.validate(leaf: leaf, intermediates: CertificateStore())
        else {
            Issue.record("not verified")
            return
        }
        #expect(Array(chain) == [leaf, authority.certificate])
        var other = Verifier(rootCertificates: CertificateStore([try CertificateAuthority(now: Date()).certificate])) {
            RFC5280Policy()
        }
        guard case .couldNotValidate = await other.validate(leaf: leaf, intermediates: CertificateStore()) else {
            Issue.record("verified by another authority")
            return
        }
    }

    @Test func opensslChecksHosts() throws {
        try directory.store(try authority.issue(Self.roles[0].0, now: Date()), name: "coordinator")
        let certificate = directory.certificatePath("coordinator")
        for flags in [
            ("-verify_hostname", "localhost"), ("-verify_hostname", "a.tocsin.svc"), ("-verify_ip", "127.0.0.1"),
            ("-verify_ip", "::1"),
        ] {
            let result = try OpenSSL.run(
                "verify", "-CAfile", directory.certificatePath("ca"), flags.0, flags.1, certificate)
            #expect(result.status == 0, "\(flags): \(result.output)")
        }
        let other = try OpenSSL.run(
            "verify", "-CAfile", directory.certificatePath("ca"), "-verify_hostname", "other.example", certificate)
        #expect(other.status != 0)
    }

    @Test func extensionsAreAsAsked() throws {
        let leaf = try authority.issue(.agent(cluster: "prod", node: "node-1"), now: Date()).certificate
        let ca = authority.certificate
        #expect(try ca.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try ca.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(
            try leaf.extensions.authorityKeyIdentifier?.keyIdentifier
                == ca.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(try leaf.extensions.subjectKeyIdentifier != ca.extensions.subjectKeyIdentifier)
        #expect(leaf.subject.description.contains("CN=node-1"))
        #expect(leaf.signatureAlgorithm == .ecdsaWithSHA256)
        #expect(try PeerIdentity(certificate: leaf) == .agent(cluster: "prod", node: "node-1"))
    }

    @Test func serialNumbersAreRandom() throws {
        let serials = try (0..<8).map { _ in
            try authority.issue(.user(role: .viewer, name: "ana"), now: Date()).certificate.serialNumber
        }
        #expect(Set(serials).count == 8)
        #expect(serials.allSatisfy { (16...20).contains($0.bytes.count) })
    }

    @Test func validityIsBounded() throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let young = try CertificateAuthority(now: now)
        let leaf = try young.issue(.user(role: .viewer, name: "ana"), now: now).certificate
        #expect(young.certificate.notValidAfter == now.addingTimeInterval(10 * 365 * 86_400))
        #expect(leaf.notValidBefore == now.addingTimeInterval(-300))
        #expect(leaf.notValidAfter == now.addingTimeInterval(365 * 86_400))
        let short = try CertificateAuthority(now: now, validity: .seconds(3600))
        #expect(
            try short.issue(.user(role: .viewer, name: "ana"), now: now).certificate.notValidAfter
                == short.certificate.notValidAfter)
        let error = #expect(throws: CertificateAuthorityError.self) {
            try short.issue(.user(role: .viewer, name: "ana"), now: now.addingTimeInterval(3600))
        }
        #expect(error?.code == .expired)
    }

    @Test func longNamesAreCutInTheCommonNameOnly() throws {
        let node = String(repeating: "n", count: 63) + "." + String(repeating: "m", count: 100)
        let files = try authority.issue(.agent(cluster: "prod", node: node), now: Date())
        try directory.store(files, name: "agent-long")
        #expect(try PeerIdentity(certificate: files.certificate) == .agent(cluster: "prod", node: node))
        let result = try OpenSSL.run(
            "verify", "-x509_strict", "-CAfile", directory.certificatePath("ca"),
            directory.certificatePath("agent-long"))
        #expect(result.status == 0, "\(result.output)")
    }

    @Test(arguments: [
        [], ["a b"], [""], ["-a"], ["a..b"], ["a_b.example"], ["1.2.3"], ["300.0.0.1"], ["https://x"], ["x:7443"],
        ["*"],
    ])
    func refusesHosts(hosts: [String]) {
        let error = #expect(throws: CertificateAuthorityError.self) {
            try authority.issue(.coordinator(hosts: hosts), now: Date())
        }
        #expect(error?.code == .invalidHost)
    }

    @Test func refusesForeignParts() throws {
        let files = try authority.files
        let other = try CertificateAuthority(now: Date()).files
        let leaf = try authority.issue(.user(role: .admin, name: "mallory"), now: Date())
        for (certificate, key) in [
            (files.certificatePEM, other.privateKeyPEM), (leaf.certificatePEM, leaf.privateKeyPEM),
            ("", files.privateKeyPEM),
            (files.certificatePEM, "garbage"),
        ] {
            let error = #expect(throws: CertificateAuthorityError.self) {
                try CertificateAuthority(certificatePEM: certificate, privateKeyPEM: key)
            }
            #expect(error?.code == .malformed)
            #expect(error?.message.contains("PRIVATE KEY") == false)
        }
    }
}
