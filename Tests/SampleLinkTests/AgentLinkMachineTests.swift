import SampleLink
import Testing

@Suite struct AgentLinkMachineTests {
    private func machine(last: UInt64, acknowledged: UInt64 = 0, sent: UInt64? = nil) -> AgentLinkMachine {
        AgentLinkMachine(last: last, acknowledged: acknowledged, sentThrough: sent ?? last)
    }

    @Test func newSpoolSendsFromOne() {
        var link = machine(last: 0)
        #expect(link.hello(heldFrom: 1) == (1, 0))
        #expect(link.connected(durable: 0, window: 8) == [])
        #expect(link.sendable() == nil)
        link.appended(through: 3)
        #expect(link.sendable() == 1...3)
        link.sent(through: 2)
        #expect(link.sendable() == 3...3 && link.inFlight == 2 && link.backlog == 3)
        #expect(link.acknowledged(through: 2) == [.acknowledgeSpool(through: 2)])
        #expect(link.inFlight == 0 && link.backlog == 1)
    }

    @Test func windowBoundsWhatIsUnderWay() {
        var link = machine(last: 100)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 10, window: 4)
        #expect(link.sendable() == 11...14)
        link.sent(through: 14)
        #expect(link.sendable() == nil)
        _ = link.acknowledged(through: 12)
        #expect(link.sendable() == 15...16)
    }

    @Test func zeroWindowStillMoves() {
        var link = machine(last: 5)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 0, window: 0)
        #expect(link.sendable() == 1...1)
    }

    @Test func resumesAfterTheDurableSequence() {
        var link = machine(last: 20, acknowledged: 5)
        #expect(link.hello(heldFrom: 3) == (3, 20))
        #expect(link.connected(durable: 9, window: 100) == [.acknowledgeSpool(through: 9)])
        #expect(link.sendable() == 10...20)
        link.sent(through: 20)
        link.disconnected()
        #expect(link.sendable() == nil && !link.isStreaming)
        _ = link.hello(heldFrom: 3)
        #expect(link.connected(durable: 15, window: 100) == [.acknowledgeSpool(through: 15)])
        #expect(link.sendable() == 16...20)
    }

    @Test func sendsAgainWhatTheCoordinatorForgot() {
        var link = machine(last: 20, acknowledged: 15)
        // Records 11 to 15 are acknowledged but their segment is still there.
        #expect(link.hello(heldFrom: 11) == (11, 20))
        #expect(link.connected(durable: 2, window: 100) == [.declareLoss(3...10, .coordinator)])
        #expect(link.sendable() == 11...20)
    }

    @Test func declaresWhatTheSpoolDroppedWhileAway() {
        var link = machine(last: 20, acknowledged: 5)
        #expect(link.lost(6...12) == [])
        #expect(link.hello(heldFrom: 13) == (13, 20))
        #expect(link.connected(durable: 5, window: 4) == [.declareLoss(6...12, .spool)])
        #expect(link.sendable() == 13...16)
        #expect(link.backlog == 8)
    }

    @Test func droppedFramesThatWereDurableAreNoLoss() {
        var link = machine(last: 20, acknowledged: 5)
        _ = link.lost(6...12)
        _ = link.hello(heldFrom: 13)
        #expect(link.connected(durable: 14, window: 100) == [.acknowledgeSpool(through: 14)])
        #expect(link.sendable() == 15...20)
    }

    @Test func lossInTheMiddleWaitsForAllBeforeIt() {
        var link = machine(last: 10)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 0, window: 100)
        #expect(link.lost(4...6) == [])
        #expect(link.sendable() == 1...3)
        link.sent(through: 3)
        #expect(link.sendable() == nil)
        #expect(link.acknowledged(through: 2) == [.acknowledgeSpool(through: 2)])
        #expect(
            link.acknowledged(through: 3) == [.acknowledgeSpool(through: 3), .reconnect(.declareLoss(4...6))])
        #expect(!link.isStreaming)
        #expect(link.hello(heldFrom: 1) == (7, 10))
        #expect(link.connected(durable: 3, window: 100) == [.declareLoss(4...6, .spool)])
        #expect(link.sendable() == 7...10)
    }

    @Test func lossUnderWayIsOnlyWhatDidNotArrive() {
        var link = machine(last: 10)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 0, window: 100)
        link.sent(through: 5)
        // The budget takes 1 to 8, of which 1 to 5 are on their way.
        #expect(link.lost(1...8) == [])
        #expect(
            link.acknowledged(through: 5) == [.acknowledgeSpool(through: 5), .reconnect(.declareLoss(6...8))])
        #expect(link.hello(heldFrom: 9) == (9, 10))
        #expect(link.connected(durable: 5, window: 100) == [.declareLoss(6...8, .spool)])
        #expect(link.sendable() == 9...10)
    }

    @Test func lossOfEverythingIsDeclared() {
        var link = machine(last: 7)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 2, window: 100)
        #expect(link.lost(1...7) == [.reconnect(.declareLoss(3...7))])
        #expect(link.hello(heldFrom: 8) == (8, 7))
        #expect(link.connected(durable: 2, window: 100) == [.declareLoss(3...7, .spool)])
        link.appended(through: 8)
        #expect(link.sendable() == 8...8)
    }

    @Test func oldCopyAsksForANewSession() {
        var link = machine(last: 8)
        link.appended(through: 11)
        _ = link.hello(heldFrom: 1)
        #expect(link.connected(durable: 10, window: 4) == [.beginNewSession(keepAfter: 8, durable: 10)])
        #expect(link.sendable() == nil)
        #expect(link.acknowledged(through: 10) == [])
    }

    @Test func newSessionHasSentNothing() {
        var link = machine(last: 3, sent: 0)
        _ = link.hello(heldFrom: 1)
        #expect(link.connected(durable: 1, window: 4) == [.beginNewSession(keepAfter: 0, durable: 1)])
    }

    @Test func hugeDurableIsAnOldCopyToo() {
        var link = machine(last: 8)
        _ = link.hello(heldFrom: 1)
        #expect(link.connected(durable: .max, window: .max) == [.beginNewSession(keepAfter: 8, durable: .max)])
    }

    @Test func acknowledgementOfTheUnsentEndsTheStream() {
        var link = machine(last: 8)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 0, window: 100)
        link.sent(through: 4)
        #expect(link.acknowledged(through: 5) == [.reconnect(.acknowledgedUnsent(5))])
        #expect(!link.isStreaming)
        #expect(link.acknowledged(through: 4) == [])
    }

    @Test func oldAcknowledgementsChangeNothing() {
        var link = machine(last: 8)
        _ = link.hello(heldFrom: 1)
        _ = link.connected(durable: 3, window: 100)
        link.sent(through: 8)
        #expect(link.acknowledged(through: 3) == [])
        #expect(link.acknowledged(through: 1) == [])
        #expect(link.acknowledged == 3)
    }
}
