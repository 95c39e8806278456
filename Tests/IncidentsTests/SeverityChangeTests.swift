import Detection
import Incidents
import Telemetry
import Testing

struct SeverityChangeTests {
    private let id = IncidentID(rawValue: 1)

    private func severity(_ desk: Desk) -> Severity? { desk.book.incidents[id]?.severity }

    @Test func risesAtOnceAndTheLedgerSaysWhy() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 10, value: 0.06))
        #expect(severity(desk) == .p3)
        let events = desk.see(Example.finding(Example.errorRatio, .ongoing, at: 20, value: 0.6))
        #expect(events.map(\.kind.name) == ["finding_updated", "severity_changed"])
        #expect(severity(desk) == .p1)
        let ledger = try #require(desk.book.incidents[id]).ledger
        #expect(ledger.map(\.severity) == [.p3, .p1])
        #expect(ledger.map(\.rule) == ["t.yaml:41", "t.yaml:39"])
        #expect(ledger[1].sentence.hasPrefix("P1 because half of all requests fail (t.yaml:39): error ratio 60 %"))
        #expect(ledger.map(\.previous) == [nil, .p3])
        #expect(ledger[1].previousSince == Example.time(10))
        #expect(
            ledger.map(\.cause) == ["check error-rate opened episode 1", "check error-rate went from P3 to P1"])
        #expect(desk.book.incidents[id]?.timeline.last?.text.hasPrefix("Severity raised from P3 to P1: ") == true)
    }

    @Test func fallsOnlyWhenTheLowerLevelHasHeld() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.6))
        for seconds in stride(from: Int64(60), through: 359, by: 10) {
            desk.see(Example.finding(Example.errorRatio, .ongoing, at: seconds, value: 0.06))
            #expect(severity(desk) == .p1)
        }
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 360, value: 0.06))
        #expect(severity(desk) == .p3)
        #expect(desk.book.incidents[id]?.ledger.last?.rule == "t.yaml:41")
    }

    @Test func aRelapseStartsTheWaitAnew() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.6))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 60, value: 0.06))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 300, value: 0.6))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 360, value: 0.06))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 659, value: 0.06))
        #expect(severity(desk) == .p1)
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 660, value: 0.06))
        #expect(severity(desk) == .p3)
    }

    @Test func takesTheLevelInBetweenWhenOnlyThatHasHeld() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.6))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 60, value: 0.2))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 300, value: 0.06))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 360, value: 0.06))
        #expect(severity(desk) == .p2)
        #expect(desk.book.incidents[id]?.ledger.last?.because == "nothing worse was asked for in the last 5m")
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 600, value: 0.06))
        #expect(severity(desk) == .p3)
    }

    @Test func isTheWorstOfTheOpenFindings() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.06))
        desk.see(Example.finding(Example.errorBurst, at: 1, value: 0.9))
        #expect(severity(desk) == .p1)
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 2, value: 0.06))
        #expect(severity(desk) == .p1)
        desk.see(Example.finding(Example.errorBurst, .closed, at: 10, value: 0.0))
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 309, value: 0.06))
        #expect(severity(desk) == .p1)
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 310, value: 0.06))
        #expect(severity(desk) == .p3)
    }

    @Test func durationAloneRaisesIt() {
        var desk = Desk()
        desk.see(Example.finding(Example.ready, at: 10, value: 0.4))
        #expect(severity(desk) == .p4)
        desk.see(Example.finding(Example.ready, .ongoing, at: 300, value: 0.4))
        #expect(severity(desk) == .p2)
    }

    @Test func aValueThatSwingsDoesNotFillTheLog() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.6))
        for seconds in 1...3600 {
            desk.see(
                Example.finding(Example.errorRatio, .ongoing, at: Int64(seconds), value: seconds % 2 == 0 ? 0.6 : 0.3))
        }
        #expect(severity(desk) == .p1)
        #expect(desk.log.count <= 3 + 2 * 60)
        #expect(desk.log.count > 60)
    }

    @Test func newRulesApplyAtTheNextPoint() {
        var desk = Desk()
        desk.see(Example.finding(at: 0, value: 0.06))
        let rule = SeverityRule(check: "*", severity: .p1, because: "all matters", origin: "new.yaml:1")
        desk.book.severities = SeverityTable(rules: [rule], checks: [Example.errorRatio])
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 1, value: 0.06))
        #expect(severity(desk) == .p1)
    }
}
