import Foundation
import Testing
import TocsinTestKit

/// Nothing acknowledged is lost: real processes, killed for real.
@Suite(.serialized)
struct DurabilityTests {
    @Test("An agent keeps sampling while its coordinator is away, and delivers all of it after")
    func coordinatorAway() async throws {
        let fleet = try await DatabaseFleet()
        var coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        let goneAt = Date().timeIntervalSince1970
        try await coordinator.terminate()
        try await Task.sleep(for: .seconds(12))
        let backAt = Date().timeIntervalSince1970
        coordinator = try await fleet.lab.startCoordinator()
        let delivered = try await fleet.lab.eventually(within: .seconds(30)) { () -> [Double]? in
            let times = try await fleet.samples("pg_up{instance=\"orders\"}").map(\.time)
            return (times.last ?? 0) > backAt + 2 ? times : nil
        }
        let times = try #require(delivered)
        let during = times.filter { $0 > goneAt && $0 < backAt }
        #expect(
            during.count >= 10, "one sample a second of the twelve seconds without a coordinator, got \(during.count)")
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect((gaps.max() ?? 99) < 2.5, "no second is missing")
        #expect(Set(times).count == times.count, "no sample is there twice")
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("kill -9 of the coordinator loses no acknowledged sample and no incident event")
    func coordinatorKilled() async throws {
        let fleet = try await DatabaseFleet()
        var coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        try await fleet.database.kill9()
        let opened = try await fleet.lab.eventually(within: .seconds(30)) {
            try await fleet.lab.incidents().first { $0.checkGroup == "down" }
        }
        let incident = try #require(opened)
        let note = try await fleet.lab.tocsin(["incident", "note", incident.id, "seen by hand"])
        try #require(note.exit == .code(0), "\(note.text)")

        for _ in 0..<4 {
            coordinator.kill()
            _ = try await coordinator.waitForExit()
            coordinator = try await fleet.lab.startCoordinator()
            try await Task.sleep(for: .milliseconds(700))
        }
        let after = try await fleet.lab.incidents()
        let down = after.filter { $0.checkGroup == "down" }
        #expect(down.map(\.id) == [incident.id], "the same incident, and no second one for the same fault")
        #expect(down.first?.state == "detected")
        #expect(down.first?.episode == 1)
        #expect(after.allSatisfy { $0.subject == incident.subject && ["down", "probe"].contains($0.checkGroup) })
        #expect(Set(after.map(\.checkGroup)).count == after.count, "none is there twice")
        let shown = try await fleet.lab.tocsin(["incident", "show", incident.id])
        #expect(shown.text.contains("seen by hand"))

        try await fleet.database.start()
        let resolved = try await fleet.lab.eventually(within: .seconds(40)) {
            try await fleet.lab.incidents().first { $0.id == incident.id && $0.state == "resolved" }
        }
        #expect(resolved != nil, "it closes by itself on recovery")
        let times = try await fleet.samples("probe_up{target=\"postgresql/orders\"}").map(\.time)
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect((gaps.max() ?? 99) < 3.5, "no sample is missing across four kills")
        #expect(Set(times).count == times.count, "and none is there twice")
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("kill -9 of the agent: what it spooled arrives after its restart, once")
    func agentKilled() async throws {
        let fleet = try await DatabaseFleet()
        let coordinator = try await fleet.lab.startCoordinator()
        var agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(1700))
            agent.kill()
            _ = try await agent.waitForExit()
            agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        }
        let restartedAt = Date().timeIntervalSince1970
        let times = try #require(
            try await fleet.lab.eventually(within: .seconds(20)) { () -> [Double]? in
                let times = try await fleet.samples("pg_up{instance=\"orders\"}").map(\.time)
                return (times.last ?? 0) > restartedAt + 2 ? times : nil
            })
        #expect(Set(times).count == times.count, "no sample is there twice")
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect((gaps.max() ?? 99) < 5, "only what was probed around a kill is missing")
        let agents = try await fleet.lab.agents()
        #expect(agents.map(\.lostSamplesTotal) == [0])
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
