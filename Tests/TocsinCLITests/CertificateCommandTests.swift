import Foundation
import Testing

/// `tocsin tls`, judged by `openssl`.
struct CertificateCommandTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
    }

    private var tls: String { scratch.path + "/tls" }

    private func verify(_ name: String, _ flags: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["verify", "-x509_strict", "-CAfile", "\(tls)/ca.crt"] + flags + ["\(tls)/\(name).crt"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test func initMakesAWorkingSet() async throws {
        let made = try await BuiltTool.run([
            "tls", "init", tls, "--cluster", "prod", "--node", "node-1", "--node", "node-2", "--host", "tocsin.example",
            "--user", "ana",
            "--role", "responder", "-o", "json",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let items = try #require(try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [[String: Any]])
        #expect(
            items.compactMap { $0["name"] as? String } == [
                "ca", "coordinator", "agent-node-1", "agent-node-2", "user-ana",
            ])
        #expect(items[1]["names"] as? [String] == ["tocsin.example", "localhost", "127.0.0.1", "::1"])
        #expect(items[2]["names"] as? [String] == ["spiffe://tocsin/agent/prod/node-1"])
        #expect(items[4]["names"] as? [String] == ["spiffe://tocsin/user/responder/ana"])
        for name in ["ca", "coordinator", "agent-node-1", "agent-node-2", "user-ana"] {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(tls)/\(name).key")[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        #expect(try verify("coordinator", "-purpose", "sslserver", "-verify_hostname", "tocsin.example") == 0)
        #expect(try verify("agent-node-1", "-purpose", "sslclient") == 0)
        #expect(try verify("user-ana", "-purpose", "sslclient") == 0)
        #expect(try verify("user-ana", "-purpose", "sslserver") != 0)
    }

    @Test func nothingIsReplacedUnasked() async throws {
        #expect(try await BuiltTool.run(["tls", "init", tls]).status == 0)
        let before = try Data(contentsOf: URL(fileURLWithPath: "\(tls)/ca.key"))
        let again = try await BuiltTool.run(["tls", "init", tls, "--node", "n"])
        #expect(again.status == 2)
        #expect(again.errors.contains("--force"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(tls)/ca.key")) == before)
        #expect(!FileManager.default.fileExists(atPath: "\(tls)/agent-n.crt"))
        #expect(try await BuiltTool.run(["tls", "init", tls, "--force"]).status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(tls)/ca.key")) != before)
    }

    @Test func renewReplacesWhatEndsSoon() async throws {
        #expect(try await BuiltTool.run(["tls", "init", tls, "--node", "n", "--user", "ana"]).status == 0)
        #expect(
            try await BuiltTool.run(["tls", "issue", "user", tls, "--name", "bob", "--role", "viewer", "--days", "7"])
                .status == 0)
        func content(_ name: String) throws -> String { try String(contentsOfFile: "\(tls)/\(name)", encoding: .utf8) }
        let (ana, bob, key) = (try content("user-ana.crt"), try content("user-bob.crt"), try content("user-bob.key"))
        let due = try await BuiltTool.run(["tls", "renew", tls, "-o", "json"])
        #expect(due.status == 0)
        #expect(due.output.contains("\"user-bob\"") && !due.output.contains("\"user-ana\""))
        #expect(due.output.contains("spiffe://tocsin/user/viewer/bob"))
        #expect(try content("user-bob.crt") != bob && content("user-bob.key") != key)
        #expect(try content("user-ana.crt") == ana)
        #expect(try verify("user-bob", "-purpose", "sslclient") == 0)
        #expect(try await BuiltTool.run(["tls", "renew", tls]).output == "Nothing is due.\n")
        #expect(try await BuiltTool.run(["tls", "renew", tls, "--all", "--name", "user-ana"]).status == 0)
        #expect(try content("user-ana.crt") != ana)
        #expect(try await BuiltTool.run(["tls", "renew", tls, "--all"]).status == 0)
        #expect(try verify("coordinator", "-verify_hostname", "localhost") == 0)
        #expect(try await BuiltTool.run(["tls", "renew", tls, "--name", "user-eve"]).status == 2)
        #expect(try await BuiltTool.run(["tls", "renew", scratch.path]).status == 1)
    }

    @Test func issueAddsToASet() async throws {
        #expect(try await BuiltTool.run(["tls", "init", tls]).status == 0)
        #expect(
            try await BuiltTool.run(["tls", "issue", "agent", tls, "--cluster", "c", "--node", "a", "--node", "b"])
                .status == 0)
        #expect(
            try await BuiltTool.run(["tls", "issue", "user", tls, "--name", "bob", "--role", "viewer", "--days", "7"])
                .status == 0)
        #expect(try verify("agent-a", "-purpose", "sslclient") == 0)
        #expect(try verify("user-bob", "-purpose", "sslclient") == 0)
        #expect(try await BuiltTool.run(["tls", "issue", "coordinator", tls, "--host", "x.example"]).status == 2)
        #expect(
            try await BuiltTool.run(["tls", "issue", "coordinator", tls, "--host", "x.example", "--force"]).status == 0)
        #expect(try verify("coordinator", "-verify_hostname", "x.example") == 0)
        #expect(try await BuiltTool.run(["tls", "issue", "user", tls, "--name", "bob", "--role", "root"]).status == 2)
        #expect(try await BuiltTool.run(["tls", "issue", "user", tls, "--name", "eve", "--days", "0"]).status == 2)
        #expect(try await BuiltTool.run(["tls", "issue", "user", scratch.path, "--name", "eve"]).status == 1)
    }
}
