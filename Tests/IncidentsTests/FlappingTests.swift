import Detection
import Incidents
import Telemetry
import Testing

struct FlappingTests {
    private let id = IncidentID(rawValue: 1)

    /// Opens at `start`, closes a minute later.
    @discardableResult
    private func spell(_ desk: inout Desk, at start: Int64) -> [String] {
        let opened = desk.see(Example.finding(at: start, onset: start))
        let closed = desk.see(Example.finding(Example.errorRatio, .closed, at: start + 60, onset: start, value: 0))
        return (opened + closed).map(\.kind.name)
    }

    @Test func theThirdRecoveryWithinAnHourIsHeldBackAndEachReturnIsCounted() throws {
        var desk = Desk()
        #expect(spell(&desk, at: 0).last == "resolved")
        #expect(spell(&desk, at: 300).last == "resolved")
        #expect(spell(&desk, at: 600).last == "recovery_held")
        let held = try #require(desk.book.incidents[id])
        #expect(held.isOpen && held.episode == 3 && held.heldUntil == Example.time(660 + 900))
        // It comes back: the same episode, so nothing new is told; only the count rises.
        for round in 1...4 {
            let names = spell(&desk, at: 600 + 300 * Int64(round))
            #expect(names == ["finding_opened", "finding_closed", "recovery_held"])
            #expect(desk.book.incidents[id]?.flaps == round)
            #expect(desk.settle(at: 600 + 300 * Int64(round) + 120).isEmpty)
        }
        let quiet = 600 + 300 * 4 + 60 + Int64(900)
        #expect(desk.settle(at: quiet - 1).isEmpty)
        #expect(desk.settle(at: quiet).map(\.kind.name) == ["resolved"])
        let incident = try #require(desk.book.incidents[id])
        #expect(incident.state == .resolved && incident.episode == 3 && incident.flaps == 4)
        #expect(desk.book.unsettled.isEmpty)
        #expect(desk.folded() == desk.book)
    }

    @Test func openingsFarApartAreNoFlapping() {
        var desk = Desk()
        for round in 0..<4 { #expect(spell(&desk, at: Int64(round) * 1850).last == "resolved") }
    }

    @Test func aPersonMayEndItWhileItIsHeld() throws {
        var desk = Desk()
        for round in 0..<3 { spell(&desk, at: Int64(round) * 300) }
        try desk.run(.resolve(id, by: "anna", cause: "flaky check"), at: 700)
        #expect(desk.book.incidents[id]?.state == .resolved)
        #expect(desk.book.unsettled.isEmpty)
        #expect(desk.settle(at: 5000).isEmpty)
    }

    @Test func aRestartKeepsTheHold() {
        var desk = Desk()
        for round in 0..<3 { spell(&desk, at: Int64(round) * 300) }
        var restarted = desk.folded()
        #expect(restarted.unsettled == [id])
        let drafts = restarted.settle(now: Example.time(5000))
        #expect(drafts.map(\.kind.name) == ["resolved"])
        for event in restarted.number(drafts) { restarted.apply(event) }
        #expect(restarted.openIncidents.isEmpty)
    }
}
