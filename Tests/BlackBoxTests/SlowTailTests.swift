import Foundation
import Testing
import TocsinTestKit

/// A real JVM with a histogram, of whose requests a part is slow: agent, coordinator and command line as processes.
@Suite(.serialized)
struct SlowTailTests {
    private struct Subject: Decodable {
        struct Signal: Decodable {
            var name: String
            var value: Double?
            var lower: Double?
            var upper: Double?
            var volume: Double
        }

        var signals: [Signal]
    }

    @Test("p95 and p99 are shown with their error, and a slow tail that the mean hides is an incident")
    func slowTail() async throws {
        let service = try await JavaService.start(.init(service: ["--histogram"]))
        defer { service.kill() }
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "2s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: "node-a", interval: "2s",
            probes: """
                actuators:
                  - {name: control, url: '\(service.actuatorURL)', namespace: shop, workload: Deployment/control}
                """)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: "node-a")
        // Every tenth request takes 2.5 s, the others next to nothing: 0.25 s in the mean.
        let traffic = Task {
            await withDiscardingTaskGroup { group in
                var count = 0
                while !Task.isCancelled {
                    let path = count % 10 == 0 ? "/slow?ms=2500" : "/ok"
                    group.addTask { _ = await service.get(path) }
                    count += 1
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
        }
        defer { traffic.cancel() }

        let p95 = try await lab.eventually(within: .seconds(60)) { () -> Subject.Signal? in
            let shown = try await lab.tocsin(["workload", "show", "control", "-o", "json"])
            guard shown.exit == .code(0) else { return nil }
            let subject = try JSONDecoder().decode(Subject.self, from: Data(shown.text.utf8))
            return subject.signals.first { $0.name == "latency_p95_seconds" && ($0.value ?? 0) > 2 }
        }
        let found = try #require(p95)
        // Micrometer's bounds about 2.5 s.
        #expect((2.1...2.6).contains(found.lower ?? 0) && (2.5...2.9).contains(found.upper ?? 0), "\(found)")
        #expect((found.value ?? 0) >= (found.lower ?? 9) && (found.value ?? 9) <= (found.upper ?? 0))
        let text = try await lab.tocsin(["workload", "show", "control"]).text
        for name in ["latency_p50_seconds", "latency_p99_seconds", "latency_mean_seconds"] {
            #expect(text.contains(name), "\(text)")
        }
        let incident = try await lab.eventually(within: .seconds(60)) {
            try await lab.incidents().first { $0.checkGroup == "latency" }
        }
        #expect(incident?.title == "Slow requests", "the mean does not show it")
        let shown = try await lab.tocsin(["incident", "show", incident?.id ?? ""]).text
        #expect(shown.contains("P95 latency") && shown.contains("took longer"), "\(shown)")
        traffic.cancel()
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
