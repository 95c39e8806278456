import Foundation
import Testing
import TocsinTestKit

/// The disk under an agent's data directory runs full.
@Suite(.serialized)
struct AgentFullDiskTests {
    private static let node = "node-a"
    private static let series = "tocsin_agent_spool_bytes"

    private func lab() async throws -> (TocsinLab, MetricsPage) {
        let lab = try await TocsinLab(nodes: [Self.node], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        let port = try lab.writeAgent(node: Self.node, interval: "1s", probes: "")
        return (lab, MetricsPage(port: port))
    }

    private func times(_ lab: TocsinLab) async throws -> [Double] {
        try await SampleQuery(lab: lab).points(Self.series, since: "10m").map(\.time)
    }

    /// The times of the samples, when there are some of after `moment`.
    private func times(_ lab: TocsinLab, beyond moment: Double) async throws -> [Double]? {
        try await lab.eventually(within: .seconds(40)) {
            guard let times = try? await times(lab), times.last ?? 0 > moment else { return nil }
            return times
        }
    }

    private func waitUntil(
        _ lab: TocsinLab, _ page: MetricsPage, _ isSo: @Sendable @escaping ([String: Double]) -> Bool
    ) async throws -> Bool {
        try await lab.eventually(within: .seconds(30)) {
            guard let figures = try? await page.figures() else { return nil }
            return isSo(figures) ? true : nil
        } ?? false
    }

    @Test(
        "While the disk is full samples go on, wait in memory while the coordinator is away, and all are there once",
        .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs in a namespace of its own"))
    func goesOnFromMemory() async throws {
        let (lab, page) = try await lab()
        var coordinator = try await lab.startCoordinator()
        let disk = try SmallDisk.agent(lab, node: Self.node, megabytes: 4)
        let agent = disk.process
        try #require(try await times(lab, beyond: Date().timeIntervalSince1970 + 2) != nil)

        let filledAt = Date().timeIntervalSince1970
        try await disk.fill()
        #expect(try await waitUntil(lab, page) { $0["tocsin_agent_spool_failing"] == 1 })
        #expect(try await times(lab, beyond: filledAt + 6) != nil, "what is new needs no disk")

        coordinator.kill()
        _ = try await coordinator.waitForExit()
        let leftAt = Date().timeIntervalSince1970
        try await Task.sleep(for: .seconds(5))
        #expect(try await waitUntil(lab, page) { $0["tocsin_agent_spool_memory_bytes"] ?? 0 > 0 }, "it waits in memory")
        coordinator = try await lab.startCoordinator()
        #expect(try await times(lab, beyond: leftAt + 10) != nil)

        try await disk.free()
        #expect(
            try await waitUntil(lab, page) {
                $0["tocsin_agent_spool_failing"] == 0 && $0["tocsin_agent_spool_memory_bytes"] == 0
            }, "it recovers by itself")
        #expect(try await waitUntil(lab, page) { $0["tocsin_agent_samples_lost_total"] == 0 })
        let all = try #require(try await times(lab, beyond: Date().timeIntervalSince1970 + 3))
        #expect(Set(all).count == all.count, "no sample is there twice")
        let gaps = zip(all, all.dropFirst()).map { $1 - $0 }
        #expect(gaps.max() ?? 99 < 3, "and none of the time without a disk is missing")
        #expect(agent.lines.count { $0.contains("the spool's disk takes no writes") } == 1, "said once")
        #expect(agent.lines.count { $0.contains("the spool's disk takes writes again") } == 1)
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test(
        "An agent that is killed while its disk is full goes on, and what it numbered before is not taken for the new",
        .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs in a namespace of its own"))
    func killedMeanwhile() async throws {
        let (lab, page) = try await lab()
        let coordinator = try await lab.startCoordinator()
        let disk = try SmallDisk.agent(lab, node: Self.node, megabytes: 4)
        try #require(try await times(lab, beyond: Date().timeIntervalSince1970 + 2) != nil)
        let filledAt = Date().timeIntervalSince1970
        try await disk.fill()
        try #require(try await times(lab, beyond: filledAt + 5) != nil)
        try await disk.run("kill -9 $(cat '\(lab.path("agent.pid"))')")
        let killedAt = Date().timeIntervalSince1970
        #expect(try await times(lab, beyond: killedAt + 6) != nil, "with the disk still full")
        try await disk.free()
        #expect(try await waitUntil(lab, page) { $0["tocsin_agent_spool_failing"] == 0 })
        let all = try #require(try await times(lab, beyond: Date().timeIntervalSince1970 + 3))
        #expect(Set(all).count == all.count)
        let gaps = zip(all, all.dropFirst()).filter { $1 > killedAt + 4 }.map { $1 - $0 }
        #expect(gaps.max() ?? 99 < 3, "only the time of the restart is missing")
        try await disk.process.terminate()
        try await coordinator.terminate()
    }
}
