import CertificateAuthority
import Foundation
import Testing

struct CertificateDirectoryTests {
    private let scratch: ScratchDirectory
    private let directory: CertificateDirectory

    init() throws {
        scratch = try ScratchDirectory()
        directory = CertificateDirectory(path: scratch.path + "/tls")
        try directory.make()
    }

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func modesAreTight() throws {
        try directory.store(try CertificateAuthority(now: Date()))
        #expect(try mode(directory.path) == 0o700)
        #expect(try mode(directory.keyPath("ca")) == 0o600)
        #expect(try mode(directory.certificatePath("ca")) == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["ca.crt", "ca.key"])
    }

    @Test func readsBackWhatItWrote() throws {
        let authority = try CertificateAuthority(now: Date())
        try directory.store(authority)
        let again = try directory.authority()
        #expect(again.certificate == authority.certificate)
        try directory.store(try again.issue(.user(role: .viewer, name: "a/b"), now: Date()), name: "user-a%2Fb")
        let key = try OpenSSL.run("pkey", "-in", directory.keyPath("user-a%2Fb"), "-check", "-noout")
        #expect(key.status == 0, "\(key.output)")
    }

    @Test func neverReplacesUnasked() throws {
        let first = try CertificateAuthority(now: Date())
        try directory.store(first)
        let second = try CertificateAuthority(now: Date())
        let error = #expect(throws: CertificateAuthorityError.self) { try directory.store(second) }
        #expect(error?.code == .exists)
        #expect(try directory.authority().certificate == first.certificate)
        try directory.store(second, force: true)
        #expect(try directory.authority().certificate == second.certificate)
        #expect(try mode(directory.keyPath("ca")) == 0o600)
    }

    @Test func halfAPairIsInTheWayToo() throws {
        let authority = try CertificateAuthority(now: Date())
        let files = try authority.issue(.agent(cluster: "c", node: "n"), now: Date())
        try "kept".write(toFile: directory.certificatePath("agent-n"), atomically: true, encoding: .utf8)
        #expect(directory.holds("agent-n"))
        #expect(throws: CertificateAuthorityError.self) { try directory.store(files, name: "agent-n") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["agent-n.crt"])
    }

    @Test func aDanglingLinkIsInTheWayToo() throws {
        try FileManager.default.createSymbolicLink(
            atPath: directory.keyPath("ca"), withDestinationPath: scratch.path + "/elsewhere")
        #expect(throws: CertificateAuthorityError.self) { try directory.store(try CertificateAuthority(now: Date())) }
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/elsewhere"))
    }

    @Test func namesTheFileThatIsMissing() throws {
        let error = #expect(throws: CertificateAuthorityError.self) { try directory.authority() }
        #expect(error?.code == .file)
        #expect(error?.message.contains("ca.crt: No such file or directory") == true)
    }
}
