import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct LeakTests {
    static let check = Check(
        name: "heap-leak", group: "heap", family: .memory, title: "Heap leak", signal: .heapLiveRatio,
        direction: .below,
        enter: 6 * 3600, leave: 12 * 3600, holdFor: .zero, leaveFor: .seconds(600),
        measure: .timeToExhaustion(Exhaustion()))

    /// Feeds levels of one pod by the hour, with noise above the floor, and gives what was found.
    private func run(
        _ detector: inout ThresholdDetector, hours: Double, from start: Double = 0, seed: UInt64 = 7, pod: String = "a",
        noise: Double = 0.02, _ level: (Double) -> Double
    ) -> [Finding] {
        var random = SeededNoise(seed)
        return (1...Int(hours * 360)).compactMap { cell in
            let second = start * 3600 + Double(cell) * 10
            let value = min(1, level(second / 3600 - start) + noise * random.next())
            let contribution = Contribution(contributor: pod, value: value)
            return detector.take(point(.heapLiveRatio, second, value, contributions: [contribution]))
        }
    }

    @Test func aLeakIsFoundWithItsTimeToExhaustion() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        // 10 % an hour from 45 %: full after 5.5 h.
        let findings = run(&detector, hours: 3) { 0.45 + 0.1 * $0 }
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        #expect(
            opened.at < at(2.1 * 3600),
            "the level of 65 % is passed at 2:00")
        let left = 5.5 * 3600 - (opened.at - at(0)).inSeconds
        #expect(abs(opened.value - left) < 0.2 * left)
        #expect(opened.explanation.hasPrefix("Heap live after collection of a at 6"))
        #expect(opened.explanation.contains("an hour (over "))
        #expect(opened.affected == 1)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func growthToAPlateauIsNone(seed: UInt64) {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        let findings = run(&detector, hours: 12, seed: seed) { 0.3 + 0.45 * (1 - exp(-$0 / 1.5)) }
        #expect(findings.first?.explanation == nil)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func aLevelThatWandersIsNone(seed: UInt64) {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        var random = SeededNoise(seed)
        var level = 0.6
        let findings = run(&detector, hours: 48, seed: seed) { hour in
            level = 0.6 + (level - 0.6) * 0.999 + 0.0005 * random.normal()
            return level + 0.05 * sin(hour / 24 * 2 * .pi)
        }
        #expect(findings.isEmpty)
    }

    @Test func warmUpIsNone() {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        #expect(
            run(&detector, hours: 8) { min(0.6, 0.1 + 3 * $0) }.isEmpty, "60 % within the first ten minutes, then level"
        )
    }

    @Test func aCollectorThatWaitsIsNone() {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        // The old generation fills from 30 to 48 % in an hour, then a collection empties it.
        #expect(run(&detector, hours: 24) { 0.3 + 0.18 * $0.truncatingRemainder(dividingBy: 1) }.isEmpty)
    }

    /// Teeth of 12 % in two hours and a half, longer than the past that is looked at, on a day's peak of 8 %: both
    /// together grow by less than a quarter more than a tooth within two hours.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func aLongSawToothIsNoneOnceItFell(seed: UInt64) {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        let findings = run(&detector, hours: 45, seed: seed, noise: 0.03) { hour in
            0.54 + 0.04 * (1 - cos(hour / 24 * 2 * .pi)) + 0.05 * hour.truncatingRemainder(dividingBy: 2.5)
        }
        #expect(findings.first?.explanation == nil)
    }

    @Test func aLeakBelowCollectionsIsFoundAllTheSame() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        // 12 % an hour, with collections that take back 4 % every half hour.
        let findings = run(&detector, hours: 4) { 0.4 + 0.12 * $0 + 0.08 * $0.truncatingRemainder(dividingBy: 0.5) }
        let opened = try #require(findings.first)
        #expect(opened.at < at(3 * 3600))
    }

    @Test func aRestartStartsAnewAndIsNoProofOfRecovery() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        var findings = run(&detector, hours: 2.5) { 0.45 + 0.15 * $0 }
        #expect(detector.isOpen)
        findings = run(&detector, hours: 0.4, from: 2.5) { _ in 0.2 }
        #expect(Set(findings.map(\.phase)).isSubset(of: [.ongoing]))
        #expect(detector.isOpen)
        findings = run(&detector, hours: 1.5, from: 2.9) { _ in 0.2 }
        #expect(findings.last?.phase == .closed)
    }

    @Test func twoLeakingPodsAreBothFollowed() {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        var findings: [Finding] = []
        for cell in 1...900 {
            let hour = Double(cell) / 360
            let second = Double(cell) * 10
            let levels = ["a": 0.5 + 0.12 * hour, "b": 0.52 + 0.1 * hour, "c": 0.3]
            let contributions = levels.sorted { $0.value > $1.value }.map {
                Contribution(contributor: $0.key, value: $0.value)
            }
            let cell = point(
                .heapLiveRatio, second, contributions.first?.value, coverage: Coverage(present: 3, expected: 3),
                contributions: contributions)
            if let finding = detector.take(cell) { findings.append(finding) }
        }
        #expect(findings.first?.phase == .opened)
        #expect(findings.allSatisfy { $0.phase != .closed })
    }

    @Test func theStateIsBoundedAndSurvives() throws {
        var detector = ThresholdDetector(subject: orders, check: Self.check)
        _ = run(&detector, hours: 10) { 0.3 + 0.02 * $0 }
        let bytes = try JSONEncoder().encode(detector)
        #expect(bytes.count < 4096)
        var restored = try JSONDecoder().decode(ThresholdDetector.self, from: bytes)
        let expected = run(&detector, hours: 4, from: 10) { 0.5 + 0.1 * $0 }
        #expect(run(&restored, hours: 4, from: 10) { 0.5 + 0.1 * $0 } == expected)
        #expect(!expected.isEmpty)
    }
}
