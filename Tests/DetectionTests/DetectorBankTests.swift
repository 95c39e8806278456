import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct DetectorBankTests {
    private let payments = Subject(cluster: "test", kind: .workload, path: "shop/Deployment/payments")

    private func query(_ seconds: Double, _ value: Double?, of subject: Subject = orders) -> SignalPoint {
        var point = point(.longestQuerySeconds, seconds, value)
        point.subject = subject
        if value == nil { point.coverage = Coverage(present: 0, expected: 1) }
        return point
    }

    @Test func pointsGoToTheirSubjectsDetectors() {
        var bank = DetectorBank(checks: Checks.all)
        let findings = bank.process([
            query(10, 400), query(10, 5, of: payments), point(.oomKills, 10, 2), point(.heapLiveRatio, 10, 0.2),
        ])
        #expect(findings.map(\.check) == ["long-query", "oom-kill", "oom-repeated"])
        #expect(Set(findings.map(\.subject)) == [orders])
        // Detectors are made for the signals that a subject has.
        let signals: Set<SignalName> = [.longestQuerySeconds, .oomKills, .heapLiveRatio]
        #expect(bank.statistics.detectors == Checks.all.count { signals.contains($0.signal) } + 1)
        #expect(bank.statistics.opened == 3)
    }

    @Test func aSignalThatComesLaterHasItsDetectorsToo() {
        var bank = DetectorBank(checks: Checks.all)
        #expect(bank.process([point(.heapLiveRatio, 10, 0.2)]).isEmpty)
        #expect(bank.statistics.detectors == 1)
        #expect(
            bank.process([point(.heapLiveRatio, 20, 0.2), point(.oomKills, 20, 2)]).map(\.check).sorted() == [
                "oom-kill", "oom-repeated",
            ])
        #expect(
            bank.process([query(30, 400), point(.oomKills, 30, 0)]).filter { $0.phase == .opened }.map(\.check) == [
                "long-query"
            ])
        #expect(bank.statistics.detectors == 4)
        // In the order of the checks, whichever came first.
        #expect(bank.openFindings.map(\.check) == ["oom-kill", "oom-repeated", "long-query"])
    }

    @Test func afterARestoreSignalsThatComeLaterHaveTheirDetectorsToo() throws {
        var bank = DetectorBank(checks: Checks.all)
        _ = bank.process([point(.heapLiveRatio, 10, 0.2)])
        var other = DetectorBank(checks: Checks.all)
        other.restore(bank.snapshot)
        let next = [point(.heapLiveRatio, 20, 0.2), point(.oomKills, 20, 2), query(20, 400)]
        let expected = bank.process(next)
        #expect(expected.count == 3)
        #expect(other.process(next) == expected)
        #expect(other.snapshot == bank.snapshot)
    }

    @Test func aCheckThatIsAddedForASignalThatIsThereRunsAtOnce() {
        var bank = DetectorBank(checks: [Checks.oomKill, Checks.heap])
        #expect(bank.process([point(.oomKills, 10, 0)]).isEmpty)
        let checks = [Checks.oomKill, Checks.heap, Checks.oomRepeated, Checks.longQuery]
        #expect(bank.replaceChecks(at: at(15)) { _ in checks }.isEmpty)
        #expect(bank.statistics.detectors == 2)
        let found = bank.process([point(.oomKills, 20, 2), query(20, 400)])
        #expect(found.map(\.check) == ["oom-kill", "oom-repeated", "long-query"])
    }

    @Test func withoutRoomForASignalTheOthersGoOn() {
        var bank = DetectorBank(configuration: .init(detectorsMax: 1), checks: [Checks.longQuery, Checks.heap])
        let found = bank.process([query(10, 400), point(.heapLiveRatio, 10, 0.9), query(20, 400)])
        #expect(found.isEmpty, "both signals are new at once, and both have no room")
        #expect(bank.statistics.refused == 1)
        #expect(bank.process([query(30, 400)]).map(\.phase) == [.opened])
        #expect(bank.process([point(.heapLiveRatio, 40, 0.9), query(40, 400)]).map(\.phase) == [.ongoing])
        #expect(bank.statistics.refused == 2)
        #expect(bank.statistics.detectors == 1)
    }

    @Test func eachSubjectHasTheChecksInForceForIt() {
        var bank = DetectorBank { subject in
            guard subject == payments else { return [] }
            var check = Checks.longQuery
            check.enter = 3
            check.leave = 3
            return [check]
        }
        #expect(bank.process([query(10, 400), query(10, 4, of: payments)]).map(\.subject) == [payments])
    }

    @Test func detectorsAreBoundedAndCounted() {
        var bank = DetectorBank(configuration: .init(detectorsMax: 1), checks: [Checks.longQuery])
        #expect(bank.process([query(10, 400), query(10, 400, of: payments)]).map(\.subject) == [orders])
        #expect(bank.statistics.refused == 1)
    }

    @Test func whatWasOpenBeforeARestartGoesOn() {
        var bank = DetectorBank(checks: Checks.all)
        let open = DetectorBank.OpenFinding(subject: orders, check: "long-query", onsetAt: at(-500))
        let gone = DetectorBank.OpenFinding(subject: orders, check: "dropped", onsetAt: at(-500))
        #expect(bank.restore(open: [open, gone], at: at(0)) == [gone])
        #expect(bank.openFindings == [open])
        #expect(bank.process([query(10, nil)]).isEmpty)
        let findings = bank.process([query(20, 400), query(30, 1), query(100, 1)])
        #expect(findings.map(\.phase) == [.ongoing, .ongoing, .ongoing], "the gap after 30 does not count as recovery")
        #expect(findings.allSatisfy { $0.onsetAt == at(-500) })
        #expect(bank.process((11...20).map { query(Double($0) * 10, 1) }).map(\.phase).contains(.closed))
        #expect(bank.openFindings.isEmpty)
    }

    @Test func aSubjectThatEndedInOrderClosesAfterAWhile() throws {
        var bank = DetectorBank(configuration: .init(goneAfter: .seconds(600)), checks: [Checks.longQuery])
        _ = bank.process([query(10, 400)])
        #expect(bank.advance(to: at(600)).isEmpty)
        let ended = bank.advance(to: at(611))
        let closed = try #require(ended.first)
        #expect(closed.phase == .closed)
        #expect(closed.explanation == "Gone: all that reported it ended, the last at 00:00:10Z.")
        #expect(bank.statistics.abandoned == 1)
        #expect(bank.openFindings.isEmpty)
    }

    @Test func aSubjectThatFellSilentStaysOpenForADay() throws {
        var bank = DetectorBank(checks: [Checks.longQuery])
        _ = bank.process([query(10, 400), query(20, nil)])
        for hour in 1...23 { #expect(bank.advance(to: at(Double(hour) * 3600)).isEmpty) }
        let ended = bank.advance(to: at(86_421))
        let closed = try #require(ended.first)
        #expect(
            closed.explanation == "No data for 1d1s, since 2026-11-25T00:00:20Z: closed without proof of a recovery.")
    }

    @Test func aRestoredFindingWithoutPointsIsSilentNotGone() {
        var bank = DetectorBank(checks: [Checks.longQuery])
        let open = DetectorBank.OpenFinding(subject: orders, check: "long-query", onsetAt: at(-5000))
        #expect(bank.restore(open: [open], at: at(0)).isEmpty)
        #expect(bank.advance(to: at(3600)).isEmpty)
        #expect(bank.advance(to: at(86_400)).map(\.phase) == [.closed])
    }

    @Test func detectorsOfSubjectsThatLeftAreDropped() {
        var bank = DetectorBank(configuration: .init(forgetAfter: .seconds(60)), checks: [Checks.longQuery])
        _ = bank.process([query(10, 1), query(10, 400, of: payments)])
        #expect(bank.advance(to: at(71)).isEmpty)
        #expect(bank.statistics.evicted == 1)
        #expect(bank.statistics.detectors == 1, "the one with a finding stays")
        #expect(bank.process([query(80, 400)]).map(\.phase) == [.opened])
    }

    @Test func changedChecksKeepWhatIsOpenAndEndWhatIsDropped() throws {
        var bank = DetectorBank(checks: [Checks.longQuery, Checks.oomKill])
        _ = bank.process([query(10, 400), point(.oomKills, 10, 1)])
        var stricter = Checks.longQuery
        stricter.enter = 500
        stricter.leave = 350
        let checks = [stricter, Checks.heap]
        let ended = bank.replaceChecks(at: at(15)) { _ in checks }
        #expect(ended.map(\.check) == ["oom-kill"])
        #expect(ended.first?.explanation == "The check oom-kill is no longer configured.")
        let findings = bank.process([query(20, 400)])
        #expect(findings.map(\.phase) == [.ongoing])
        #expect(findings.map(\.threshold) == [500])
        #expect(bank.statistics.detectors == 1)
    }

    @Test func aSnapshotRestoresEverything() throws {
        var bank = DetectorBank(checks: Checks.all)
        _ = bank.process((1...4).map { point(.heapLiveRatio, Double($0) * 10, 0.9) } + [query(40, 400)])
        let bytes = try JSONEncoder().encode(bank.snapshot)
        var other = DetectorBank(checks: Checks.all)
        other.restore(try JSONDecoder().decode(DetectorBank.Snapshot.self, from: bytes))
        #expect(other.snapshot == bank.snapshot)
        #expect(other.statistics.detectors == bank.statistics.detectors)
        let next = (5...9).map { point(.heapLiveRatio, Double($0) * 10, 0.9) } + [query(90, 1)]
        let expected = bank.process(next)
        #expect(other.process(next) == expected)
        #expect(expected.map(\.phase).contains(.opened))
    }
}
