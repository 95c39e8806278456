import Foundation
import Signals
import Telemetry
import Testing

@testable import Detection

/// A quantile is judged over its window by how many requests were slower than the level.
@Suite struct QuantileCheckTests {
    private static let check = Check(
        name: "latency-p95", group: "latency", family: .latency, title: "Slow requests", signal: .latencyP95Seconds,
        direction: .above, enter: 1, leave: 0.5, holdFor: .seconds(60), leaveFor: .seconds(120), window: .seconds(300),
        minimumVolume: 50)

    /// A cell of 10 s in which some requests took up to 0.1 s, some 0.5 to 1 s, and some 1 to 2.5 s.
    private func cell(
        _ seconds: Double, fast: Double, middling: Double = 0, slow: Double = 0, missing: Double = 0,
        coverage: Coverage = Coverage(present: 1, expected: 1)
    ) -> SignalPoint {
        let requests = fast + middling + slow
        guard requests > 0 else { return point(.latencyP95Seconds, seconds, nil, coverage: coverage) }
        let isSlow = slow > 0.05 * requests
        let isMiddling = !isSlow && slow + middling > 0.05 * requests
        let value = isSlow ? 2.0 : isMiddling ? 0.75 : 0.09
        var point = point(.latencyP95Seconds, seconds, value, volume: requests, coverage: coverage)
        point.evidence = .quantile(
            QuantileEvidence(
                share: 0.95, lower: isSlow ? 1 : isMiddling ? 0.5 : 0, upper: isSlow ? 2.5 : isMiddling ? 1 : 0.1,
                bounds: [0.1, 0.5, 1, 2.5, .infinity],
                slower: [Float(middling + slow), Float(middling + slow), Float(slow), 0, 0],
                requestsIfMissingHealthy: requests + missing))
        return point
    }

    private func detector(_ check: Check = check) -> ThresholdDetector {
        ThresholdDetector(subject: orders, check: check)
    }

    private func run(_ detector: inout ThresholdDetector, from: Int, _ cells: Int, _ make: (Int) -> SignalPoint)
        -> [Finding]
    {
        (from..<from + cells).compactMap { detector.take(make($0)) }
    }

