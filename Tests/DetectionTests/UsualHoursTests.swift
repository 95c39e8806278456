import Foundation
import Signals
import Telemetry
import Testing

@testable import Detection

/// A quantile that must be beyond its level and beyond so many times what is usual at the hour.
@Suite struct UsualHoursTests {
    private static let check = Check(
        name: "latency-p95-risen", group: "latency", family: .latency, title: "More slow requests than usual",
        signal: .latencyP95Seconds, direction: .above, enter: 1, leave: 0.7, holdFor: .seconds(300),
        leaveFor: .seconds(600), window: .seconds(120), minimumVolume: 50, timesUsual: 2)

    /// A minute of 600 requests of which a share takes so many seconds and the rest a tenth.
    private func cell(_ minute: Int, share: Double, seconds: Double) -> SignalPoint {
        let slow = Float(share * 600)
        let bounds = [0.1, 0.5, 1, 1.5, 2.5, 5, .infinity]
        var point = point(.latencyP95Seconds, Double(minute) * 60, share > 0.05 ? seconds : 0.1, volume: 600)
        point.step = .seconds(60)
        point.evidence = .quantile(
            QuantileEvidence(
                share: 0.95, lower: 0, upper: 0.1, bounds: bounds, slower: bounds.map { $0 < seconds ? slow : 0 },
                requestsIfMissingHealthy: 600))
        return point
    }

    private func run(
        _ detector: inout ThresholdDetector, _ minutes: Range<Int>, share: Double = 0, seconds: Double = 1.3
    ) -> [Finding] {
        minutes.compactMap { detector.take(cell($0, share: share, seconds: seconds)) }
    }

    private var detector: ThresholdDetector { ThresholdDetector(subject: orders, check: Self.check) }

    @Test func aTailOfAQuickServiceOpensOnItsSecondDay() throws {
        var detector = detector
        #expect(run(&detector, 1..<1500).isEmpty)
        let opened = try #require(run(&detector, 1500..<1520, share: 0.1).first)
        #expect(opened.onsetAt == at(90_000))
        #expect(opened.at == at(90_300))
        #expect(
            opened.explanation
                == "P95 latency 1.3 s of 1200 requests over 2m, above 1 s since 01:00:00Z (1 of 1 pods in breach): "
                + "10 % took longer than 1 s, usual at this hour is 100 ms; the last 1m had it between 0 s and 100 ms."
        )
        let closed = try #require(run(&detector, 1520..<1540).last)
        #expect(closed.phase == .closed)
    }

    @Test func beforeTheSecondDayNothingOpens() {
        var detector = detector
        #expect(run(&detector, 1..<600).isEmpty)
        #expect(run(&detector, 600..<700, share: 0.3, seconds: 4).isEmpty)
    }

    @Test func whatIsSlowEveryDayIsNone() {
        var detector = detector
        #expect(run(&detector, 1..<4320, share: 0.1, seconds: 1.3).isEmpty)
        #expect(!run(&detector, 4320..<4340, share: 0.1, seconds: 6).isEmpty, "four times as slow is one")
    }

    /// A batch that makes an hour slow, and does not come on the minute.
    @Test func anHourMayComeEarlierOrLater() {
        var detector = detector
        for day in 0..<4 {
            let start = day * 1440 + 120 + [0, 20, -15, 35][day]
            #expect(run(&detector, day * 1440 + 1..<start).isEmpty)
            #expect(run(&detector, start..<start + 60, share: 0.1, seconds: 1.3).isEmpty, "day \(day)")
            #expect(run(&detector, start + 60..<day * 1440 + 1441).isEmpty)
        }
    }

    @Test func aFaultIsNotLearned() {
        var detector = detector
        _ = run(&detector, 1..<1500)
        // It lasts for two days, and stands for as long.
        #expect(run(&detector, 1500..<4380, share: 0.1).allSatisfy { $0.phase != .closed })
        #expect(detector.isOpen)
    }

    @Test func whatIsUsualOutlivesARestartAndAChangedLevel() throws {
        var bank = DetectorBank(checks: [Self.check])
        for minute in 1..<1500 { _ = bank.process([cell(minute, share: 0, seconds: 1.3)]) }
        let bytes = try JSONEncoder().encode(bank.learned)
        var changed = Self.check
        changed.enter = 0.9
        var next = DetectorBank(checks: [changed])
        let restored = next.restore(
            learned: try JSONDecoder().decode(DetectorBank.Snapshot.self, from: bytes), at: at(90_000))
        #expect(restored.taken == 1)
        let findings = (1500..<1520).flatMap { next.process([cell($0, share: 0.1, seconds: 1.3)]) }
        #expect(findings.first?.phase == .opened)
    }
}
