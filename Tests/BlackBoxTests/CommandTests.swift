import Foundation
import Testing
import TocsinTestKit

/// Flags, exit codes and roles of the built binaries.
@Suite(.serialized)
struct CommandTests {
    @Test("A wrong configuration is refused with every mistake's place, exit code 2, and nothing is started")
    func wrongConfiguration() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let path = try lab.folder.write(
            """
            kind: agent
            cluster: test
            nodde: node-a
            coordinator:
              endpoint: 127.0.0.1:\(lab.port)
            tls:
              certificateFile: tls/agent-node-a.crt
              keyFile: tls/agent-node-a.key
              trustRootsFile: tls/ca.crt
            dataDirectory: spool
            interval: 10 parsecs
            """, to: "agent.yaml")
        let agent = try ChildProcess("\(lab.binaries)/tocsin-agent", ["--config", path])
        #expect(try await agent.waitForExit() == .code(2))
        let text = agent.lines.joined(separator: "\n")
        #expect(text.contains("agent.yaml:3:1"), "\(text)")
        #expect(text.contains("node"), "\(text)")
        #expect(text.contains("agent.yaml:11:"), "\(text)")
        #expect(!FileManager.default.fileExists(atPath: lab.path("spool")))
        let check = try await lab.tocsin(["config", "check", path])
        #expect(check.exit == .code(2))
    }

    @Test("An unreachable coordinator is exit code 4, an unknown incident 3, a missing role 5")
    func exitCodes() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        #expect(try await lab.tocsin(["status"]).exit == .code(4))
        let coordinator = try await lab.startCoordinator()
        #expect(try await lab.tocsin(["status"]).exit == .code(0))
        #expect(try await lab.tocsin(["incident", "show", "INC-99"]).exit == .code(3))
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "issue", "user", lab.path("tls"), "--name", "guest", "--role", "viewer"])
        #expect(try await lab.tocsin(["status"], as: "guest").exit == .code(0))
        #expect(try await lab.tocsin(["incident", "ack", "INC-1"], as: "guest").exit == .code(5))
        #expect(try await lab.tocsin(["audit"], as: "guest").exit == .code(5))
        #expect(try await lab.tocsin(["incident", "lst"]).exit == .code(2))
        try await coordinator.terminate()
    }

    @Test("An agent that claims another node is refused, and says why")
    func anotherNode() async throws {
        let fleet = try await DatabaseFleet()
        let coordinator = try await fleet.lab.startCoordinator()
        let path = fleet.lab.path("agent-\(DatabaseFleet.node).yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacingOccurrences(of: "node: \(DatabaseFleet.node)\n", with: "node: node-b\n")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        let line = try await agent.waitForLine(containing: "no connection to the coordinator")
        #expect(line.contains("node-b"), "\(line)")
        #expect(try await fleet.lab.agents().isEmpty)
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("SIGTERM ends both daemons in order, with exit code 0")
    func termination() async throws {
        let fleet = try await DatabaseFleet()
        let coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        agent.signal(SIGTERM)
        #expect(try await agent.waitForExit(timeout: .seconds(15)) == .code(0))
        coordinator.signal(SIGTERM)
        #expect(try await coordinator.waitForExit(timeout: .seconds(15)) == .code(0))
    }
}
