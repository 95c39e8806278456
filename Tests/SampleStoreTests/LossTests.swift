import SampleLink
import Telemetry
import Testing

@testable import SampleStore

/// What agents gave up shows in answers as gaps: when, how much, why.
struct LossTests {
    private let folder: TemporaryFolder
    private let store: SampleStore
    private let a = Fleet.key("a")
    private let b = Fleet.key("a", session: 2)

    init() throws {
        folder = try TemporaryFolder()
        store = try Fleet.open(folder)
    }

    private func times(_ from: Int64, _ to: Int64) -> ClosedRange<Timestamp> { Fleet.time(from)...Fleet.time(to) }

    private func gaps() async throws -> [QueryReport.Gap] {
        try await store.answer("up", from: 0, to: 1000).1.gaps
    }

    /// A session with its frames 1 and 2, of the seconds 10 and 20.
    private func begin() async throws {
        #expect(try await store.openSession(a, SessionOpening(firstSequence: 1), at: Fleet.time(1)).losses.isEmpty)
        _ = try await store.append([Fleet.frame(a, 1), Fleet.frame(a, 2)])
    }

    @Test func whatTheAgentKnowsOfALossIsTold() async throws {
        try await begin()
        let opening = SessionOpening(
            firstSequence: 6, heldFrom: Fleet.time(60),
            losses: [
                FrameLoss(sequences: 1...1, times: times(1, 2), samples: 99, reason: .damage),
                FrameLoss(sequences: 3...4, times: times(31, 44), samples: 12, reason: .budget),
                FrameLoss(sequences: 5...5, times: times(50, 55), samples: 6, reason: .budget),
            ])
        let opened = try await store.openSession(a, opening, at: Fleet.time(70))
        #expect(opened.durable.through == 5)
        #expect(opened.losses == [NotedLoss(times: times(31, 55), samples: 18, reason: "the agent's spool was full")])
        let again = try await store.openSession(a, opening, at: Fleet.time(80))
        #expect(again.losses.isEmpty, "the same hello once more counts for nothing")
        let gaps = try await gaps()
        #expect(gaps.map(\.reason) == ["the agent's spool was full (18 samples)"])
        #expect(gaps.first.map { $0.from...$0.to } == times(31, 55))
        #expect(gaps.first?.node == "a")
    }

    @Test func whatTheAgentCannotTellLiesBetweenWhatIsStoredAndWhatIsHeld() async throws {
        try await begin()
        let opening = SessionOpening(
            firstSequence: 6, heldFrom: Fleet.time(60),
            losses: [FrameLoss(sequences: 3...3, times: times(31, 33), samples: 2, reason: .refused)])
        let opened = try await store.openSession(a, opening, at: Fleet.time(70))
        #expect(
            opened.losses == [NotedLoss(times: times(20, 60), samples: 2, reason: "the coordinator refused them")])
        _ = try await store.append([Fleet.frame(a, 6)])
        let later = try await store.openSession(a, SessionOpening(firstSequence: 9), at: Fleet.time(95))
        #expect(later.losses == [NotedLoss(times: times(60, 95), samples: 0, reason: "the agent holds them no more")])
    }

    @Test func aSpoolThatIsGoneTakesWithItWhatItHeld() async throws {
        try await begin()
        let opened = try await store.openSession(
            b, SessionOpening(firstSequence: 1, heldFrom: Fleet.time(90)), at: Fleet.time(100))
        let reason = "the agent's spool is gone, with what it had not sent"
        #expect(opened.losses == [NotedLoss(times: times(20, 90), samples: 0, reason: reason)])
        #expect(try await gaps().map(\.reason) == [reason])
        let third = try await store.openSession(
            Fleet.key("a", session: 3), SessionOpening(firstSequence: 1), at: Fleet.time(110))
        #expect(third.losses.isEmpty, "the second brought nothing, and the first is settled")
        #expect(try await store.openSession(a, SessionOpening(firstSequence: 1), at: Fleet.time(120)).losses.isEmpty)
        #expect(try await gaps().count == 1)
    }

    @Test func whatAnAgentThatEndedCouldNotSendIsToldWhenItsSpoolIsGone() async throws {
        try await begin()
        try await store.endSession(
            a, unsent: FrameLoss(sequences: 3...9, times: times(30, 95), samples: 70))
        // The same spool comes back: nothing is lost, and what it said is settled.
        #expect(try await store.openSession(a, SessionOpening(firstSequence: 3), at: Fleet.time(98)).losses.isEmpty)
        try await store.endSession(
            a, unsent: FrameLoss(sequences: 5...9, times: times(50, 95), samples: 50))
        let opened = try await store.openSession(b, SessionOpening(firstSequence: 1), at: Fleet.time(100))
        let reason = "the agent ended before it could send them, and its spool is gone"
        #expect(opened.losses == [NotedLoss(times: times(50, 95), samples: 50, reason: reason)])
        #expect(try await gaps().map(\.reason) == [reason + " (50 samples)"])
    }

    @Test(arguments: [true, false])
    func aSpoolThatHeldNothingOrWasTakenOverLosesNothing(isTakenOver: Bool) async throws {
        try await begin()
        if !isTakenOver { try await store.endSession(a, unsent: nil) }
        let opening = SessionOpening(
            firstSequence: 1, heldFrom: Fleet.time(30), continues: isTakenOver ? a.session : [])
        #expect(try await store.openSession(b, opening, at: Fleet.time(100)).losses.isEmpty)
        #expect(try await gaps().isEmpty)
    }
}
