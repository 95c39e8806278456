import Foundation
import Testing
import TocsinTestKit

/// Agents that fall silent: real processes, killed for real.
@Suite(.serialized)
struct AgentSilenceTests {
    private func lab(nodes: [String], forgetAfter: String = "1h", more: String = "") async throws -> TocsinLab {
        let lab = try await TocsinLab(nodes: nodes, cluster: "test")
        try lab.writeCoordinator(
            step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/config/thresholds.yaml",
            more: """
                agents: {suspectAfter: 7s, silentAfter: 9s, incidentAfter: 12s, blindShare: 40%, blindAgentsMin: 2, \
                forgetAfter: \(forgetAfter)}
                \(more)
                """)
        for node in nodes { try lab.writeAgent(node: node, interval: "1s", probes: "host: {enabled: true}\n") }
        return lab
    }

    private func waitUntilLive(_ lab: TocsinLab, _ count: Int) async throws {
        try #require(
            try await lab.eventually(within: .seconds(60)) {
                try await lab.agents().filter { $0.state == "live" }.count == count ? true : nil
            } == true)
    }

    private func incident(_ lab: TocsinLab, _ subject: String, state: String) async throws -> TocsinLab.Incident? {
        try await lab.eventually(within: .seconds(60)) {
            try await lab.incidents().first { $0.subject == subject && $0.state == state }
        }
    }

    @Test(
        "An agent killed by -9 opens a P4 incident, also across a restart of the coordinator, and closes it on return")
    func oneAgent() async throws {
        let lab = try await lab(nodes: ["node-a", "node-b", "node-c", "node-d"])
        var coordinator = try await lab.startCoordinator()
        var agents: [ChildProcess] = []
        for node in ["node-a", "node-b", "node-c", "node-d"] { agents.append(try lab.startAgent(node: node)) }
        try await waitUntilLive(lab, 4)
        agents[0].kill()
        let opened = try #require(try await incident(lab, "agent/node-a", state: "detected"))
        #expect(opened.severity == "P4")
        #expect(opened.family == "fleet")
        let shown = try await lab.tocsin(["incident", "show", opened.id])
        #expect(shown.text.contains("No sign of life from the agent on node-a"), "\(shown.text)")

        coordinator.kill()
        _ = try await coordinator.waitForExit()
        coordinator = try await lab.startCoordinator()
        try await waitUntilLive(lab, 3)
        #expect(try await lab.incidents().map(\.id) == [opened.id], "the restart neither closes nor doubles it")
        #expect(try await lab.incidents().map(\.state) == ["detected"])

        agents[0] = try lab.startAgent(node: "node-a")
        #expect(try await incident(lab, "agent/node-a", state: "resolved") != nil, "its return closes it")
        for agent in agents { try await agent.terminate() }
        try await coordinator.terminate()
    }

    @Test("A node that is gone for good is an incident, then forgotten; one too many is told so and waits for room")
    func goneForGood() async throws {
        let lab = try await lab(nodes: ["node-a", "node-b", "node-c"], forgetAfter: "25s", more: "limits: {agents: 2}")
        let coordinator = try await lab.startCoordinator()
        let gone = try lab.startAgent(node: "node-a")
        let stays = try lab.startAgent(node: "node-b")
        try await waitUntilLive(lab, 2)
        let waits = try lab.startAgent(node: "node-c")
        _ = try await waits.waitForLine(
            containing: "limits.agents: 2 agents are known and none of them is silent; no further one is taken")
        gone.kill()
        #expect(
            try await lab.eventually(within: .seconds(60)) {
                try await lab.agents().map(\.node) == ["node-b", "node-c"] ? true : nil
            } == true, "it made room")
        waits.kill()
        let opened = try #require(try await incident(lab, "agent/node-c", state: "detected"))
        #expect(try await incident(lab, "agent/node-c", state: "resolved") != nil)
        let shown = try await lab.tocsin(["incident", "show", opened.id])
        #expect(shown.text.contains("the node node-c is taken for gone"), "\(shown.text)")
        #expect(
            try await lab.eventually(within: .seconds(20)) {
                try await lab.agents().map(\.node) == ["node-b"] ? true : nil
            } == true)
        let figures = try await MetricsPage(port: lab.httpPort).figures()
        #expect(figures["tocsin_coordinator_agents_forgotten_total"] == 2)
        #expect(figures["tocsin_coordinator_agents_refused_total"] ?? 0 >= 1)
        try await stays.terminate()
        try await coordinator.terminate()
    }

    @Test("Two of three agents killed at once are one blind P2 incident")
    func manyAgents() async throws {
        let lab = try await lab(nodes: ["node-a", "node-b", "node-c"])
        let coordinator = try await lab.startCoordinator()
        var agents: [ChildProcess] = []
        for node in ["node-a", "node-b", "node-c"] { agents.append(try lab.startAgent(node: node)) }
        try await waitUntilLive(lab, 3)
        agents[0].kill()
        agents[1].kill()
        let opened = try #require(try await incident(lab, "agent/*", state: "detected"))
        #expect(opened.severity == "P2")
        #expect(try await lab.incidents().filter { $0.family == "fleet" }.map(\.id) == [opened.id], "one, not two")
        agents[0] = try lab.startAgent(node: "node-a")
        agents[1] = try lab.startAgent(node: "node-b")
        #expect(try await incident(lab, "agent/*", state: "resolved") != nil)
        for agent in agents { try await agent.terminate() }
        try await coordinator.terminate()
    }
}
