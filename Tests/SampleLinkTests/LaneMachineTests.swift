import SampleLink
import Testing

/// Both ends with a fresh lane that runs ahead of the backlog.
@Suite struct LaneMachineTests {
    private func agent(
        last: UInt64, durable: UInt64, window: UInt32, ahead: [ClosedRange<UInt64>] = []
    ) -> AgentLinkMachine {
        var link = AgentLinkMachine(last: last, acknowledged: durable, sentThrough: last)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: durable, window: window, ahead: ahead, usesLanes: true)
        return link
    }

    @Test func aShortBacklogNeedsNoLane() {
        let link = agent(last: 20, durable: 10, window: 10)
        #expect(link.sendable() == 11...20 && link.backfillSendable() == nil)
    }

    @Test func theFreshLaneBeginsAWindowBeforeTheEnd() {
        var link = agent(last: 100, durable: 10, window: 8)
        #expect(link.sendable() == 93...100)
        #expect(link.backfillSendable() == 11...18)
        #expect(link.backlog == 90)
        link.sent(through: 100)
        link.backfilled(through: 12)
        #expect(link.sendable() == nil && link.inFlight == 10)
        link.appended(through: 101)
        #expect(link.acknowledged(through: 11, fresh: 95) == [.acknowledgeSpool(through: 11)])
        #expect(link.sendable() == 101...101)
        #expect(link.backfillSendable() == 13...19)
        #expect(link.backlog == 90 - 1 - 3 + 1)
    }

    @Test func theLanesBecomeOneWhenTheBacklogIsDone() {
        var link = agent(last: 12, durable: 0, window: 4)
        #expect(link.sendable() == 9...12)
        link.sent(through: 12)
        _ = link.acknowledged(through: 0, fresh: 12)
        for end in [4, 8] as [UInt64] {
            #expect(link.backfillSendable() == end - 3...end)
            link.backfilled(through: end)
            _ = link.acknowledged(through: end == 8 ? 12 : end)
        }
        #expect(link.backlog == 0 && link.backfillSendable() == nil)
        link.appended(through: 14)
        #expect(link.sendable() == 13...14)
    }

    @Test func whatIsDurableAheadIsNotSentAgain() {
        var link = agent(last: 60, durable: 10, window: 6, ahead: [15...20, 40...50])
        #expect(link.sendable() == 55...60)
        #expect(link.backfillSendable() == 11...14)
        link.backfilled(through: 14)
        #expect(link.acknowledged(through: 20) == [.acknowledgeSpool(through: 20)])
        #expect(link.backfillSendable() == 21...26)
    }

    @Test func anAcknowledgementOfWhatWasNotSentIsNotBelieved() {
        for (durable, fresh) in [(11, 0), (20, 0), (0, 93), (10, 101)] as [(UInt64, UInt64)] {
            var link = agent(last: 100, durable: 10, window: 8)
            guard case .reconnect(.acknowledgedUnsent) = link.acknowledged(through: durable, fresh: fresh).first else {
                Issue.record("acknowledged \(durable), \(fresh)")
                continue
            }
            #expect(!link.isStreaming)
        }
    }

    @Test func aLossOnTheFreshLaneIsLeftToTheOther() {
        var link = agent(last: 100, durable: 10, window: 8)
        link.sent(through: 95)
        #expect(link.lost(96...97) == [])
        #expect(link.sendable() == nil)
        #expect(link.acknowledged(through: 10, fresh: 95) == [.reconnect(.declareLoss(96...97))])
        #expect(link.hello(heldFrom: 1) == (1, 100))
        _ = link.connected(durable: 10, window: 8, ahead: [93...95], usesLanes: true)
        #expect(link.sendable() == 98...100)
        #expect(link.backfillSendable() == 11...18)
    }

    @Test func theCoordinatorFollowsBothLanes() throws {
        var session = try IngestSessionMachine(
            durable: 10, held: SequenceRanges([15...20]), first: 1, last: 100, window: 8, usesLanes: true)
        #expect(session.receive(93) == .store)
        #expect(session.receive(11, isBackfill: true) == .store)
        #expect(session.receive(13, isBackfill: true) == .gap(expected: 12))
        #expect(session.receive(95) == .gap(expected: 94))
        #expect(session.receive(93) == .duplicate(durable: 10))
        #expect(session.receive(94) == .store)
        #expect(session.pending == 3)
        #expect(session.durable(through: 94) == .init(durable: 10, fresh: 94))
        for sequence in 12...14 as ClosedRange<UInt64> {
            #expect(session.receive(sequence, isBackfill: true) == .store)
        }
        #expect(session.receive(16, isBackfill: true) == .duplicate(durable: 10))
        #expect(session.durable(through: 14) == .init(durable: 20, fresh: 94))
        #expect(session.pending == 0)
        #expect(session.receive(103) == .gap(expected: 95))
    }

    @Test func theCoordinatorJoinsTheLanes() throws {
        var session = try IngestSessionMachine(durable: 0, first: 1, last: 4, window: 8, usesLanes: true)
        #expect(session.receive(3) == .store)
        #expect(session.receive(4) == .store)
        #expect(session.receive(1, isBackfill: true) == .store)
        #expect(session.receive(2, isBackfill: true) == .store)
        #expect(session.receive(3, isBackfill: true) == .gap(expected: 3))
        #expect(session.durable(through: 3) == .init(durable: 0, fresh: 3))
        #expect(session.durable(through: 2) == .init(durable: 3, fresh: 0))
        #expect(session.pending == 1)
        #expect(session.durable(through: 4) == .init(durable: 4, fresh: 0))
        #expect(session.receive(5) == .store)
    }

    @Test func withoutLanesAHoleIsAGap() throws {
        var session = try IngestSessionMachine(durable: 0, first: 1, last: 4, window: 8)
        #expect(session.receive(3) == .gap(expected: 1))
    }
}
