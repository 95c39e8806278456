import CertificateAuthority
import Foundation
import Synchronization
import Testing

/// The built program against a coordinator that speaks mutual TLS, and without one.
struct BuiltToolTests {
    private let scratch: ScratchDirectory
    private let directory: CertificateDirectory

    init() throws {
        scratch = try ScratchDirectory()
        directory = CertificateDirectory(path: scratch.path + "/tls")
        try directory.make()
        let authority = try CertificateAuthority(now: Date())
        try directory.store(authority)
        for role in [
            CertificateRole.coordinator(hosts: ["127.0.0.1", "coordinator.internal"]),
            .user(role: .viewer, name: "vic"),
            .user(role: .responder, name: "ana"), .agent(cluster: "prod", node: "node-1"),
        ] {
            try directory.store(try authority.issue(role, now: Date()), name: try role.fileName)
        }
    }

    private func credentials(_ name: String) -> [String] {
        [
            "--cert", directory.certificatePath(name), "--key", directory.keyPath(name), "--ca",
            directory.certificatePath("ca"),
        ]
    }

    @Test func answersAndExitCodesOverMutualTLS() async throws {
        try await FixtureCoordinator.run(directory: directory) { running in
            let cases: [([String], String, Int32)] = [
                (["status"], "user-vic", 0), (["agent", "list", "-o", "json"], "user-vic", 0),
                (["agent", "show", "node-1"], "user-vic", 0),
                (["agent", "show", "node-9"], "user-vic", 3), (["target", "list", "--failing"], "user-vic", 0),
                (["incident", "list", "--all"], "user-vic", 0), (["incident", "show", "7"], "user-vic", 0),
                (["incident", "show", "INC-8"], "user-vic", 3), (["incident", "ack", "INC-7"], "user-vic", 5),
                (["incident", "ack", "INC-7"], "user-ana", 0), (["incident", "note", "7", "a note"], "user-ana", 0),
                (["incident", "state", "7", "monitoring"], "user-ana", 1),
                (["incident", "resolve", "7", "--cause", "bad deploy"], "user-ana", 0),
                (["incident", "message", "7", "--kind", "customer", "--service", "10.0.0.7"], "user-ana", 2),
                (["incident", "message", "7", "--kind", "update", "--next", "wait", "--send"], "user-ana", 0),
                (["query", "up{a=\"b\"}", "--since", "30m", "--step", "10s", "--plot"], "user-vic", 0),
                (["workload", "list", "-o", "json"], "user-vic", 0), (["workload", "show", "orders"], "user-vic", 0),
                (["workload", "show", "nothing"], "user-vic", 3), (["workload", "list"], "agent-node-1", 5),
                (["config", "show", "--effective", "ns/Deployment/x"], "user-vic", 0),
                (["config", "show", "--effective", "ns/Deployment/x", "--check", "none"], "user-vic", 3),
                (["config", "show", "--effective", "ns/Deployment/x"], "agent-node-1", 5),
                (["status"], "agent-node-1", 5), (["cluster", "rollouts", "-o", "json"], "user-vic", 0),
                (["cluster", "events", "-n", "oddsmaker", "--limit", "2", "--cluster", "prod"], "user-vic", 0),
                (["cluster", "events"], "agent-node-1", 5), (["workload", "log", "odds-control"], "user-vic", 0),
            ]
            for (arguments, name, status) in cases {
                let result = try await BuiltTool.run(["--endpoint", running.endpoint] + arguments + credentials(name))
                #expect(result.status == status, "\(arguments) as \(name): \(result.errors)")
                #expect(status == 0 ? !result.output.isEmpty : result.errors.hasPrefix("tocsin: "), "\(arguments)")
            }
            let calls = running.service.calls.withLock { $0 }
            #expect(calls.contains("ack INC-7 as ana by user ana (responder)"))
            #expect(calls.contains("note INC-7 as ana: a note by user ana (responder)"))
            #expect(calls.contains("compose customer of INC-7: service=10.0.0.7 by user ana (responder)"))
            #expect(calls.contains("send update of INC-7: nextSteps=wait by user ana (responder)"))
            #expect(
                calls.contains(
                    "edges kubernetes_event, 2 of '' in 'oddsmaker' of 'prod' by user vic (viewer)"))
            #expect(
                calls.contains(
                    "edges log_tail log_pattern_new, 100 of 'odds-control' in '' of '' by user vic (viewer)"))
            #expect(calls.contains("query up{a=\"b\"} over 1800000 by 10000 by user vic (viewer)"))
            let versions = running.tlsVersions.versions.withLock { Set($0) }
            #expect(versions == ["tlsv13"])
        }
    }

    @Test func environmentAndContexts() async throws {
        // A certificate that holds a name only: the transport also accepts one that holds the address it connected to.
        let named = try directory.authority().issue(.coordinator(hosts: ["coordinator.internal"]), now: Date())
        try directory.store(named, name: "coordinator", force: true)
        try await FixtureCoordinator.run(directory: directory) { running in
            let environment = [
                "TOCSIN_ENDPOINT": running.endpoint, "TOCSIN_CERT": directory.certificatePath("user-vic"),
                "TOCSIN_KEY": directory.keyPath("user-vic"), "TOCSIN_CA": directory.certificatePath("ca"),
            ]
            let byEnvironment = try await BuiltTool.run(
                ["-o", "json", "--server-name=coordinator.internal", "incident", "list"], environment: environment)
            #expect(byEnvironment.status == 0, "\(byEnvironment.errors)")
            #expect(byEnvironment.output.hasPrefix("[\n  {\n    \"id\": \"INC-7\","))

            let home = scratch.path + "/home"
            try FileManager.default.createDirectory(atPath: home + "/.config/tocsin", withIntermediateDirectories: true)
            let config = """
                kind: contexts
                current: prod
                contexts:
                  prod:
                    endpoint: "localhost:\(running.port)"
                    certificateFile: ../../../tls/user-vic.crt
                    keyFile: ../../../tls/user-vic.key
                    trustRootsFile: ../../../tls/ca.crt
                    serverName: coordinator.internal
                  wrong-name:
                    endpoint: "localhost:\(running.port)"
                    certificateFile: ../../../tls/user-vic.crt
                    keyFile: ../../../tls/user-vic.key
                    trustRootsFile: ../../../tls/ca.crt
                """
            try config.write(toFile: home + "/.config/tocsin/config.yaml", atomically: true, encoding: .utf8)
            let byContext = try await BuiltTool.run(["status"], home: home)
            #expect(byContext.status == 0, "\(byContext.errors)")
            let wrongName = try await BuiltTool.run(["--context", "wrong-name", "status"], home: home)
            #expect(wrongName.status == 4)
            #expect(wrongName.errors.contains("another name"), "\(wrongName.errors)")
            let unknown = try await BuiltTool.run(["--context", "prod2", "status"], home: home)
            #expect(unknown.status == 2)
            #expect(unknown.errors.contains("known: prod, wrong-name"))
        }
    }

    @Test func certificatesOfAnotherAuthorityAreRefused() async throws {
        let foreign = CertificateDirectory(path: scratch.path + "/foreign")
        try foreign.make()
        let authority = try CertificateAuthority(now: Date())
        try foreign.store(authority)
        try foreign.store(try authority.issue(.user(role: .admin, name: "mallory"), now: Date()), name: "mallory")
        try await FixtureCoordinator.run(directory: directory) { running in
            // The coordinator refuses the caller …
            let refused = try await BuiltTool.run([
                "--endpoint", running.endpoint, "status", "--cert", foreign.certificatePath("mallory"), "--key",
                foreign.keyPath("mallory"), "--ca", directory.certificatePath("ca"),
            ])
            #expect(refused.status == 4)
            // … and the caller refuses the coordinator.
            let distrusted = try await BuiltTool.run([
                "--endpoint", running.endpoint, "status", "--cert", directory.certificatePath("user-vic"), "--key",
                directory.keyPath("user-vic"), "--ca", foreign.certificatePath("ca"),
            ])
            #expect(distrusted.status == 4)
            #expect(distrusted.errors.contains("does not come from the trusted authority"), "\(distrusted.errors)")
            // A server's certificate is no client's.
            let server = try await BuiltTool.run(
                ["--endpoint", running.endpoint, "status"] + credentials("coordinator"))
            #expect(server.status == 4)
            #expect(running.service.calls.withLock { $0 }.isEmpty)
        }
    }

    @Test func unreachableIsFour() async throws {
        let result = try await BuiltTool.run(["--endpoint", "127.0.0.1:1", "status"] + credentials("user-vic"))
        #expect(result.status == 4)
        #expect(result.errors == "tocsin: cannot reach 127.0.0.1:1: Connection refused\n")
    }

    @Test(arguments: [
        (["bogus"], "Unexpected argument 'bogus'"), (["status", "--bogus"], "Unknown option '--bogus'"),
        (["status"], "no client certificate"), (["-o", "xml", "status"], "The value 'xml' is invalid"),
        (["query", "up{"], "column 4"), (["query", "up", "--since", "1 hour"], "'1 hour' is invalid"),
        (["query", "up", "--step", "0s"], "'0s' is invalid"), (["incident", "show", "seven"], "'seven' is invalid"),
        (["incident", "state", "7", "resolved"], "'resolved' is invalid"), (["incident", "resolve", "7"], "--cause"),
        (["incident", "resolve", "7", "--cause", " "], "the cause is empty"),
        (["incident", "list", "--open", "--all"], "exclude each other"),
        (["cluster", "events", "--limit", "0"], "not between 1 and 10000"),
        (["status", "--plaintext", "--endpoint", "example.com:7443"], "loopback"),
        (["status", "--endpoint", "a:b:c", "--plaintext"], "no endpoint"),
        (["status", "--plaintext", "--token-file", "t"], "over TLS only"),
        (["status", "--cert", "a", "--token-file", "t"], "exclude each other"),
        (["status", "--token-file", "t"], "no trusted authority"),
        (["status", "--token-file", "t", "--ca", "/nonexistent"], "trusted authority: cannot read /nonexistent"),
        (["config", "check", "/nonexistent.yaml"], "1 of 1 file refused"),
        (["tls", "init", "/nonexistent/x", "--host", "a b"], "'a b' is neither"),
    ])
    func usageIsTwo(arguments: [String], message: String) async throws {
        let result = try await BuiltTool.run(arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(arguments.first == "config" || result.output.isEmpty)
    }

    @Test(arguments: [["--help"], ["help", "incident"], ["incident", "list", "--help"], ["--version"]])
    func helpIsFine(arguments: [String]) async throws {
        let result = try await BuiltTool.run(arguments)
        #expect(result.status == 0)
        #expect(!result.output.isEmpty)
        #expect(result.errors.isEmpty)
    }
}
