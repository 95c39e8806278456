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
        #expect(opened.onsetAt == at(70), "the third failure of three")
        #expect(opened.at == at(190))
        #expect(
            opened.explanation
                == "7 of 7 requests failed in the last 5m, too many to be chance at 5 %, since 00:01:10Z "
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
