import CertificateAuthority
import Crypto
import Foundation
import Testing
import X509

struct PeerIdentityTests {
    @Test(arguments: [
        (
            PeerIdentity.agent(cluster: "prod-eu", node: "node-1.example"),
            "spiffe://tocsin/agent/prod-eu/node-1.example"
        ),
        (.agent(cluster: "a/b", node: "c d"), "spiffe://tocsin/agent/a%2Fb/c%20d"),
        (.agent(cluster: "50%", node: "é"), "spiffe://tocsin/agent/50%25/%C3%A9"),
        (.user(role: .viewer, name: "ana"), "spiffe://tocsin/user/viewer/ana"),
        (.user(role: .responder, name: "ana@example.com"), "spiffe://tocsin/user/responder/ana%40example.com"),
        (.user(role: .admin, name: "..."), "spiffe://tocsin/user/admin/..."),
    ])
    func uriRoundTrip(identity: PeerIdentity, uri: String) throws {
        #expect(try identity.uri == uri)
        #expect(PeerIdentity(uri: uri) == identity)
    }

    @Test(arguments: [
        "", "spiffe://tocsin", "spiffe://tocsin/", "spiffe://tocsin/agent/c", "spiffe://tocsin/agent/c/n/x",
        "spiffe://tocsin/agent/c/n/", "spiffe://tocsin/agent//n", "spiffe://tocsin/agent/c/",
        "spiffe://tocsin//agent/c/n",
        "spiffe://tocsin/user/root/ana", "spiffe://tocsin/user/Admin/ana", "spiffe://tocsin/user//ana",
        "spiffe://tocsin/robot/c/n", "spiffe://other/agent/c/n", "SPIFFE://tocsin/agent/c/n",
        "spiffe://Tocsin/agent/c/n",
        "spiffe://tocsin:80/agent/c/n", "spiffe://u@tocsin/agent/c/n", "https://tocsin/agent/c/n",
        // Not the canonical spelling of a name.
        "spiffe://tocsin/agent/c/%6E", "spiffe://tocsin/agent/c/n%2f", "spiffe://tocsin/agent/c/n%2",
        "spiffe://tocsin/agent/c/%",
        "spiffe://tocsin/agent/c/%zz", "spiffe://tocsin/agent/c/a b", "spiffe://tocsin/agent/c/é",
        "spiffe://tocsin/agent/c/%FF",
        "spiffe://tocsin/agent/c/%00", "spiffe://tocsin/agent/c/n%0A", "spiffe://tocsin/agent/c/..",
        "spiffe://tocsin/agent/./n",
        "spiffe://tocsin/agent/c/n?x=1", "spiffe://tocsin/agent/c/n#x", " spiffe://tocsin/agent/c/n",
        "spiffe://tocsin/agent/c/n ",
    ])
    func refusesOtherSpellings(uri: String) {
        #expect(PeerIdentity(uri: uri) == nil)
    }

    @Test(arguments: ["", ".", "..", "a\nb", "a\0b", String(repeating: "x", count: 254)])
    func refusesNames(name: String) {
        #expect(throws: CertificateAuthorityError.self) { try PeerIdentity.agent(cluster: "c", node: name).uri }
        #expect(throws: CertificateAuthorityError.self) { try PeerIdentity.user(role: .viewer, name: name).uri }
    }

    @Test func acceptsTheLongestName() throws {
        let identity = PeerIdentity.agent(cluster: "c", node: String(repeating: "/", count: 253))
        #expect(PeerIdentity(uri: try identity.uri) == identity)
    }

    @Test func rolesAreOrdered() {
        #expect(UserRole.viewer < .responder)
        #expect(UserRole.responder < .admin)
        #expect(UserRole.allCases.sorted() == [.viewer, .responder, .admin])
    }

    @Test func readsACertificate() throws {
        let certificate = try certificate(names: [
            .dnsName("spiffe://tocsin/agent/c/other"), .uniformResourceIdentifier("spiffe://tocsin/agent/c/n"),
        ])
        #expect(try PeerIdentity(certificate: certificate) == .agent(cluster: "c", node: "n"))
    }

    @Test(arguments: [
        [], [GeneralName.dnsName("localhost")],
        [
            .uniformResourceIdentifier("spiffe://tocsin/agent/c/n"),
            .uniformResourceIdentifier("spiffe://tocsin/user/admin/n"),
        ],
        [
            .uniformResourceIdentifier("spiffe://tocsin/agent/c/n"),
            .uniformResourceIdentifier("spiffe://tocsin/agent/c/n"),
        ],
        [.uniformResourceIdentifier("https://example.com"), .uniformResourceIdentifier("spiffe://tocsin/agent/c/n")],
        [.uniformResourceIdentifier("spiffe://tocsin/agent/c")],
    ])
    func refusesACertificate(names: [GeneralName]) throws {
        let certificate = try certificate(names: names)
        let error = #expect(throws: CertificateAuthorityError.self) { try PeerIdentity(certificate: certificate) }
        #expect(error?.code == .identity)
    }

    private func certificate(names: [GeneralName]) throws -> Certificate {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName("spiffe://tocsin/user/admin/mallory") }
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey, notValidBefore: Date(),
            notValidAfter: Date().addingTimeInterval(60), issuer: subject, subject: subject,
            extensions: try Certificate.Extensions {
                if !names.isEmpty { SubjectAlternativeNames(names) }
            }, issuerPrivateKey: key)
    }
}
