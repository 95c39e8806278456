import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct AdaptiveTests {
    static let usual = Check(
        name: "traffic-unusual", group: "traffic", family: .availability, title: "Unusual traffic",
        signal: .requestRate,
        direction: .above, enter: 6, leave: 3, holdFor: .seconds(300), leaveFor: .seconds(600), window: .seconds(120),
        measure: .deviation(Baseline(side: .down, minimumRatio: 2)))
    static let shift = Check(
        name: "traffic-shift", group: "traffic", family: .availability, title: "Traffic shifted", signal: .requestRate,
        direction: .above, enter: 6, leave: 3, holdFor: .zero, leaveFor: .zero, measure: .shift(LevelShift()))

    /// Requests a second in the course of a week: days four times nights, weekends half.
    private func traffic(_ hour: Double) -> Double {
        // 2026-11-25 is a Wednesday.
        let day = (Int(hour / 24) + 2) % 7
        let week = day >= 5 ? 0.5 : 1.0
        return 40 * week * (0.625 - 0.375 * cos(2 * .pi * (hour - 4) / 24))
    }

    /// Cells of a minute.
    private func run(
        _ detector: inout ThresholdDetector, days: ClosedRange<Double>, seed: UInt64 = 3,
        _ factor: (Double) -> Double = { _ in 1 }
    ) -> [Finding] {
        var random = SeededNoise(seed)
        var findings: [Finding] = []
        for minute in Int(days.lowerBound * 1440) + 1...Int(days.upperBound * 1440) {
            let hour = Double(minute) / 60
            let value = traffic(hour) * factor(hour) * exp(0.08 * random.normal())
            var cell = point(.requestRate, Double(minute) * 60, value)
            cell.step = .seconds(60)
            if let finding = detector.take(cell) { findings.append(finding) }
        }
        return findings
    }

    @Test func daysAndWeekendsAreUsualAndAHoleIsNot() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.usual)
        #expect(run(&detector, days: 0...21).isEmpty)
        // Wednesday at noon traffic falls to a quarter.
        let findings = run(&detector, days: 21...22) { (516.0..<518).contains($0) ? 0.25 : 1 }
        let opened = try #require(findings.first)
        #expect(opened.at <= at(516 * 3600 + 600))
        #expect(opened.isAdaptive)
        #expect(opened.explanation.hasPrefix("Request rate 8.33/s, usual at this hour 32.2/s: 23.2 times"))
        #expect(opened.explanation.contains("usual at this hour"))
        #expect(findings.filter { $0.phase == .opened }.count == 1)
        #expect(findings.last?.phase == .closed)
        // Nor does the hole become usual.
        #expect(run(&detector, days: 22...29).isEmpty)
    }

    @Test func nothingIsSaidBeforeTheHoursAreKnown() {
        var detector = ThresholdDetector(subject: orders, check: Self.usual)
        #expect(run(&detector, days: 0...1.9) { Int($0) % 5 == 0 ? 0.1 : 1 }.isEmpty)
    }

    @Test func aShiftIsFoundAndBecomesTheLevel() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.shift)
        #expect(run(&detector, days: 0...1.9).isEmpty, "the course of the day is no shift")
        let findings = run(&detector, days: 1.9...2.9) { $0 >= 60 ? 3 : 1 }
        let opened = try #require(findings.first)
        #expect(opened.at <= at(60 * 3600 + 1200))
        #expect(opened.isAdaptive)
        #expect(opened.explanation.contains("rose from"))
        #expect(findings.filter { $0.phase == .closed }.count == 1)
        #expect(findings.last?.phase == .closed)
    }

    @Test func theStateFitsAndSurvives() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.usual)
        _ = run(&detector, days: 0...9)
        let bytes = try JSONEncoder().encode(detector)
        #expect(bytes.count < 16_384)
        var restored = try JSONDecoder().decode(ThresholdDetector.self, from: bytes)
        let expected = run(&detector, days: 9...9.5) { _ in 0.2 }
        #expect(run(&restored, days: 9...9.5) { _ in 0.2 } == expected)
        #expect(!expected.isEmpty)
    }

    @Test func aMissingPodIsNoChange() {
        var detector = ThresholdDetector(subject: orders, check: Self.shift)
        _ = run(&detector, days: 0...1)
        let half = Coverage(present: 1, expected: 2)
        let findings = (1...200).compactMap { minute in
            detector.take(point(.requestRate, 86_400 + Double(minute) * 60, 1, coverage: half))
        }
        #expect(findings.isEmpty)
    }

    @Test func findingsFromBeforeTheFlagCanBeRead() throws {
        var detector = ThresholdDetector(subject: orders, check: Checks.longQuery)
        let taken = detector.take(point(.longestQuerySeconds, 10, 400))
        let finding = try #require(taken)
        let bytes = try JSONEncoder().encode(finding)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("adaptive"))
        let read = try JSONDecoder().decode(Finding.self, from: bytes)
        #expect(read == finding && !read.isAdaptive)
    }

    @Test func checksFromBeforeMeasuresCanBeRead() throws {
        let bytes = try JSONEncoder().encode(Checks.errorRate)
        var fields = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        fields["measure"] = nil
        let old = try JSONSerialization.data(withJSONObject: fields)
        #expect(try JSONDecoder().decode(Check.self, from: old) == Checks.errorRate)
    }
}
