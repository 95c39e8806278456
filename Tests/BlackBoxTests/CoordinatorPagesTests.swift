import Testing
import TocsinTestKit

/// What a started coordinator serves at `http.listen`.
@Suite(.serialized)
struct CoordinatorPagesTests {
    @Test("Health and readiness are good once it listens, with and without agents, and what is idle is not stuck")
    func pages() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(node: "node-a", interval: "1s", probes: "")
        let coordinator = try await lab.startCoordinator()
        let page = MetricsPage(port: lab.httpPort)
        #expect(
            try await lab.eventually(within: .seconds(5)) { try await page.status("/readyz") == 200 ? true : nil }
                == true)
        #expect(try await page.status("/healthz") == 200)
        let agent = try lab.startAgent(node: "node-a")
        #expect(
            try await lab.eventually(within: .seconds(30)) {
                try await page.figures()["tocsin_coordinator_frames_stored_total"] ?? 0 > 5 ? true : nil
            } == true)
        try await agent.terminate()
        try await Task.sleep(for: .seconds(65))
        #expect(try await page.status("/healthz") == 200)
        #expect(try await page.status("/readyz") == 200)
        try await coordinator.terminate()
    }
}
