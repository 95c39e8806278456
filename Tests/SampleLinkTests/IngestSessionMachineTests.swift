import SampleLink
import Testing

@Suite struct IngestSessionMachineTests {
    @Test func storesInOrderAndAcknowledgesWhatIsDurable() throws {
        var session = try IngestSessionMachine(durable: 4, first: 1, last: 9, window: 8)
        #expect(session.openingLoss == nil && !session.agentIsBehind)
        #expect(session.receive(5) == .store)
        #expect(session.receive(6) == .store)
        #expect(session.pending == 2)
        #expect(session.durable(through: 5)?.durable == 5)
        #expect(session.durable(through: 5) == nil)
        #expect(session.durable(through: 6)?.durable == 6)
        #expect(session.pending == 0)
    }

    @Test func duplicatesAreAcknowledgedAgain() throws {
        var session = try IngestSessionMachine(durable: 4, first: 1, last: 9, window: 8)
        #expect(session.receive(3) == .duplicate(durable: 4))
        #expect(session.receive(5) == .store)
        // Accepted but not durable yet: not stored twice, and not acknowledged early.
        #expect(session.receive(5) == .duplicate(durable: 4))
    }

    @Test func gapsAreRefused() throws {
        var session = try IngestSessionMachine(durable: 4, first: 1, last: 9, window: 8)
        #expect(session.receive(6) == .gap(expected: 5))
        #expect(session.receive(5) == .store)
        #expect(session.receive(.max) == .gap(expected: 6))
    }

    @Test func helloExplainsALoss() throws {
        var session = try IngestSessionMachine(durable: 4, first: 8, last: 9, window: 2)
        #expect(session.openingLoss == 5...7)
        #expect(session.receive(5) == .duplicate(durable: 4))
        #expect(session.receive(8) == .store)
        #expect(session.receive(9) == .store)
        #expect(session.receive(10) == .beyondWindow(limit: 9))
        #expect(session.pending == 2)
        #expect(session.durable(through: 7)?.durable == 7)
        #expect(session.pending == 2)
        #expect(session.durable(through: 9)?.durable == 9)
        #expect(session.pending == 0)
    }

    @Test func lossUpToTheEndOfTheSpool() throws {
        let session = try IngestSessionMachine(durable: 0, first: 10, last: 9, window: 2)
        #expect(session.openingLoss == 1...9)
    }

    @Test func oldSpoolIsNoticed() throws {
        let session = try IngestSessionMachine(durable: 20, first: 3, last: 9, window: 2)
        #expect(session.agentIsBehind && session.openingLoss == nil)
    }

    @Test func windowIsHeld() throws {
        var session = try IngestSessionMachine(durable: 0, first: 1, last: 9, window: 2)
        #expect(session.receive(1) == .store)
        #expect(session.receive(2) == .store)
        #expect(session.receive(3) == .beyondWindow(limit: 2))
        _ = session.durable(through: 1)
        #expect(session.receive(3) == .store)
    }

    @Test(arguments: [(0, 0), (0, 5), (7, 5), (.max, 5)] as [(UInt64, UInt64)])
    func contradictingHelloIsRefused(first: UInt64, last: UInt64) {
        let error = #expect(throws: IngestSessionMachine.HelloError.self) {
            try IngestSessionMachine(durable: 3, first: first, last: last, window: 2)
        }
        #expect(error?.first == first && error?.last == last)
    }

    @Test func endOfTheNumbersDoesNotTrap() throws {
        var session = try IngestSessionMachine(durable: 0, first: .max, last: .max, window: .max)
        #expect(session.receive(.max) == .store)
        #expect(session.receive(.max) == .duplicate(durable: 0))
        #expect(session.durable(through: .max)?.durable == .max)
    }
}
