import Signals
import Telemetry
import Testing

@testable import Detection

@Suite struct LowVolumeTests {
    private var check: Check {
        var check = Checks.errorRate
        check.holdFor = .seconds(120)
        check.lowVolume = LowVolume()
        return check
    }

    /// One request each 30 s; the bad ones fail.
    private func run(_ detector: inout ThresholdDetector, _ bad: [Bool], from: Double = 10) -> [Finding] {
        var findings: [Finding] = []
        for (index, isBad) in bad.enumerated() {
            let second = from + Double(index) * 30
            let request = point(.errorRatio, second, isBad ? 1 : 0, volume: 1)
            let others = [10.0, 20].map { point(.errorRatio, second + $0, nil) }
            findings += ([request] + others).compactMap { detector.take($0) }
        }
        return findings
    }

    @Test(arguments: [
        (events: 1, trials: 3, opens: false), (events: 9, trials: 10, opens: true),
        (events: 1, trials: 1, opens: false),
        (events: 2, trials: 2, opens: false), (events: 3, trials: 12, opens: false),
        (events: 6, trials: 12, opens: true),
    ])
    func fewRequestsAreJudgedByABound(events: Int, trials: Int, opens: Bool) {
        var detector = ThresholdDetector(subject: orders, check: check)
        let findings = run(&detector, (0..<trials).map { $0 < events } + [])
        let later = (0..<30).compactMap { detector.take(point(.errorRatio, 3000 + Double($0) * 10, nil)) }
        #expect((findings + later).contains { $0.phase == .opened } == opens)
    }

    @Test func theSentenceTellsTheNumbers() throws {
        var detector = ThresholdDetector(subject: orders, check: check)
        let findings = run(&detector, Array(repeating: true, count: 9))
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        #expect(opened.onsetAt == at(10), "the first failure, though it takes three to prove it")
        #expect(opened.at == at(130))
        #expect(
            opened.explanation
                == "5 of 5 requests failed in the last 5m, too many to be chance at 5 %, since 00:00:10Z "
                + "(1 of 1 pods in breach).")
    }

    @Test func itRecoversWithGoodRequests() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, Array(repeating: true, count: 9))
        #expect(detector.isOpen)
        let findings = run(&detector, Array(repeating: false, count: 40), from: 280)
        #expect(findings.last?.phase == .closed)
        #expect((findings.last?.at ?? at(0)) <= at(280 + 15 * 60))
    }

    /// One request each 10 s from a time on; which of them fail.
    private func run(
        _ detector: inout ThresholdDetector, from: Double, _ count: Int,
        coverage: Coverage = Coverage(present: 1, expected: 1),
        isBad: (Int) -> Bool
    ) -> [Finding] {
        (0..<count).compactMap { index in
            detector.take(
                point(.errorRatio, from + Double(index) * 10, isBad(index) ? 1 : 0, volume: 1, coverage: coverage))
        }
    }

    /// Seconds from the fault's end to the closing, beyond `leaveFor`.
    private func closing(afterShare share: Double, seed: UInt64) throws -> Double {
        var noise = SeededNoise(seed)
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in false }
        _ = run(&detector, from: 610, 90) { _ in noise.next() < share }
        try #require(detector.isOpen)
        let findings = run(&detector, from: 1510, 360) { _ in false }
        let closed = try #require(findings.last { $0.phase == .closed })
        return (closed.at - at(1500)).inSeconds - check.leaveFor.inSeconds
    }

    @Test(arguments: [(share: 1.0, requests: 11.0), (0.6, 25), (0.4, 45)])
    func aRunOfGoodRequestsProvesTheEnd(share: Double, requests: Double) throws {
        // By ten minutes without an error it would take sixty requests, whatever failed before.
        #expect(try closing(afterShare: share, seed: 3) <= requests * 10)
    }

    /// `leaveFor` runs from the first good request, so that it is over when the run is long enough and old enough.
    @Test(arguments: [1.0, 0.6, 0.4]) func aProvenEndIsNotWaitedForTwice(share: Double) throws {
        var noise = SeededNoise(3)
        var check = check
        check.leaveFor = .seconds(600)
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in false }
        _ = run(&detector, from: 610, 90) { $0 == 89 || noise.next() < share }
        let closed = try #require(run(&detector, from: 1510, 360) { _ in false }.last)
        #expect(closed.phase == .closed)
        #expect(closed.at == at(1510 + 600))
    }

    @Test(arguments: 1...20) func aFaultThatHasBecomeLessStaysOpen(seed: Int) {
        var noise = SeededNoise(UInt64(seed))
        var check = check
        check.leaveFor = .seconds(600)
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in true }
        let findings = run(&detector, from: 610, 360) { _ in noise.next() < 0.2 }
        #expect(detector.isOpen)
        #expect(!findings.contains { $0.phase == .closed })
    }

    @Test func noRequestsProveNoEnd() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in true }
        for second in stride(from: 610.0, to: 2200, by: 10) { _ = detector.take(point(.errorRatio, second, nil)) }
        #expect(detector.isOpen)
    }

    @Test func goodRequestsOfHalfThePodsProveNoEnd() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in true }
        _ = run(&detector, from: 610, 30, coverage: Coverage(present: 1, expected: 2)) { _ in false }
        #expect(detector.isOpen)
        // The first cell of full coverage is one good request, and no run of thirty.
        _ = run(&detector, from: 910, 1) { _ in false }
        #expect(detector.phase == .open)
    }

    @Test func oneErrorAfterTheEndOpensNothing() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = run(&detector, from: 10, 60) { _ in true }
        _ = run(&detector, from: 610, 60) { _ in false }
        #expect(!detector.isOpen)
        let findings = run(&detector, from: 1210, 60) { $0 == 0 }
        #expect(findings.isEmpty)
    }

    @Test func enoughErrorsNeedNoBound() {
        var noise = SeededNoise(1)
        var detector = ThresholdDetector(subject: orders, check: check)
        // 400 requests an hour, 8 % of them bad: less than 50 in five minutes.
        var findings: [Finding] = []
        for cell in 1...720 {
            let isBad = noise.next() < 0.08
            if let finding = detector.take(point(.errorRatio, Double(cell) * 10, isBad ? 1 : 0, volume: 1.1)) {
                findings.append(finding)
            }
        }
        #expect(findings.first?.phase == .opened)
    }

    @Test func theTailIsExact() {
        #expect(abs(BinomialTail.atLeast(1, of: 3, share: 0.05) - 0.142625) < 1e-9)
        #expect(abs(BinomialTail.atLeast(2, of: 2, share: 0.05) - 0.0025) < 1e-9)
        #expect(BinomialTail.atLeast(0, of: 5, share: 0.05) == 1)
        #expect(abs(BinomialTail.atLeast(50, of: 1000, share: 0.05) - 0.5202) < 1e-3)
    }

    // MARK: Windows do not delay the onset

    @Test func aClearFaultIsPendingAtOnce() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = detector.run(Array(repeating: 0, count: 40), volume: 200)
        let findings = detector.run(Array(repeating: 0.4, count: 20), from: 410, volume: 200)
        #expect(findings.first?.onsetAt == at(410))
        #expect(findings.first?.at == at(530))
    }

    @Test func aBurstThatIsOverOpensNothing() {
        var detector = ThresholdDetector(subject: orders, check: check)
        _ = detector.run(Array(repeating: 0, count: 40), volume: 200)
        let findings = detector.run([1, 1, 1] + Array(repeating: 0, count: 60), from: 410, volume: 200)
        #expect(findings.isEmpty, "10 % of five minutes, and over for long when the breach has held")
    }
}
