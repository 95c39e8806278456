import Foundation
import Testing
import TocsinTestKit

/// What detectors had learned and a start cannot take over is counted where operators look.
@Suite struct LearnedStateTests {
    @Test("A damaged file of what was learned is a figure of its own, and no reason not to start")
    func damagedFile() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "2s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try FileManager.default.createDirectory(atPath: lab.path("coordinator"), withIntermediateDirectories: true)
        try "no state of detectors\n".write(
            toFile: lab.path("coordinator/detectors.state"), atomically: true, encoding: .utf8)
        let coordinator = try await lab.startCoordinator()
        let figures = try #require(
            try await lab.eventually(within: .seconds(20)) { try? await MetricsPage(port: lab.httpPort).figures() })
        #expect(figures["tocsin_coordinator_model_files_unusable_total"] == 1)
        #expect(figures["tocsin_coordinator_models_restored_total"] == 0)
        #expect(figures["tocsin_coordinator_models_not_restored_total"] == 0)
        try await coordinator.terminate()
    }
}
