import Detection
import Signals
import Telemetry
import Testing

/// A fault that is over holds no finding open for the length of its window.
@Suite struct RecoveryTests {
    /// 100 requests a cell of 10 s.
    private func cells(_ check: Check, _ values: [Double], from: Double, volume: Double = 100) -> [SignalPoint] {
        values.enumerated().map { point(check.signal, from + Double($0) * 10, $1, volume: volume) }
    }

    private func opened(_ check: Check, _ value: Double, volume: Double = 100) -> ThresholdDetector {
        var detector = ThresholdDetector(subject: orders, check: check)
        var phases: [Finding.Phase] = []
        for point in cells(check, Array(repeating: value, count: 30), from: 10, volume: volume) {
            if let finding = detector.take(point) { phases.append(finding.phase) }
        }
        #expect(phases.first == .opened)
        return detector
    }

    private func closing(
        _ detector: inout ThresholdDetector, _ values: [Double], volume: Double = 100
    ) -> (seconds: Double, sentence: String)? {
        for point in cells(detector.check, values, from: 310, volume: volume) {
            guard let finding = detector.take(point), finding.phase == .closed else { continue }
            return (finding.at.seconds - at(300).seconds, finding.explanation)
        }
        return nil
    }

    @Test func aRatioRecoversWhenItsLastCellsProveIt() throws {
        var detector = opened(Checks.errorRate, 0.5)
        let closed = try #require(closing(&detector, Array(repeating: 0, count: 60)))
        // Two cells of 100 good requests prove less than 2.5 %, and `leaveFor` runs from the first: without the proof
        // it would take 285 s.
        #expect(closed.seconds == 10 + 120)
        #expect(
            closed.sentence
                == "Error ratio 0 % of 1300 requests over 2m10s, below 2.5 % since 00:05:10Z; onset 00:00:10Z, at worst 50 %."
        )
    }

    @Test func whatWasBeforeARecoveryOpensNothingAgain() throws {
        var quick = Checks.errorRate
        // As short as in the demo: it closes while the window is still full of errors.
        (quick.holdFor, quick.leaveFor, quick.lowVolume) = (.seconds(20), .seconds(30), LowVolume())
        var detector = opened(quick, 0.5)
        #expect(try #require(closing(&detector, Array(repeating: 0, count: 60))).seconds == 10 + 30)
        // One error in a hundred again and again.
        let later = cells(quick, (0..<60).map { $0 % 3 == 0 ? 0.01 : 0 }, from: 370)
        #expect(later.compactMap { detector.take($0) }.isEmpty)
        // And a fault that comes back opens anew, in its time.
        let again = cells(quick, Array(repeating: 0.5, count: 10), from: 970).compactMap { detector.take($0) }
        #expect(again.first?.phase == .opened)
        #expect(again.first.map { $0.at.seconds - at(960).seconds } ?? 0 <= 60)
    }

    @Test func aFaultThatComesAndGoesStaysOpen() {
        var detector = opened(Checks.errorRate, 0.5)
        // A minute of good cells, then two bad ones, again and again: `leaveFor` of two minutes never holds.
        let values = (0..<240).map { $0 % 8 >= 6 ? 0.5 : 0.0 }
        #expect(closing(&detector, values) == nil)
        #expect(detector.isOpen)
    }

    @Test func aRatioBetweenTheLevelsIsNoRecovery() {
        var detector = opened(Checks.errorRate, 0.5)
        #expect(closing(&detector, Array(repeating: 0.03, count: 120)) == nil)
    }

    @Test func fewRequestsProveNothing() throws {
        var detector = opened(Checks.errorRate, 0.5, volume: 4)
        // 4 a cell: 28 cells would be needed, and the window is out by then.
        let closed = try #require(closing(&detector, Array(repeating: 0, count: 60), volume: 4))
        #expect(closed.seconds > 270)
    }

    @Test func aRecoverySeenByHalfIsNone() {
        var detector = opened(Checks.errorRate, 0.5)
        for var point in cells(Checks.errorRate, Array(repeating: 0, count: 20), from: 310) {
            point.coverage = Coverage(present: 1, expected: 2)
            #expect(detector.take(point)?.phase == .ongoing)
        }
        #expect(detector.phase == .open)
    }

    @Test func aMeanRecoversAtHalfOfItsLevel() throws {
        var slow = Checks.latency
        (slow.window, slow.leaveFor) = (.seconds(300), .seconds(60))
        var detector = opened(slow, 8)
        #expect(try #require(closing(&detector, Array(repeating: 0.2, count: 60))).seconds == 10 + 60)
        var stays = opened(slow, 8)
        // Short of `leave`, yet not by half: it takes the window's time.
        #expect(try #require(closing(&stays, Array(repeating: 0.4, count: 60))).seconds > 270)
    }
}
