import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct ThresholdDetectorTests {
    private func detector(_ check: Check) -> ThresholdDetector { ThresholdDetector(subject: orders, check: check) }

    private let partial = Coverage(present: 8, expected: 10)

    @Test func itOpensOnceTheBreachHasHeld() {
        var detector = detector(Checks.heap)
        let findings = detector.run([0.5, 0.85, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.95])
        #expect(findings.map(\.phase) == [.opened, .ongoing])
        #expect(findings.map(\.at) == [at(80), at(90)])
        #expect(findings.map(\.onsetAt) == [at(20), at(20)], "the end of the first cell in breach")
        #expect(findings.map(\.worstValue) == [0.9, 0.95])
        #expect(findings.map(\.threshold) == [0.85, 0.85])
    }

    @Test func withoutHoldingItOpensOnTheFirstPoint() {
        var detector = detector(Checks.longQuery)
        #expect(detector.run([300]).map(\.phase) == [.opened])
    }

    @Test func aBreachThatEndsTooSoonIsForgotten() {
        var detector = detector(Checks.heap)
        #expect(detector.run([0.9, 0.9, 0.9, 0.9, 0.9, 0.7, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]).isEmpty)
        #expect(detector.phase == .pending)
        #expect(detector.onsetAt == at(70))
    }

    @Test func betweenTheLevelsNothingChanges() {
        var detector = detector(Checks.heap)
        _ = detector.run(Array(repeating: 0.9, count: 7))
        let findings = detector.run(Array(repeating: 0.8, count: 60), from: 80)
        #expect(Set(findings.map(\.phase)) == [.ongoing])
    }

    @Test func itClosesOnceTheRecoveryHasHeld() throws {
        var detector = detector(Checks.heap)
        _ = detector.run(Array(repeating: 0.9, count: 7))
        let findings = detector.run([0.7, 0.7, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7], from: 80)
        let closed = try #require(findings.last)
        #expect(findings.map(\.phase).filter { $0 == .closed }.count == 1)
        #expect(closed.at == at(170), "the value between the levels at 100 starts the wait anew at 110")
        #expect(closed.threshold == 0.75)
        #expect(closed.onsetAt == at(10))
        #expect(closed.worstValue == 0.9)
        #expect(detector.phase == .idle)
    }

    @Test func withoutWaitingItClosesOnTheFirstRecovery() {
        var check = Checks.longQuery
        check.leaveFor = .zero
        var detector = detector(check)
        #expect(detector.run([400, 20, 20]).map(\.phase) == [.opened, .closed])
    }

    @Test func theLowSideWorksAlike() {
        var detector = detector(Checks.ready)
        let findings = detector.run([1, 0.5, 0.4, 0.5, 0.5, 0.6, 1, 1, 1, 1])
        #expect(findings.map(\.phase) == [.opened, .ongoing, .ongoing, .ongoing, .ongoing, .closed])
        #expect(findings.last?.worstValue == 0.4)
    }

    // MARK: No data

    @Test func noDataNeitherOpensNorCloses() {
        var detector = detector(Checks.heap)
        #expect(detector.run(Array(repeating: nil, count: 20)).isEmpty)
        _ = detector.run(Array(repeating: 0.9, count: 7), from: 210)
        #expect(detector.isOpen)
        #expect(detector.run(Array(repeating: nil, count: 1000), from: 280).isEmpty)
        #expect(detector.isOpen)
    }

    @Test func noDataStopsTheClockOfPending() {
        var detector = detector(Checks.heap)
        let findings = detector.run([0.9, 0.9, nil, nil, nil, 0.9, 0.9, 0.9, 0.9, 0.9])
        #expect(findings.map(\.at) == [at(100)], "60 s in breach, 30 s of them unknown not counted")
    }

    @Test func aLongGapEndsPending() {
        var detector = detector(Checks.heap)
        _ = detector.run([0.9, 0.9] + Array(repeating: nil, count: 7))
        #expect(detector.phase == .idle)
    }

    @Test func cellsThatNeverCameCountAsNoData() {
        var detector = detector(Checks.heap)
        _ = detector.run([0.9, 0.9])
        #expect(detector.run([0.9], from: 60).isEmpty)
        #expect(detector.phase == .pending)
        _ = detector.run([0.9], from: 3600)
        #expect(detector.onsetAt == at(3600), "a breach of an hour ago is not the same breach")
    }

    @Test func noDataStopsTheClockOfLeaving() {
        var detector = detector(Checks.heap)
        _ = detector.run(Array(repeating: 0.9, count: 7))
        let findings = detector.run([0.7, nil, nil, nil, nil, nil, nil, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7], from: 80)
        #expect(findings.last?.phase == .closed)
        #expect(findings.last?.at == at(200))
    }

    @Test func anOldPointIsPassedOver() {
        var detector = detector(Checks.longQuery)
        #expect(detector.run([10], from: 100).isEmpty)
        #expect(detector.run([400], from: 90).isEmpty)
    }

    // MARK: Coverage

    @Test func aBreachThatNeedsTheMissingDoesNotOpen() {
        var detector = detector(Checks.heap)
        for cell in 1...20 {
            let point = point(.heapLiveRatio, Double(cell) * 10, 0.9, healthy: 0.8, coverage: partial)
            #expect(detector.take(point) == nil)
        }
        #expect(detector.phase == .idle)
    }

    @Test func aBreachThatHoldsWithoutTheMissingOpens() {
        var detector = detector(Checks.heap)
        let findings = (1...7).compactMap { cell in
            detector.take(point(.heapLiveRatio, Double(cell) * 10, 0.9, healthy: 0.86, coverage: partial))
        }
        #expect(findings.map(\.phase) == [.opened])
        #expect(findings.first?.explanation.hasSuffix("; 2 not reporting).") == true)
    }

    @Test func uncertaintyKeepsPending() {
        var detector = detector(Checks.heap)
        _ = detector.run([0.9, 0.9])
        #expect(detector.take(point(.heapLiveRatio, 30, 0.9, healthy: 0.7, coverage: partial)) == nil)
        #expect(detector.phase == .pending)
        #expect(detector.onsetAt == at(10))
    }

    @Test func aRecoverySeenByTooFewDoesNotClose() {
        var detector = detector(Checks.heap)
        _ = detector.run(Array(repeating: 0.9, count: 7))
        let findings = (8...60).compactMap { cell in
            detector.take(point(.heapLiveRatio, Double(cell) * 10, 0.2, coverage: Coverage(present: 5, expected: 10)))
        }
        #expect(Set(findings.map(\.phase)) == [.ongoing])
        #expect(detector.phase == .open)
    }

    // MARK: Volume

    @Test func oneErrorOfThreeRequestsOpensNothing() {
        var detector = detector(Checks.errorRate)
        #expect(detector.run(Array(repeating: 1.0 / 3, count: 30), volume: 1).isEmpty)
    }

    @Test func theWindowWeighsByVolume() throws {
        var detector = detector(Checks.errorRate)
        // 4 errors of 100 in a quiet cell don't outweigh 2,000 good requests.
        for cell in 1...30 {
            let isQuiet = cell % 2 == 0
            let finding = detector.take(
                point(.errorRatio, Double(cell) * 10, isQuiet ? 0.5 : 0, volume: isQuiet ? 8 : 200))
            #expect(finding == nil)
        }
        #expect(detector.phase == .idle)
    }

    @Test func aServiceThatNobodyCallsRecovers() {
        var detector = detector(Checks.errorRate)
        _ = detector.run(Array(repeating: 0.5, count: 10), volume: 50)
        #expect(detector.isOpen)
        let quiet = (11...80).compactMap { detector.take(point(.errorRatio, Double($0) * 10, nil)) }
        #expect(quiet.last?.phase == .closed)
        // The last errors leave the window 300 s after they came, and the recovery holds for 120 s.
        #expect(quiet.last?.at == at(100 + 300 + 120))
        #expect(detector.phase == .idle)
    }

    @Test func silenceOfThePodsIsNoRecovery() {
        var detector = detector(Checks.errorRate)
        _ = detector.run(Array(repeating: 0.5, count: 10), volume: 50)
        let silent = (11...200).compactMap { cell in
            detector.take(point(.errorRatio, Double(cell) * 10, nil, coverage: Coverage(present: 0, expected: 3)))
        }
        #expect(silent.isEmpty)
        #expect(detector.isOpen)
    }

    @Test func countsAreSummedOverTheWindow() throws {
        var detector = detector(Checks.oomRepeated)
        var findings: [Finding] = []
        for cell in 1...200 {
            let isKill = cell == 5 || cell == 100
            let contributions = isKill ? [Contribution(contributor: "p\(cell)/app", value: 1)] : []
            let point = point(
                .oomKills, Double(cell) * 10, isKill ? 1 : 0, coverage: Coverage(present: 3, expected: 3),
                contributions: contributions)
            if let finding = detector.take(point) { findings.append(finding) }
        }
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        #expect(opened.at == at(1000))
        #expect(opened.value == 2)
        #expect(opened.affected == 2)
        #expect(opened.contributors.map(\.contributor) == ["p100/app", "p5/app"])
        #expect(
            opened.explanation
                == "OOM kills 2 over 30m, at the limit of 2 since 00:16:40Z (2 of 3 containers affected).")
    }

    @Test func windowsLongerThanTheRingAreJoinedCells() {
        var check = Checks.errorRate
        check.window = .seconds(3600)
        check.holdFor = .zero
        var detector = detector(check)
        // 1 of 20 cells of the hour failing altogether is 5 %.
        let findings = detector.run((1...400).map { $0 % 20 == 0 ? 1 : 0 }, volume: 10)
        #expect(findings.first?.phase == .opened)
        #expect(detector.isOpen)
        #expect(abs((findings.last?.value ?? 0) - 0.05) < 0.005)
        #expect(abs((findings.last?.volume ?? 0) - 3600) <= 120 * 10)
    }

    // MARK: Findings

    @Test func theSentenceTellsTheNumbers() throws {
        var detector = detector(Checks.errorRate)
        let contributions = [
            Contribution(contributor: "a", value: 0.2, volume: 270),
            Contribution(contributor: "b", value: 0.17, volume: 280),
            Contribution(contributor: "c", value: 0, volume: 262),
        ]
        let failing = point(
            .errorRatio, 10, 101.6 / 812, volume: 812, coverage: Coverage(present: 3, expected: 3),
            contributions: contributions)
        #expect(detector.take(failing) == nil)
        var findings: [Finding] = []
        for cell in 2...7 {
            var next = failing
            next.at = at(Double(cell) * 10)
            if let finding = detector.take(next) { findings.append(finding) }
        }
        let opened = try #require(findings.first)
        #expect(
            opened.explanation
                == "Error ratio 12.5 % of 5684 requests over 5m, above 5 % since 00:00:10Z (2 of 3 pods in breach).")
        #expect(opened.affected == 2)
        #expect(opened.total == 3)
        #expect(opened.contributors.map(\.contributor) == ["a", "b", "c"])
        #expect(opened.checkGroup == "error-rate")
        #expect(opened.family == .errorRate)
    }

    @Test func theLastSentenceTellsTheRecovery() throws {
        var detector = detector(Checks.latency)
        _ = detector.run(Array(repeating: 2.5, count: 7), volume: 100)
        let findings = detector.run(Array(repeating: 0.25, count: 14), from: 80, volume: 100)
        let closed = try #require(findings.last { $0.phase == .closed })
        #expect(
            closed.explanation
                == "Mean latency 250 ms of 600 requests over 1m, below 500 ms since 00:01:20Z; "
                + "onset 00:00:10Z, at worst 2.5 s.")
    }

    @Test func statesAreWordsInsteadOfNumbers() throws {
        var detector = detector(Checks.databaseDown)
        let findings = detector.run([1, 0, 0, 0, 1, 1, 1])
        #expect(
            findings.first?.explanation
                == "The database does not answer since 00:00:20Z (1 of 1 instances in breach).")
        #expect(findings.last?.explanation == "The database answers again since 00:00:50Z; onset 00:00:20Z.")
    }

    @Test func anOnsetOfYesterdayHasItsDate() throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.longQuery, openSince: at(-3600))
        let taken = detector.take(point(.longestQuerySeconds, 10, 3910))
        let finding = try #require(taken)
        #expect(finding.phase == .ongoing)
        #expect(
            finding.explanation
                == "Longest query 1h5m, above 5m since 2026-11-24T23:00:00Z (1 of 1 instances in breach).")
    }

    @Test(arguments: Checks.all) func theStateSurvivesASnapshotAtAnyPoint(check: Check) throws {
        var whole = detector(check)
        var cut = detector(check)
        let bad = check.direction == .above ? check.enter * 1.2 : check.enter * 0.5
        let good = check.direction == .above ? check.leave * 0.5 : 1
        let values: [Double?] = (0..<60).map { $0 % 25 == 7 ? nil : ($0 / 10) % 2 == 0 ? bad : good }
        var expected: [Finding] = []
        var found: [Finding] = []
        for (index, value) in values.enumerated() {
            expected += whole.run([value], from: Double(index) * 10, volume: 100)
            let bytes = try JSONEncoder().encode(cut)
            cut = try JSONDecoder().decode(ThresholdDetector.self, from: bytes)
            found += cut.run([value], from: Double(index) * 10, volume: 100)
        }
        #expect(found == expected)
        #expect(!found.isEmpty)
    }

    // MARK: Cells that close before their end

    /// A point of a cell that all had reported in so many seconds before its end.
    private func early(_ seconds: Double, _ value: Double, by lead: Double) -> SignalPoint {
        var point = point(.heapLiveRatio, seconds, value)
        point.knownAt = at(seconds - lead)
        return point
    }

    @Test("Holding is counted in cells, told are the times when it was known", arguments: [0, 0.001, 4, 7.5, 10])
    func earlyCells(lead: Double) throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.heap)
        var findings: [Finding] = []
        for cell in 1...20 {
            // The first of a breach is as early as can be, the rest by half of that: the sum of cells is the same.
            let now = early(Double(cell) * 10, cell < 12 ? 0.9 : 0.5, by: cell == 1 ? lead : lead / 2)
            findings += detector.take(now).map { [$0] } ?? []
        }
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        #expect(opened.at == at(70 - lead / 2), "60 s behind the first cell, as without the lead")
        #expect(Set(findings.map(\.onsetAt)) == [at(10 - lead)], "and the onset stays what was told first")
        #expect(findings.allSatisfy { $0.at >= $0.onsetAt })
        let closed = try #require(findings.last { $0.phase == .closed })
        #expect(closed.at == at(180 - lead / 2))
    }

    @Test func aRecoveryThatClosesAtOnceIsNotToldOfTheFuture() throws {
        var check = Checks.heap
        check.holdFor = .zero
        check.leaveFor = .zero
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = detector.take(early(10, 0.9, by: 6))
        let taken = detector.take(early(20, 0.5, by: 6))
        let closed = try #require(taken)
        #expect(closed.phase == .closed)
        #expect(closed.explanation.contains("since 00:00:14Z; onset 00:00:04Z"), "\(closed.explanation)")
    }

    private func part(_ signal: SignalName, _ seconds: Double, _ value: Double, volume: Double = 0) -> SignalPoint {
        var point = point(signal, seconds, value, volume: volume)
        point.isOfPart = true
        return point
    }

    @Test func aPartRefutesNothing() {
        var check = Checks.errorRate
        check.window = .seconds(10)
        check.holdFor = .seconds(20)
        var pending = ThresholdDetector(subject: orders, check: check)
        _ = pending.take(point(.errorRatio, 10, 0.5, volume: 1000))
        #expect(pending.phase == .pending)
        _ = pending.take(part(.errorRatio, 12, 0.01, volume: 500))
        #expect(pending.phase == .pending)
        for end in [20.0, 30] { _ = pending.take(point(.errorRatio, end, 0.5, volume: 1000)) }
        #expect(pending.phase == .open)
        let ongoing = pending.take(part(.errorRatio, 32, 0.01, volume: 500))
        #expect(ongoing?.phase == .ongoing)
        #expect(pending.phase == .open, "and a recovery is not begun by it")
    }

    @Test func aMeasureThatDoesNotAddUpTakesNoParts() {
        var check = Checks.latency
        check.measure = .surprise(Baseline())
        var detector = ThresholdDetector(subject: orders, check: check)
        #expect(detector.take(part(.latencyMeanSeconds, 12, 9, volume: 100)) == nil)
        #expect(detector.lastPointAt == nil)
    }

    @Test func whatEdgesTellOfPartsOfACellAddsUp() throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.oomRepeated)
        #expect(detector.take(part(.oomKills, 12.3, 1)) == nil)
        let taken = detector.take(part(.oomKills, 15.1, 1))
        let opened = try #require(taken)
        #expect(opened.phase == .opened)
        #expect(opened.onsetAt == at(15.1))
        let rest = detector.take(point(.oomKills, 20, 1))
        #expect(rest?.value == 3, "the cell's own has the rest")
    }
}
