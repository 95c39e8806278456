import Foundation
import Testing
import TocsinTestKit

/// Coordinator and agents are killed at random points, again and again, while every answer of the probed services has a
/// number of its own: what is stored afterwards can be held against what was seen.
///
/// `TOCSIN_CHAOS_ROUNDS` kills, 8 by default (`make chaos` has 200); `TOCSIN_CHAOS_SEED` repeats a run's choices.
@Suite(.serialized)
struct ChaosTests {
    private static let nodes = ["node-a", "node-b"]
    private static let servicesPerNode = 2

    private struct Agent {
        let node: String
        let services: [NumberedService]
        var process: ChildProcess
        var kills = 0
    }

    private struct Fleet {
        let lab: TocsinLab
        var coordinator: ChildProcess
        var agents: [Agent] = []

        init() async throws {
            lab = try await TocsinLab(nodes: ChaosTests.nodes, cluster: "test")
            try lab.writeCoordinator(
                step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
            coordinator = try await lab.startCoordinator()
            for node in ChaosTests.nodes {
                let services = try (0..<ChaosTests.servicesPerNode).map { _ in try NumberedService() }
                let targets = services.enumerated().map { "  - {name: \(node)-\($0), url: \"\($1.url)\"}" }
                try lab.writeAgent(
                    node: node, interval: "1s", probes: "actuators:\n" + targets.joined(separator: "\n"))
                agents.append(Agent(node: node, services: services, process: try lab.startAgent(node: node)))
            }
        }
    }

    @Test("kill -9 at random points: every number is stored once, or lies in a gap that its agent declares")
    func kills() async throws {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["TOCSIN_CHAOS_ROUNDS"].flatMap(Int.init) ?? 8
        var random = SeededRandom(seed: environment["TOCSIN_CHAOS_SEED"].flatMap(UInt64.init) ?? 20_261_128)
        var fleet = try await Fleet()
        defer { for service in fleet.agents.flatMap(\.services) { service.stop() } }
        let lab = fleet.lab
        for agent in fleet.agents {
            let first = try await lab.eventually(within: .seconds(60)) {
                try await stored(0, of: agent, lab).last?.value
            }
            try #require(first != nil)
        }
        for _ in 0..<rounds {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...1500, using: &random)))
            let away = Duration.milliseconds(Int.random(in: 0...700, using: &random))
            let agent = Int.random(in: fleet.agents.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                try await killAgents([agent], &fleet, away)
            case 1:
                try await killCoordinator(&fleet, away)
            case 2:
                try await killCoordinator(&fleet, .zero)
                try await killAgents([agent], &fleet, away)
            default:
                try await killAgents(Array(fleet.agents.indices), &fleet, away)
            }
        }
        let quietSince = Date().timeIntervalSince1970
        for agent in fleet.agents {
            for service in agent.services.indices {
                let stored = try await lab.eventually(within: .seconds(60)) { () -> [Point]? in
                    let points = try await self.stored(service, of: agent, lab)
                    return (points.last?.time ?? 0) > quietSince + 1 ? points : nil
                }
                let gaps = try await SampleQuery(lab: lab).gaps(selector(service, of: agent), since: "2h")
                try judge(#require(stored), of: service, agent, gaps)
            }
        }
        for agent in fleet.agents { try await agent.process.terminate() }
        try await fleet.coordinator.terminate()
    }

    private typealias Point = (time: Double, value: Double)

    private func judge(_ stored: [Point], of service: Int, _ agent: Agent, _ gaps: [ClosedRange<Double>]) throws {
        let name = "\(agent.node)-\(service)"
        let given = agent.services[service].times
        let numbers = stored.map { Int($0.value) }
        #expect(Set(numbers).count == numbers.count, "\(name): a number is stored twice")
        #expect(Set(stored.map(\.time)).count == stored.count, "\(name): a moment is there twice")
        for point in stored {
            let number = Int(point.value)
            try #require((1...given.count).contains(number), "\(name) never said \(point.value)")
            #expect(
                abs(given[number - 1] - point.time) < 3,
                "\(name): \(number) was said at \(given[number - 1]), and stored at \(point.time)")
        }
        let known = Set(numbers)
        let missing = (1...(numbers.max() ?? 1)).filter { !known.contains($0) }
        for number in missing {
            // Both ends are told in whole milliseconds.
            let isDeclared = gaps.contains {
                ($0.lowerBound - 0.001...$0.upperBound + 0.001).contains(given[number - 1])
            }
            #expect(isDeclared, "\(name): \(number), said at \(given[number - 1]), is nowhere and in none of \(gaps)")
        }
        #expect(missing.count <= 3 * agent.kills)
        // A gap for each death and no other, from the last sample written to the start: it excuses nothing else.
        #expect(gaps.count <= agent.kills, "\(name): \(gaps.count) gaps for \(agent.kills) kills")
        for gap in gaps { #expect(gap.upperBound - gap.lowerBound < 8, "\(name): \(gap)") }
    }

    private func selector(_ service: Int, of agent: Agent) -> String {
        "logback_events_total{target=\"actuator/\(agent.node)-\(service)\"}"
    }

    private func stored(_ service: Int, of agent: Agent, _ lab: TocsinLab) async throws -> [Point] {
        try await SampleQuery(lab: lab).points(selector(service, of: agent), since: "2h")
    }

    private func killAgents(_ indices: [Int], _ fleet: inout Fleet, _ away: Duration) async throws {
        for index in indices {
            fleet.agents[index].kills += 1
            fleet.agents[index].process.kill()
        }
        for index in indices { _ = try await fleet.agents[index].process.waitForExit() }
        try await Task.sleep(for: away)
        for index in indices { fleet.agents[index].process = try fleet.lab.startAgent(node: Self.nodes[index]) }
    }

    private func killCoordinator(_ fleet: inout Fleet, _ away: Duration) async throws {
        fleet.coordinator.kill()
        _ = try await fleet.coordinator.waitForExit()
        try await Task.sleep(for: away)
        fleet.coordinator = try await fleet.lab.startCoordinator()
    }
}
