import Foundation
import Signals
import Telemetry
import Testing

@testable import Detection

@Suite struct SurpriseTests {
    /// Values of a busy day and a quiet night, every five minutes.
    private static func course(_ count: Int, seed: UInt64, _ change: (Int, Double) -> Double = { $1 }) -> [Double] {
        var random = SeededNoise(seed)
        return (0..<count).map { index in
            let hour = Double(index) / 12
            return change(index, 50 - 20 * cos(2 * .pi * hour / 24) + 2 * random.normal())
        }
    }

    private static func alarms(_ values: [Double], _ model: inout SurpriseModel, from: Int = 0) -> [Double] {
        values.enumerated().map { index, value in
            model.take(value, at: at(Double(from + index) * 300), step: .seconds(300))?.alarm ?? 0
        }
    }

    @Test func aFallByDayIsToldSoonAndOnce() {
        // On the tenth day traffic is a quarter for five hours.
        let fault = 2880 + 140..<2880 + 200
        let values = Self.course(3600, seed: 5) { fault.contains($0) ? $1 / 4 : $1 }
        var model = SurpriseModel()
        let alarms = Self.alarms(values, &model)
        let told = alarms.indices.filter { alarms[$0] > 0 }
        #expect(told.contains { (fault.lowerBound..<fault.lowerBound + 4).contains($0) })
        #expect(told.count { fault.contains($0) } <= 3)
        #expect(told.count { $0 > 600 && $0 < fault.lowerBound } <= 3, "a quiet week has few alarms")
    }

    @Test func magnitudeIsTrustedWhileThePastIsShort() {
        let values = Self.course(60, seed: 7) { $0 == 50 ? $1 * 8 : $1 }
        var model = SurpriseModel()
        let alarms = Self.alarms(values, &model)
        #expect(alarms.indices.filter { alarms[$0] > 0 } == [50])
    }

    @Test func whatAnHourHadMinutesAgoIsNotUsualAtIt() throws {
        // A fault that begins in an hour of the day that was never seen before, after five hours that differ.
        var model = SurpriseModel()
        let values = Self.course(60, seed: 11) { $1 }
        _ = Self.alarms(values, &model)
        let usual = (60..<72).compactMap { index in
            model.take(150, at: at(Double(index) * 300), step: .seconds(300))?.usual
        }
        #expect(usual.count == 12)
        #expect(try #require(usual.dropFirst().first) < 60, "\(usual)")
    }

    @Test(arguments: [7, 130, 777, 2500])
    func aSnapshotGoesOnIdentically(split: Int) throws {
        let values = Self.course(3000, seed: 9) { $0 % 701 < 6 ? $1 * 3 : $1 }
        var whole = SurpriseModel()
        let expected = Self.alarms(values, &whole)
        var first = SurpriseModel()
        let before = Self.alarms(Array(values[..<split]), &first)
        let bytes = try JSONEncoder().encode(first)
        var second = try JSONDecoder().decode(SurpriseModel.self, from: bytes)
        let after = Self.alarms(Array(values[split...]), &second, from: split)
        #expect(before + after == expected)
        #expect(expected.contains { $0 > 0 })
        #expect(second == whole)
    }

    @Test func fastSeriesAreAveragedIntoCells() {
        var model = SurpriseModel()
        var verdicts = 0
        for index in 1...300 {
            if model.take(1, at: at(Double(index) * 10), step: .seconds(10)) != nil { verdicts += 1 }
        }
        #expect(verdicts == 10)
    }

    @Test func theStateStaysInItsBound() {
        var model = SurpriseModel()
        _ = Self.alarms(Self.course(9000, seed: 3), &model)
        #expect(model.stateBytes <= 8192)
    }

    @Test func oddValuesDoNotPoisonIt() {
        var model = SurpriseModel()
        let odd = [Double.nan, .infinity, -.infinity, 1e300, -1e300, 0, .leastNonzeroMagnitude]
        let values = Self.course(1500, seed: 4) { $0 % 97 == 0 ? odd[$0 / 97 % odd.count] : $1 }
        let alarms = Self.alarms(values, &model)
        #expect(alarms.filter { !$0.isFinite } == [])
        let after = Self.alarms(Self.course(1000, seed: 6), &model, from: 1500)
        #expect(after.filter { !$0.isFinite } == [])
    }

    @Test func aCheckOpensAndExplainsItself() throws {
        let check = Check(
            name: "latency-odd", group: "latency", family: .latency, title: "Odd latency", signal: .latencyMeanSeconds,
            direction: .above, enter: 1.5, leave: 1, holdFor: .seconds(300), leaveFor: .seconds(600),
            measure: .surprise(Baseline(side: .up, minimumRatio: 2)))
        var detector = ThresholdDetector(subject: orders, check: check)
        var random = SeededNoise(11)
        var findings: [Finding] = []
        for minute in 1...2000 {
            let value = 0.1 * exp(0.1 * random.normal()) * (minute > 1800 ? 5 : 1)
            var cell = point(.latencyMeanSeconds, Double(minute) * 60, value, volume: 100)
            cell.step = .seconds(60)
            if let finding = detector.take(cell) { findings.append(finding) }
        }
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        #expect(opened.isAdaptive)
        #expect(opened.at > at(1800 * 60) && opened.at <= at(1815 * 60))
        #expect(opened.explanation.hasPrefix("Mean latency "))
        #expect(opened.explanation.contains("over five minutes, expected 1"), "\(opened.explanation)")
    }

    @Test func rowsOfNumbersAreExactInSnapshots() throws {
        var row = FloatRow(count: 6)
        row.values = [0, -0.0, 1.5, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
        let bytes = try JSONEncoder().encode([row])
        #expect(try JSONDecoder().decode([FloatRow].self, from: bytes) == [row])
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("[\"00000000800000003fc00000"))
        for broken in ["[\"1234567\"]", "[\"0000000g\"]", "[12]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([FloatRow].self, from: Data(broken.utf8))
            }
        }
    }
}
