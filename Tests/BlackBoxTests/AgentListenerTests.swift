import Foundation
import Testing
import TocsinTestKit

/// What a started agent serves at `http.listen`, and that its limits hold.
@Suite(.serialized)
struct AgentListenerTests {
    @Test func servesItsNumbersAndItsHealthWithoutACoordinator() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let port = try lab.writeAgent(node: "node-a", interval: "1s", probes: "")
        let agent = try lab.startAgent(node: "node-a")
        let page = MetricsPage(port: port)
        let ready = try await lab.eventually(within: .seconds(30)) {
            try await page.status("/readyz") == 200 ? true : nil
        }
        try #require(ready == true)
        #expect(try await page.status("/healthz") == 200)
        #expect(try await page.status("/nothing") == 404)
        #expect(try await page.status("/metrics", method: "POST") == 405)
        let figures = try await page.figures()
        #expect(try #require(figures["tocsin_agent_resident_memory_bytes"]) > 1e6)
        #expect(figures["tocsin_agent_targets"] == 1, "the agent itself")
        #expect(figures["tocsin_agent_shed_level"] == 0)
        #expect(try #require(figures["tocsin_agent_series"]) >= 20)
        let ended = try await agent.terminate()
        #expect(ended == .code(0))
    }

    @Test func aPortInUseEndsTheAgentWithItsReason() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let taken = try LoopbackListener()
        try lab.writeAgent(node: "node-a", interval: "1s", probes: "", httpPort: taken.port)
        let agent = try lab.startAgent(node: "node-a")
        #expect(try await agent.waitForExit() == .code(1))
        #expect(agent.lines.contains { $0.contains("cannot listen on 127.0.0.1:\(taken.port)") })
    }

    @Test func seriesBeyondTheLimitAreDroppedAndCounted() async throws {
        let text = (0..<300).map { "logback_events_total{level=\"l\($0)\"} 1\n" }.joined()
        let service = try CannedHTTPServer { request in
            switch request.path {
            case "/actuator":
                .bytes(
                    CannedHTTPServer.answer(
                        200,
                        #"{"_links":{"health":{"href":"x","templated":false},"prometheus":{"href":"x","templated":false}}}"#
                    ))
            case "/actuator/prometheus":
                .bytes(CannedHTTPServer.answer(200, type: "text/plain; version=0.0.4", text))
            default: .bytes(CannedHTTPServer.answer(200, #"{"status":"UP"}"#))
            }
        }
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let port = try lab.writeAgent(
            node: "node-a", interval: "1s",
            probes: """
                limits: {series: 100}
                actuators:
                  - {name: wide, url: '\(service.url)/actuator'}
                """)
        let agent = try lab.startAgent(node: "node-a")
        let page = MetricsPage(port: port)
        let dropped = try await lab.eventually(within: .seconds(30)) { () -> [String: Double]? in
            guard let figures = try? await page.figures() else { return nil }
            guard figures["tocsin_agent_samples_dropped_total"] ?? 0 > 200 else { return nil }
            // A series of a target before it in the order takes the place at the next probe of the one behind.
            return figures["tocsin_agent_series"] ?? .infinity <= 100 ? figures : nil
        }
        let figures = try #require(dropped)
        #expect(figures["tocsin_agent_series_limit"] == 100)
        service.stop()
        try await agent.terminate()
    }

    @Test func memoryOverTheLimitLeavesOutTheLastInTheOrderAndSaysSo() async throws {
        let service = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, #"{"status":"UP"}"#)) }
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        // A debug build alone is more than this.
        let port = try lab.writeAgent(
            node: "node-a", interval: "1s",
            probes: """
                limits: {residentMemory: 24MiB}
                host:
                  enabled: true
                checks:
                  - {name: page, url: '\(service.url)/'}
                """)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: "node-a")
        let shed = try await lab.eventually(within: .seconds(40)) { () -> TocsinLab.Target? in
            try await lab.targets().first { $0.id == "http/page" && $0.outcome == "internal" }
        }
        #expect(try #require(shed).message?.contains("limits.residentMemory") == true)
        #expect(try await lab.targets().first { $0.id == "host/node-a" }?.outcome == "success")
        let figures = try await MetricsPage(port: port).figures()
        #expect(try #require(figures["tocsin_agent_shed_level"]) >= 2)
        #expect(try #require(figures["tocsin_agent_probe_runs_shed_total"]) >= 1)
        service.stop()
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