    @Test func aSlowTailOpensInTheTimeOfItsHoldAndSaysItsError() throws {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 100) }
        let findings = run(&detector, from: 61, 30) { cell(Double($0) * 10, fast: 90, slow: 10) }
        let opened = try #require(findings.first)
        #expect(opened.phase == .opened)
        // Two cells prove that more than 5 % are slow; the window shows it after half of its length.
        #expect(opened.onsetAt <= at(640))
        #expect(opened.at <= at(610 + 160))
        #expect(
            findings.last?.explanation
                == "P95 latency 2 s of 3000 requests over 5m, above 1 s since 00:10:10Z (1 of 1 pods in breach): "
                + "10 % took longer; the last 10s had it between 1 s and 2.5 s.")
    }

    @Test func singleSlowRequestsOfAQuietServiceAreNone() {
        var detector = detector()
        // Of ten requests a cell every fifth cell has a slow one: its own p95 is 2 s, that of all is fast.
        let findings = run(&detector, from: 1, 720) { index in
            cell(Double(index) * 10, fast: index % 5 == 0 ? 9 : 10, slow: index % 5 == 0 ? 1 : 0)
        }
        #expect(findings.isEmpty)
    }

    @Test func aMarginalTailOfABusyServiceOpens() {
        var detector = detector()
        var noise = SeededNoise(7)
        let findings = run(&detector, from: 1, 90) { index in
            let slow = (0..<300).count { _ in noise.next() < 0.07 }
            return cell(Double(index) * 10, fast: 300 - Double(slow), slow: Double(slow))
        }
        #expect(findings.first?.phase == .opened)
    }

    @Test func fewRequestsOpenNothing() {
        var detector = detector()
        #expect(run(&detector, from: 1, 200) { cell(Double($0) * 10, fast: 0.5, slow: 1) }.isEmpty, "45 in 5 min")
    }

    @Test func aBurstThatIsOverOpensNothing() {
        var check = Self.check
        check.holdFor = .seconds(120)
        var detector = detector(check)
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 100) }
        let findings = run(&detector, from: 61, 60) { index in
            index < 64 ? cell(Double(index) * 10, fast: 0, slow: 100) : cell(Double(index) * 10, fast: 100)
        }
        #expect(findings.isEmpty, "a tenth of five minutes, and over for long when the breach has held")
    }

    @Test func aBreachThatNeedsTheMissingOnesToBeSlowTooIsNone() {
        var detector = detector()
        let findings = run(&detector, from: 1, 120) { index in
            cell(
                Double(index) * 10, fast: 92, slow: 8, missing: 100, coverage: Coverage(present: 1, expected: 2))
        }
        #expect(findings.isEmpty)
        let certain = run(&detector, from: 121, 60) { index in
            cell(
                Double(index) * 10, fast: 60, slow: 40, missing: 100, coverage: Coverage(present: 1, expected: 2))
        }
        #expect(certain.first?.phase == .opened)
    }

    @Test func itClosesWhenTheLastCellsProveItAndAtFullCoverageAlone() throws {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 50, slow: 50) }
        #expect(detector.isOpen)
        let half = run(&detector, from: 61, 30) { index in
            cell(Double(index) * 10, fast: 100, coverage: Coverage(present: 1, expected: 2))
        }
        #expect(half.allSatisfy { $0.phase == .ongoing })
        _ = run(&detector, from: 91, 30) { cell(Double($0) * 10, fast: 50, slow: 50) }
        let findings = run(&detector, from: 121, 30) { cell(Double($0) * 10, fast: 100) }
        let closed = try #require(findings.last)
        #expect(closed.phase == .closed)
        #expect(closed.at == at(1210 + 120), "100 good requests prove it, and then it has to hold")
        #expect(
            closed.explanation
                == "P95 latency 226 ms of 1400 requests over 2m20s, below 500 ms since 00:20:10Z; onset 00:00:10Z, "
                + "at worst 2 s.")
        #expect(run(&detector, from: 134, 30) { cell(Double($0) * 10, fast: 100) }.isEmpty)
    }

    @Test func betweenTheLevelsNothingChanges() {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 50, slow: 50) }
        let findings = run(&detector, from: 61, 120) { cell(Double($0) * 10, fast: 50, middling: 50) }
        #expect(findings.allSatisfy { $0.phase == .ongoing })
        #expect(findings.last?.explanation.contains("now below the limit of 1 s, which it passed") == true)
    }

    @Test func aServiceThatNobodyCallsRecovers() {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 50, slow: 50) }
        let findings = run(&detector, from: 61, 60) { cell(Double($0) * 10, fast: 0) }
        #expect(findings.last?.phase == .closed)
        var blind = self.detector()
        _ = run(&blind, from: 1, 60) { cell(Double($0) * 10, fast: 50, slow: 50) }
        _ = run(&blind, from: 61, 60) { cell(Double($0) * 10, fast: 0, coverage: Coverage(present: 0, expected: 1)) }
        #expect(blind.isOpen, "no data is no recovery")
    }

    @Test func whatBucketsCannotTellOpensNothing() {
        var coarse = Self.check
        // Between 1 and 2.5 s there is no bound: the requests may be short of it.
        coarse.enter = 1.5
        var detector = detector(coarse)
        #expect(run(&detector, from: 1, 120) { cell(Double($0) * 10, fast: 50, slow: 50) }.isEmpty)
    }

    @Test func itsStateIsSmallAndSurvivesARestart() throws {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 50, slow: 50) }
        #expect(detector.stateBytes <= 1024, "\(detector.stateBytes) bytes")
        let kept = try JSONEncoder().encode(detector)
        var restored = try JSONDecoder().decode(ThresholdDetector.self, from: kept)
        #expect(restored == detector)
        let cells = (61..<140).map { cell(Double($0) * 10, fast: 100, slow: $0 < 80 ? 20 : 0) }
        #expect(cells.map { restored.take($0) } == cells.map { detector.take($0) })
    }

    @Test func otherLevelsStartTheCountsAnew() {
        var detector = detector()
        _ = run(&detector, from: 1, 60) { cell(Double($0) * 10, fast: 100, slow: 4) }
        var lower = Self.check
        (lower.enter, lower.leave) = (0.5, 0.1)
        detector.replaceCheck(lower)
        // Of the window before nothing is known at the new levels.
        #expect(detector.take(cell(610, fast: 100, middling: 3)) == nil)
        #expect(detector.phase == .idle)
    }
}
