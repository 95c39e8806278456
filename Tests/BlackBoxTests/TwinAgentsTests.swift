import Foundation
import Testing
import TocsinTestKit

/// Two machines that were given the same node's certificate.
@Suite(.serialized)
struct TwinAgentsTests {
    @Test("Two agents with one name: it is said, and what either of them measured is stored once")
    func twins() async throws {
        let services = try (0..<2).map { _ in try NumberedService() }
        defer { for service in services { service.stop() } }
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        let coordinator = try await lab.startCoordinator()
        var agents: [ChildProcess] = []
        for (number, service) in services.enumerated() {
            try lab.writeAgent(
                node: "node-a", interval: "1s",
                probes: "actuators:\n  - {name: twin-\(number), url: \"\(service.url)\"}")
            // Each has a folder and a spool of its own, as two machines have.
            let file = lab.path("agent-node-a.yaml")
            let text = try String(contentsOfFile: file, encoding: .utf8)
                .replacing("dataDirectory: agent-node-a", with: "dataDirectory: twin-\(number)")
            _ = try lab.folder.write(text, to: "twin-\(number).yaml")
            agents.append(
                try ChildProcess(
                    "\(lab.binaries)/tocsin-agent", ["--config", lab.path("twin-\(number).yaml")],
                    directory: lab.folder.path))
        }
        let metrics = MetricsPage(port: lab.httpPort)
        let said = try await lab.eventually(within: .seconds(60)) { () -> Bool? in
            let isCounted = try await metrics.figures()["tocsin_coordinator_agents_contended_total"] ?? 0 >= 1
            let states = try await lab.agents().map(\.state)
            return isCounted && states == ["contended"] ? true : nil
        }
        #expect(said == true, "`agent list` and the metrics tell of it")
        #expect(coordinator.lines.contains { $0.contains("two agents use one name") }, "and the log")

        let quietSince = Date().timeIntervalSince1970
        for number in services.indices {
            let stored = try await lab.eventually(within: .seconds(60)) { () -> [(time: Double, value: Double)]? in
                let points = try await SampleQuery(lab: lab).points(
                    "logback_events_total{target=\"actuator/twin-\(number)\"}", since: "10m")
                return (points.last?.time ?? 0) > quietSince + 1 ? points : nil
            }
            let numbers = try #require(stored).map { Int($0.value) }
            #expect(Set(numbers).count == numbers.count, "twin \(number): nothing is there twice")
            let missing = Set(1...(numbers.max() ?? 1)).subtracting(numbers)
            #expect(missing.isEmpty, "twin \(number): \(missing.sorted()) of \(numbers.count) are missing")
        }
        for agent in agents { try await agent.terminate() }
        try await coordinator.terminate()
    }
}
