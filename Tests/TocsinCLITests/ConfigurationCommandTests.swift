import Foundation
import Testing

/// `tocsin config` on files.
struct ConfigurationCommandTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
    }

    private func file(_ name: String, _ text: String) throws -> String {
        let path = "\(scratch.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func agent(_ extra: String = "") throws -> String {
        try file(
            "agent.yaml",
            """
            kind: agent
            cluster: prod
            node: node-1
            coordinator:
              endpoint: tocsin.example:7443
            tls:
              certificateFile: agent.crt
              keyFile: agent.key
              trustRootsFile: ca.crt
            \(extra)

            """)
    }

    @Test func warningsAloneAreFine() async throws {
        let path = try agent()
        let result = try await BuiltTool.run(["config", "check", path])
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("\(path):7:20: warning: tls.certificateFile"))
        #expect(result.output.contains("agent, fine, 4 warnings"))
    }

    @Test func everyErrorIsNamedWithItsPlace() async throws {
        let path = try agent("intervall: 10s\nlimits:\n  seriesMax: many")
        let contexts = try file(
            "config.yaml", "kind: contexts\ncurrent: prodd\ncontexts:\n  prod:\n    endpoint: a:1\n    serverNam: x\n")
        let result = try await BuiltTool.run(["config", "check", path, contexts, "-o", "json"])
        #expect(result.status == 2)
        #expect(result.errors == "tocsin: 2 of 2 files refused\n")
        let files = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
        #expect(files.map { $0["ok"] as? Bool } == [false, false])
        #expect(files.map { $0["kind"] as? String } == ["agent", "contexts"])
        let issues = try files.map { try #require($0["issues"] as? [[String: Any]]) }
        #expect(issues[0].contains { $0["line"] as? Int == 10 && $0["suggestion"] as? String == "interval" })
        #expect(issues[0].contains { $0["key"] as? String == "limits.seriesMax" && $0["line"] as? Int == 12 })
        #expect(issues[1].contains { $0["line"] as? Int == 2 && $0["suggestion"] as? String == "prod" })
        #expect(issues[1].contains { $0["line"] as? Int == 6 && $0["suggestion"] as? String == "serverName" })
    }

    @Test func whatIsNoConfigurationIsRefused() async throws {
        let path = try file("x.yaml", "a: [1, 2\n")
        let result = try await BuiltTool.run(["config", "check", path, "/nonexistent.yaml"])
        #expect(result.status == 2)
        #expect(result.output.contains("not valid YAML"))
        #expect(result.output.contains("/nonexistent.yaml:1:1: there is no such file"))
    }

    @Test(arguments: ["agent", "coordinator", "thresholds", "contexts"])
    func schemaIsJSON(kind: String) async throws {
        let result = try await BuiltTool.run(["config", "schema", kind])
        #expect(result.status == 0)
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    }

    @Test func brokenContextsStopACommand() async throws {
        let home = scratch.path + "/home"
        try FileManager.default.createDirectory(atPath: home + "/.config/tocsin", withIntermediateDirectories: true)
        try "kind: contexts\ncontexts:\n  a:\n    endpoint: nowhere\n".write(
            toFile: home + "/.config/tocsin/config.yaml", atomically: true, encoding: .utf8)
        let result = try await BuiltTool.run(["status"], home: home)
        #expect(result.status == 2)
        #expect(result.errors.contains("config.yaml:4:15: contexts.a.endpoint: value 'nowhere'"), "\(result.errors)")
    }
}
