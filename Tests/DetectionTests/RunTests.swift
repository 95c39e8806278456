import Signals
import Telemetry
import Testing

@testable import Detection

/// `for` and `leaveFor` count from the cell in which what the window proves began.
@Suite struct RunTests {
    private func check(_ change: (inout Check) -> Void = { _ in }) -> Check {
        var check = Checks.latency
        (check.window, check.holdFor, check.leaveFor) = (.seconds(300), .seconds(300), .seconds(600))
        change(&check)
        return check
    }

    /// Half an hour of a tenth of a second, then other means from 1810 s on; a hundred requests a cell.
    private func detector(_ check: Check) -> ThresholdDetector {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = detector.run(Array(repeating: 0.1, count: 180), volume: 100)
        return detector
    }

    @Test("A mean that is beyond its level, yet not twice, opens in time", arguments: [1.9, 2.5, 8])
    func aMeanOpensInTime(seconds: Double) throws {
        var detector = detector(check())
        let findings = detector.run(Array(repeating: seconds, count: 40), from: 1810, volume: 100)
        let opened = try #require(findings.first)
        #expect(opened.onsetAt == at(1810))
        #expect(opened.at == at(2110))
    }

    @Test func aMeanThatDipsOpensInTime() throws {
        var detector = detector(check())
        let values = (0..<40).map { $0 % 4 == 2 ? 0.7 : 2.2 }
        let findings = detector.run(values, from: 1810, volume: 100)
        #expect(findings.first.map { $0.onsetAt } == at(1810))
        #expect(try #require(findings.first).at == at(2110))
    }

    @Test func aRatioThatSomeCellsDoNotShowOpensInTime() throws {
        var low = Checks.errorRate
        (low.enter, low.leave, low.holdFor) = (0.02, 0.01, .seconds(300))
        var detector = ThresholdDetector(subject: orders, check: low)
        _ = detector.run(Array(repeating: 0, count: 60), volume: 180)
        // 4 % of 180 on the mean; a cell alone, and some pairs, may have less than 2 %.
        let errors = (0..<40).map { [7.0, 2, 12, 8, 3, 11][$0 % 6] / 180 }
        let findings = detector.run(errors, from: 610, volume: 180)
        #expect(findings.first.map { $0.onsetAt } == at(610))
        #expect(try #require(findings.first).at == at(910))
    }

    @Test func aBurstOpensNothingHoweverTheWindowBreaches() {
        var detector = ThresholdDetector(subject: orders, check: Checks.errorRate)
        _ = detector.run(Array(repeating: 0, count: 60), volume: 100)
        // 20 s of errors are more than 5 % of five minutes, then one in two hundred.
        let values = [0.9, 0.9] + (0..<60).map { $0 % 2 == 0 ? 0.01 : 0 }
        #expect(detector.run(values, from: 610, volume: 100).isEmpty)
    }

    /// Three errors in five minutes of a service with a request each five seconds are chance, also where the one that
    /// makes it 5 % is followed by a good cell.
    @Test func aBreachThatMayBeChanceOpensNothingFromIdle() {
        var check = Checks.errorRate
        (check.holdFor, check.lowVolume) = (.seconds(120), LowVolume())
        var detector = ThresholdDetector(subject: orders, check: check)
        var values = Array(repeating: 0.0, count: 400)
        for cell in [300, 301, 325] { values[cell] = 0.5 }
        #expect(detector.run(values, volume: 2).isEmpty)
    }

    @Test func noRunReachesOverWhatIsNotKnown() throws {
        var detector = detector(check())
        _ = detector.run(Array(repeating: 1.9, count: 4), from: 1810, volume: 100)
        _ = detector.take(point(.latencyMeanSeconds, 1850, nil, coverage: Coverage(present: 0, expected: 1)))
        let findings = detector.run(Array(repeating: 1.9, count: 40), from: 1860, volume: 100)
        #expect(try #require(findings.first).onsetAt == at(1860), "the cell behind the gap")
    }

    @Test func aRecoveryThatTheWindowTellsLateCountsFromItsBeginning() throws {
        var detector = detector(check())
        _ = detector.run(Array(repeating: 8, count: 40), from: 1810, volume: 100)
        try #require(detector.isOpen)
        // Less than the level, yet not by half: the window of five minutes is out at last.
        let findings = detector.run(Array(repeating: 0.4, count: 90), from: 2210, volume: 100)
        let closed = try #require(findings.last)
        #expect(closed.phase == .closed)
        #expect(closed.at == at(2210 + 600), "ten minutes from the first good cell")
        #expect(closed.explanation.contains("since 00:36:50Z"), "\(closed.explanation)")
    }

    @Test func aRecoveryDoesNotReachOverACellThatBreaches() throws {
        var detector = detector(check())
        _ = detector.run(Array(repeating: 8, count: 40), from: 1810, volume: 100)
        var values = Array(repeating: 0.1, count: 120)
        values[20] = 1.2
        let closed = try #require(detector.run(values, from: 2210, volume: 100).last)
        #expect(closed.phase == .closed)
        #expect(closed.at == at(2210 + 210 + 600))
    }

    @Test func aRecoveryDoesNotReachOverWhatFewSaw() throws {
        var detector = detector(check())
        _ = detector.run(Array(repeating: 8, count: 40), from: 1810, volume: 100)
        var closed: Finding?
        for cell in 0..<120 {
            let coverage = Coverage(present: cell == 20 ? 1 : 2, expected: 2)
            let finding = detector.take(
                point(.latencyMeanSeconds, 2210 + Double(cell) * 10, 0.4, volume: 100, coverage: coverage))
            if finding?.phase == .closed { closed = finding }
        }
        #expect(try #require(closed).at == at(2210 + 210 + 600))
    }

    @Test func anOnsetDoesNotReachBackBehindTheLastClosing() throws {
        var quick = Checks.errorRate
        (quick.holdFor, quick.leaveFor) = (.seconds(20), .seconds(30))
        var detector = ThresholdDetector(subject: orders, check: quick)
        _ = detector.run(Array(repeating: 0, count: 60), volume: 100)
        let values = Array(repeating: 0.5, count: 40) + Array(repeating: 0, count: 8) + Array(repeating: 0.5, count: 10)
        let findings = detector.run(values, from: 610, volume: 100).filter { $0.phase != .ongoing }
        #expect(findings.map(\.phase) == [.opened, .closed, .opened])
        #expect(findings.last.map { $0.onsetAt } == at(610 + 480))
    }

    // MARK: Dips

    /// Connections at 97 % that vary about it.
    @Test func aDipBetweenTheLevelsStopsTheClock() throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.connections)
        let findings = detector.run([0.96, 0.97, 0.96, 0.97, 0.94, 0.96, 0.97, 0.96, 0.97])
        let opened = try #require(findings.first)
        #expect(opened.onsetAt == at(10))
        #expect(opened.at == at(80), "60 s and the dip")
    }

    @Test(arguments: [
        [0.96, 0.97, 0.96, 0.94, 0.94, 0.96], [0.96, 0.94, 0.94, 0.96, 0.96, 0.96], [0.96, 0.97, 0.84, 0.96],
    ])
    func moreThanADipEndsIt(first: [Double]) throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.connections)
        let last = first.count - (first.reversed().firstIndex { $0 < 0.95 } ?? 0)
        let findings = detector.run(first + Array(repeating: 0.97, count: 10))
        #expect(try #require(findings.first).onsetAt == at(Double(last) * 10 + 10))
    }
}
