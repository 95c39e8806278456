import Foundation
import Testing
import TocsinTestKit

/// Coordinator and agent are killed at random points, again and again, while every answer of the probed services has a
/// number of its own: what is stored afterwards can be held against what was seen.
///
/// `TOCSIN_CHAOS_ROUNDS` kills, 8 by default (`make chaos` has 200); `TOCSIN_CHAOS_SEED` repeats a run's choices.
@Suite(.serialized)
struct ChaosTests {
    private static let node = "node-a"
    private static let services = 4

    private struct Fleet {
        let lab: TocsinLab
        let services: [NumberedService]
        var coordinator: ChildProcess
        var agent: ChildProcess
        /// When the agent was killed: what it had just seen and not written yet is gone.
        var agentKills: [Double] = []

        init() async throws {
            services = try (0..<ChaosTests.services).map { _ in try NumberedService() }
            lab = try await TocsinLab(nodes: [ChaosTests.node], cluster: "test")
            try lab.writeCoordinator(
                step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
            let targets = services.enumerated().map { "  - {name: service-\($0), url: \"\($1.url)\"}" }
            try lab.writeAgent(
                node: ChaosTests.node, interval: "1s", probes: "actuators:\n" + targets.joined(separator: "\n"))
            coordinator = try await lab.startCoordinator()
            agent = try lab.startAgent(node: ChaosTests.node)
        }
    }

    @Test("kill -9 at random points: every number is stored once, or was seen just before its agent died")
    func kills() async throws {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["TOCSIN_CHAOS_ROUNDS"].flatMap(Int.init) ?? 8
        var random = SeededRandom(seed: environment["TOCSIN_CHAOS_SEED"].flatMap(UInt64.init) ?? 20_261_128)
        var fleet = try await Fleet()
        defer { for service in fleet.services { service.stop() } }
        _ = try #require(try await fleet.lab.eventually(within: .seconds(60)) { try await lastStored(fleet) })
        for _ in 0..<rounds {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...1500, using: &random)))
            let away = Duration.milliseconds(Int.random(in: 0...700, using: &random))
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                try await killAgent(&fleet, away)
            case 1:
                try await killCoordinator(&fleet, away)
            default:
                try await killCoordinator(&fleet, .zero)
                try await killAgent(&fleet, away)
            }
        }
        let quietSince = Date().timeIntervalSince1970
        for service in fleet.services.indices {
            let stored = try await fleet.lab.eventually(within: .seconds(60)) { () -> [Point]? in
                let points = try await self.stored(service, fleet)
                return (points.last?.time ?? 0) > quietSince + 1 ? points : nil
            }
            try judge(#require(stored), of: service, fleet)
        }
        try await fleet.agent.terminate()
        try await fleet.coordinator.terminate()
    }

    private typealias Point = (time: Double, value: Double)

    private func judge(_ stored: [Point], of service: Int, _ fleet: Fleet) throws {
        let given = fleet.services[service].times
        let numbers = stored.map { Int($0.value) }
        #expect(Set(numbers).count == numbers.count, "service \(service): a number is stored twice")
        #expect(Set(stored.map(\.time)).count == stored.count, "service \(service): a moment is there twice")
        for point in stored {
            let number = Int(point.value)
            try #require((1...given.count).contains(number), "service \(service) never said \(point.value)")
            #expect(
                abs(given[number - 1] - point.time) < 3,
                "service \(service): \(number) was said at \(given[number - 1]), and stored at \(point.time)")
        }
        let known = Set(numbers)
        let missing = (1...(numbers.max() ?? 1)).filter { !known.contains($0) }
        for number in missing {
            // Asked for, read and written takes an agent less than two intervals.
            let isExplained = fleet.agentKills.contains { (-0.5...2.5).contains($0 - given[number - 1]) }
            #expect(isExplained, "service \(service): \(number), said at \(given[number - 1]), is nowhere")
        }
        #expect(missing.count <= 3 * fleet.agentKills.count + 1)
    }

    private func stored(_ service: Int, _ fleet: Fleet) async throws -> [Point] {
        try await SampleQuery(lab: fleet.lab).points(
            "logback_events_total{target=\"actuator/service-\(service)\"}", since: "2h")
    }

    private func lastStored(_ fleet: Fleet) async throws -> Double? {
        try await stored(0, fleet).last?.value
    }

    private func killAgent(_ fleet: inout Fleet, _ away: Duration) async throws {
        fleet.agentKills.append(Date().timeIntervalSince1970)
        fleet.agent.kill()
        _ = try await fleet.agent.waitForExit()
        try await Task.sleep(for: away)
        fleet.agent = try fleet.lab.startAgent(node: Self.node)
    }

    private func killCoordinator(_ fleet: inout Fleet, _ away: Duration) async throws {
        fleet.coordinator.kill()
        _ = try await fleet.coordinator.waitForExit()
        try await Task.sleep(for: away)
        fleet.coordinator = try await fleet.lab.startCoordinator()
    }
}
