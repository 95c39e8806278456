import Foundation
import Testing
import TocsinTestKit

/// Thresholds that change while the coordinator runs: in place, by a swapped link as Kubernetes does it, and badly.
@Suite(.serialized)
struct ThresholdReloadTests {
    private struct Effective: Decodable {
        struct Check: Decodable {
            struct Value: Decodable {
                var key: String
                var value: String
                var origin: String?
            }

            var name: String
            var override: String?
            var values: [Value]
        }

        var checks: [Check]
    }

    private let base: String

    init() throws {
        base = try String(
            contentsOfFile: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml", encoding: .utf8)
    }

    /// What the coordinator judges the connections of the database by.
    private func level(_ lab: TocsinLab) async throws -> Effective.Check.Value? {
        let effective = try await lab.json(
            Effective.self, ["config", "show", "--effective", "postgresql/orders", "--check", "connections"])
        return effective.checks.first?.values.first { $0.key == "above" }
    }

    private func changed(_ level: String) -> String {
        base.replacing("overrides: []", with: "")
            + "\noverrides:\n  - subject: postgresql/*\n    checks: {connections: {above: \(level), leave: 1%}}\n"
    }

    @Test("A change is in force in seconds, a bad file keeps the old one and is an incident until it is mended")
    func reload() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        let file = lab.path("thresholds.yaml")

        // An open finding that the changes below must leave alone.
        try await fleet.database.kill9()
        let down = try #require(
            try await lab.eventually(within: .seconds(60)) {
                try await lab.incidents().first { $0.checkGroup == "down" }
            })

        try changed("61%").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(
            try await lab.eventually(within: .seconds(30)) { try await level(lab)?.value == "61%" ? true : nil } == true
        )
        #expect(try await level(lab)?.origin?.contains("thresholds.yaml:") == true)

        let bad = changed("61%").replacing("above: 61%", with: "above: 61")
        let place = try #require(
            bad.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains("above: 61,") })
        try bad.write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try #require(
            try await lab.eventually(within: .seconds(30)) {
                try await lab.incidents().first { $0.checkGroup == "configuration" && $0.state != "resolved" }
            })
        #expect(refused.family == "fleet")
        let shown = try await lab.tocsin(["incident", "show", refused.id])
        #expect(shown.text.contains("thresholds.yaml:\(place + 1):"), "\(shown.text)")
        #expect(try await level(lab)?.value == "61%", "the values from before stay in force")

        try changed("62%").write(toFile: file, atomically: true, encoding: .utf8)
        let mended = try await lab.eventually(within: .seconds(30)) {
            try await lab.incidents().first { $0.id == refused.id && $0.state == "resolved" }
        }
        #expect(mended != nil)
        #expect(try await level(lab)?.value == "62%")

        let after = try await lab.incidents().first { $0.id == down.id }
        #expect(after?.state == "detected" && after?.episode == 1, "the database is down all the while")
        try await fleet.database.start()
        #expect(
            try await lab.eventually(within: .seconds(60)) {
                try await lab.incidents().first { $0.id == down.id && $0.state == "resolved" }
            } != nil)
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("A swapped symbolic link, as a ConfigMap's, and SIGHUP are followed")
    func links() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let files = FileManager.default
        for (folder, level) in [("..1", "71%"), ("..2", "72%")] {
            try files.createDirectory(atPath: lab.path(folder), withIntermediateDirectories: false)
            try changed(level).write(toFile: lab.path("\(folder)/thresholds.yaml"), atomically: true, encoding: .utf8)
        }
        try files.removeItem(atPath: lab.path("thresholds.yaml"))
        try files.createSymbolicLink(atPath: lab.path("..data"), withDestinationPath: "..1")
        try files.createSymbolicLink(atPath: lab.path("thresholds.yaml"), withDestinationPath: "..data/thresholds.yaml")
        let coordinator = try await lab.startCoordinator()
        #expect(try await level(lab)?.value == "71%")
        try files.createSymbolicLink(atPath: lab.path("..next"), withDestinationPath: "..2")
        #expect(rename(lab.path("..next"), lab.path("..data")) == 0)
        #expect(
            try await lab.eventually(within: .seconds(30)) { try await level(lab)?.value == "72%" ? true : nil } == true
        )
        coordinator.signal(SIGHUP)
        _ = try await coordinator.waitForLine(containing: "thresholds are as they were")
        #expect(try await level(lab)?.value == "72%", "SIGHUP ends nothing")
        try await coordinator.terminate()
    }

    @Test("`workload` shows what is measured; a viewer may look at signals and thresholds")
    func workloads() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "issue", "user", lab.path("tls"), "--name", "guest", "--role", "viewer"])
        let shown = try await lab.eventually(within: .seconds(30)) { () -> TocsinLab.Output? in
            let output = try await lab.tocsin(["workload", "show", "orders"], as: "guest")
            return output.text.contains("connection_ratio") ? output : nil
        }
        #expect(shown?.exit == .code(0))
        #expect(shown?.text.contains("database_up") == true)
        let list = try await lab.tocsin(["workload", "list"], as: "guest")
        #expect(list.text.contains("postgresql/orders"), "\(list.text)")
        #expect(try await lab.tocsin(["workload", "show", "nothing"]).exit == .code(3))
        #expect(
            try await lab.tocsin(["config", "show", "--effective", "postgresql/orders"], as: "guest").exit == .code(0))
        #expect(try await lab.tocsin(["config", "show", "--effective", "orders"]).exit == .code(2))
        // An agent's certificate is no user's.
        for command in [
            ["workload", "list"], ["workload", "show", "orders"], ["config", "show", "--effective", "a/b"],
        ] {
            let denied = try await lab.tocsin(
                command + ["--cert", lab.path("tls/agent-node-a.crt"), "--key", lab.path("tls/agent-node-a.key")])
            #expect(denied.exit == .code(5), "\(command): \(denied.text)")
        }
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
