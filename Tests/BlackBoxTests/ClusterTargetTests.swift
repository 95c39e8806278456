import Foundation
import Testing
import TocsinTestKit

/// One PostgreSQL that no agent lists: the coordinator gives it to one of them at a time.
///
/// `TOCSIN_FLEET_AGENTS=20 swift test --filter ClusterTargetTests` runs it with twenty.
@Suite(.serialized)
struct ClusterTargetTests {
    private static let agentCount = ProcessInfo.processInfo.environment["TOCSIN_FLEET_AGENTS"].flatMap { Int($0) } ?? 4

    @Test func neverMoreThanTwoSessionsThroughStartKillRestartAndPartition() async throws {
        let fleet = try await SharedDatabaseFleet(agents: Self.agentCount)
        let counter = try await SessionCounter(fleet.database)
        var coordinator = try await fleet.lab.startCoordinator()
        try fleet.startAll()
        let first = try #require(try await fleet.owner())
        // The owner's session may be younger than the counter's last look.
        let atStart = try await fleet.lab.eventually(within: .seconds(10)) {
            let most = try await counter.most()
            return most > 0 ? most : nil
        }
        #expect(atStart == 1, "one owner after the start of all")

        // Killed: another agent takes over when the lease has run out.
        try await fleet.kill(first)
        let second = try #require(try await fleet.owner(otherThan: first))
        try fleet.start(first)

        // A restarted coordinator goes on where the one before was.
        coordinator.kill()
        _ = try await coordinator.waitForExit()
        coordinator = try await fleet.lab.startCoordinator()
        let third = try #require(try await fleet.owner())

        // Cut off, the owner stops by its own clock before another one begins.
        fleet.relays[third]?.cut()
        _ = try #require(try await fleet.owner(otherThan: third), "\(third) was cut off, after \(second)")
        fleet.relays[third]?.heal()

        // Stopped in order, it says so.
        let last = try #require(try await fleet.owner())
        try await fleet.agents[last]?.terminate()
        _ = try #require(try await fleet.owner(otherThan: last))

        let most = try await counter.most()
        #expect(most <= 2, "at most two sessions of ours at any look, saw \(most)")
        #expect(try await counter.looks() > 100)
        // Agents that fell silent are another matter, and the counter's own statement is a long query.
        let incidents = try await fleet.lab.incidents().filter { $0.checkGroup == "down" }
        #expect(incidents.isEmpty, "the database was well all the time")
        try await counter.close()
        try await fleet.stop()
        try await coordinator.terminate()
    }

    @Test func downCountsWhenASecondAgentConfirmsIt() async throws {
        let fleet = try await SharedDatabaseFleet(agents: 3)
        let coordinator = try await fleet.lab.startCoordinator()
        try fleet.startAll()
        let owner = try #require(try await fleet.owner())

        // The owner alone cannot log in any more: no incident, and another agent takes over.
        try await fleet.kill(owner)
        try fleet.start(owner, password: "wrong")
        let disputed = try await fleet.lab.eventually(within: .seconds(60)) {
            try await fleet.coordinatorFigure("tocsin_coordinator_target_samples_unconfirmed_total") > 0 ? true : nil
        }
        #expect(disputed == true)
        let successor = try #require(try await fleet.owner(otherThan: owner))
        let early = try await fleet.lab.incidents().filter { $0.checkGroup == "down" }
        #expect(early.isEmpty, "one agent's word is not enough")

        try await fleet.database.kill9()
        let opened = try await fleet.lab.eventually(within: .seconds(60)) {
            try await fleet.lab.incidents().first { $0.checkGroup == "down" }
        }
        #expect(opened?.subject.contains("orders") == true, "\(successor) and another agent say the same")
        try await fleet.stop()
        try await coordinator.terminate()
    }
}
