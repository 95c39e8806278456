import Foundation
import Testing
import TocsinTestKit

/// An agent whose clock jumps an hour: ahead under a running stream, back across a restart of its process.
///
/// The coordinator's is the machine's. A jump back of a process that runs is left to `ClockOffset`'s own tests: see
/// `FakeClock`.
@Suite(.serialized)
struct ClockJumpTests {
    @Test("A clock that jumps an hour ahead opens nothing; a fault is seen in time, dated by our clock")
    func jump() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let clock = try FakeClock(in: lab.folder)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node, variables: clock.variables)
        try #require(try await fleet.waitUntilProbed())
        let before = try await lab.agents().first?.samplesTotal ?? 0
        try clock.set(ahead: 3600)
        let goesOn = try await lab.eventually(within: .seconds(20)) {
            (try await lab.agents().first?.samplesTotal ?? 0) > before + 200 ? true : nil
        }
        #expect(goesOn == true, "the agent goes on")
        #expect(try await lab.incidents().isEmpty, "a jump is no fault")
        #expect(try await lab.agents().map(\.state) == ["live"])

        try await killDatabase(of: fleet)
        try await fleet.database.start()
        let resolved = try await lab.eventually(within: .seconds(40)) {
            try await lab.incidents().allSatisfy { $0.state == "resolved" } ? true : nil
        }
        #expect(resolved == true, "it is over when it is over")
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("A clock that is an hour ahead and falls back opens nothing and hides no fault; the spool goes on")
    func fallsBack() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let clock = try FakeClock(in: lab.folder)
        try clock.set(ahead: 3600)
        let coordinator = try await lab.startCoordinator()
        var agent = try lab.startAgent(node: DatabaseFleet.node, variables: clock.variables)
        try #require(try await fleet.waitUntilProbed())
        let before = try #require(try await lab.agents().first).samplesTotal
        // Killed, so that what its spool says of its last moment lies in the future of the next process.
        agent.kill()
        _ = try await agent.waitForExit()
        try clock.set(ahead: 0)
        agent = try lab.startAgent(node: DatabaseFleet.node, variables: clock.variables)
        let goesOn = try await lab.eventually(within: .seconds(20)) {
            (try await lab.agents().first?.samplesTotal ?? 0) > before + 200 ? true : nil
        }
        #expect(goesOn == true, "the agent goes on")
        #expect(try await lab.incidents().isEmpty, "a jump is no fault")
        #expect(try await lab.agents().map(\.state) == ["live"])
        #expect(try await lab.agents().map(\.lostSamplesTotal) == [0])

        let killedAt = Date().timeIntervalSince1970
        try await killDatabase(of: fleet)
        let times = try await fleet.samples("probe_up{target=\"postgresql/orders\"}", since: "10m").map(\.time)
        #expect(Set(times).count == times.count && (times.last ?? 0) > killedAt - 2, "each once, by the clock of now")
        try await agent.terminate()
        try await coordinator.terminate()
    }

    /// Kills the database, and expects that its incident is dated to when it happened.
    private func killDatabase(of fleet: DatabaseFleet) async throws {
        let killedAt = Date().timeIntervalSince1970
        try await fleet.database.kill9()
        let opened = try await fleet.lab.eventually(within: .seconds(20)) {
            try await fleet.lab.incidents().first { $0.checkGroup == "down" }
        }
        let onset = try Date(
            #require(opened, "the fault is seen").onsetAt,
            strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        ).timeIntervalSince1970
        #expect(abs(onset - killedAt) < 10, "dated \(onset - killedAt) s after it happened")
    }
}
