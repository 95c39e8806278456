import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct SnapshotTests {
    private static let checks: [Check] = [
        Check(
            name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
            direction: .above, enter: 0.05, leave: 0.025, holdFor: .seconds(120), leaveFor: .seconds(600),
            window: .seconds(300), minimumVolume: 50, lowVolume: LowVolume()),
        Check(
            name: "error-budget", group: "error-rate", family: .errorRate, title: "Error budget burns",
            signal: .errorRatio, direction: .above, enter: 14.4, leave: 14.4, holdFor: .seconds(120),
            leaveFor: .seconds(600), minimumVolume: 500,
            measure: .burnRate(BurnRate(objective: 0.99, long: .seconds(3600), short: .seconds(300)))),
        Checks.oomRepeated, Checks.heap,
        Check(
            name: "heap-leak", group: "heap", family: .memory, title: "Heap leak", signal: .heapLiveRatio,
            direction: .below, enter: 6 * 3600, leave: 12 * 3600, holdFor: .zero, leaveFor: .seconds(1800),
            measure: .timeToExhaustion(Exhaustion())),
        AdaptiveTests.usual, AdaptiveTests.shift,
        Check(
            name: "latency-odd", group: "latency", family: .latency, title: "Odd latency", signal: .latencyMeanSeconds,
            direction: .above, enter: 1.5, leave: 1, holdFor: .seconds(300), leaveFor: .seconds(600),
            measure: .surprise(Baseline(side: .up, minimumRatio: 2))),
    ]

    /// Minutes 1 to 4600 of a service: errors from 3000 on, a leak, a third of its traffic from 3800 on, odd
    /// latency from 2990 on.
    private static func points(_ minutes: ClosedRange<Int>) -> [SignalPoint] {
        minutes.flatMap { minute -> [SignalPoint] in
            var random = SeededNoise(UInt64(minute))
            let errors = minute >= 3000 && minute < 3200 ? 0.2 : 0.002 * random.next()
            let latency = 0.1 * (1 + 0.2 * random.next()) * (minute >= 2990 ? 5 : 1)
            let traffic = (20 + random.next()) * (minute >= 3800 ? 0.3 : 1)
            let values: [(SignalName, Double, Double)] = [
                (.errorRatio, errors, 300), (.latencyMeanSeconds, latency, 300), (.requestRate, traffic, 0),
                (.oomKills, minute % 997 == 0 || minute % 997 == 9 ? 1 : 0, 0),
                (.heapLiveRatio, min(1, 0.3 + Double(max(0, minute - 2800)) / 1000), 0),
            ]
            return values.map { signal, value, volume in
                var cell = point(signal, Double(minute) * 60, value, volume: volume)
                cell.step = .seconds(60)
                return cell
            }
        }
    }

    private static func lines(_ findings: [Finding]) -> [String] {
        findings.filter { $0.phase != .ongoing }.map { "\($0.at) \($0.phase) \($0.check): \($0.explanation)" }
    }

    private static func encoded(_ snapshot: DetectorBank.Snapshot) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(snapshot)
    }

    @Test(arguments: [40, 2995, 3050, 3810])
    func findingsAfterARestartAreTheSame(minute: Int) throws {
        var whole = DetectorBank(checks: Self.checks)
        let all = whole.process(Self.points(1...4600))
        var first = DetectorBank(checks: Self.checks)
        let before = first.process(Self.points(1...minute))
        var second = DetectorBank(checks: Self.checks)
        second.restore(try JSONDecoder().decode(DetectorBank.Snapshot.self, from: Self.encoded(first.snapshot)))
        let after = second.process(Self.points(minute + 1...4600))
        #expect(before + after == all)
        #expect(second.snapshot == whole.snapshot)
        let opened = Set(all.filter { $0.phase == .opened }.map(\.check))
        #expect(opened == Set(Self.checks.map(\.name)), "each measure has something to tell")
    }

    // The state as version 1 wrote it, and what was found from it on. Files of earlier versions stay when the form
    // changes; TOCSIN_REWRITE_GOLDEN=1 writes those of the present one.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/detect")

    @Test(arguments: 1...DetectorBank.Snapshot.version)
    func stateOfEveryVersionGoesOn(version: Int) throws {
        let state = Self.folder.appendingPathComponent("detectors-v\(version).json")
        let found = Self.folder.appendingPathComponent("detectors-v\(version)-findings.txt")
        if version == DetectorBank.Snapshot.version, ProcessInfo.processInfo.environment["TOCSIN_REWRITE_GOLDEN"] != nil
        {
            var bank = DetectorBank(checks: Self.checks)
            _ = bank.process(Self.points(1...3050))
            try Self.encoded(bank.snapshot).write(to: state)
            let text = Self.lines(bank.process(Self.points(3051...4600))).map { $0 + "\n" }.joined()
            try text.write(to: found, atomically: true, encoding: .utf8)
        }
        let bytes = try Data(contentsOf: state)
        let snapshot = try JSONDecoder().decode(DetectorBank.Snapshot.self, from: bytes)
        #expect(snapshot.unreadable == 0)
        if version == DetectorBank.Snapshot.version { #expect(try Self.encoded(snapshot) == bytes) }
        var bank = DetectorBank(checks: Self.checks)
        bank.restore(snapshot)
        let lines = Self.lines(bank.process(Self.points(3051...4600)))
        let expected = try String(contentsOf: found, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines == expected)
        #expect(lines.count >= 4)
    }

    @Test func aDetectorThatCannotBeReadBeginsAnewAndIsCounted() throws {
        var bank = DetectorBank(checks: Self.checks)
        _ = bank.process(Self.points(1...3050))
        let text = String(decoding: try Self.encoded(bank.snapshot), as: UTF8.self)
        let foreign = text.replacingOccurrences(of: "\"measure\":{\"shift\"", with: "\"measure\":{\"foresight\"")
        #expect(foreign != text)
        let snapshot = try JSONDecoder().decode(DetectorBank.Snapshot.self, from: Data(foreign.utf8))
        #expect(snapshot.unreadable == 1)
        var other = DetectorBank(checks: Self.checks)
        other.restore(snapshot)
        #expect(other.statistics.detectors == Self.checks.count - 1)
        #expect(Set(other.openFindings) == Set(bank.openFindings.filter { $0.check != AdaptiveTests.shift.name }))
        let checks = Self.checks
        #expect(other.replaceChecks(at: at(3050 * 60)) { _ in checks }.isEmpty)
        #expect(other.statistics.detectors == Self.checks.count)
    }

    @Test func aNewerFormIsRefusedWithItsNumber() {
        let text = "{\"version\": 99, \"items\": []}"
        #expect {
            try JSONDecoder().decode(DetectorBank.Snapshot.self, from: Data(text.utf8))
        } throws: {
            "\($0)".contains("detector state of version 99, this Tocsin knows up to 1")
        }
    }
}
