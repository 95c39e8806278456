import CellCodec
import Detection
import Scenarios
import Signals
import Telemetry

/// Tapes of cells that nobody would measure: every field takes every kind of value.
struct CellTapes {
    private var random: ScenarioRandom
    private var now: Int64 = 1_795_478_400_000
    private let subjects: Int

    init(seed: UInt64, subjects: Int = 5) {
        random = ScenarioRandom(seed: seed, name: "cells")
        self.subjects = subjects
    }

    private static let signals: [SignalName] = [
        .errorRatio, .requestRate, .latencyP95Seconds, .latencyP99Seconds, .restarts, .init(rawValue: "Ω signal"),
        .init(rawValue: ""),
    ]

    private mutating func number() -> Double {
        switch Int(random.unit() * 9) {
        case 0: 0
        case 1: (random.unit() * 1000).rounded()
        case 2: (random.unit() * 1000).rounded() / 100
        case 3: random.unit()
        case 4:
            [-0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 9_007_199_254_740_994, -1e300].randomElement(
                &random)
        case 5: Double(bitPattern: 0x7FF8_0000_0000_0000 | UInt64(random.unit() * 1e6))
        case 6: (random.unit() * 50).rounded() / 199
        default: 1
        }
    }

    private mutating func chance(_ share: Double) -> Bool { random.unit() < share }

    private mutating func evidence() -> SignalEvidence? {
        guard chance(0.6) else { return nil }
        let count = Int(random.unit() * 12)
        let bounds = (0..<count).map { chance(0.8) ? Double($0) / 8 : number() }
        let slower = (0..<count).map { chance(0.7) ? Float(10 - $0 / 3) : Float(number()) }
        return .quantile(
            QuantileEvidence(
                share: chance(0.9) ? 0.95 : number(), lower: chance(0.7) ? bounds.first ?? 0 : number(),
                upper: chance(0.3) ? nil : chance(0.8) ? bounds.last : number(), bounds: bounds, slower: slower,
                requestsIfMissingHealthy: chance(0.5) ? 200 : number()))
    }

    private mutating func vary(_ last: SignalPoint) -> SignalPoint {
        var point = last
        if chance(0.4) { point.value = chance(0.1) ? nil : number() }
        if chance(0.8) {
            point.valueIfMissingHealthy = point.value
        } else if chance(0.5) {
            point.valueIfMissingHealthy = chance(0.2) ? nil : number()
        }
        if chance(0.3) { point.volume = chance(0.5) ? 200 : number() }
        if chance(0.1) { point.coverage = Coverage(present: Int(random.unit() * 9), expected: Int(random.unit() * 9)) }
        if chance(0.3) {
            let count = chance(0.5) ? 1 : Int(random.unit() * 6)
            point.contributions = (0..<count).map { _ in
                Contribution(
                    contributor: "pod-\(Int(random.unit() * 20))", value: chance(0.5) ? point.value ?? 1 : number(),
                    volume: chance(0.5) ? point.volume : number())
            }
        }
        if chance(0.4) { point.evidence = evidence() }
        return point
    }

    private var last: [Subject: [SignalName: SignalPoint]] = [:]

    /// About so many records of subjects.
    mutating func tape(records: Int) -> CellTape {
        var tape = CellTape()
        for index in 0..<records {
            if index % subjects == 0 { now += 10_000 }
            if chance(0.1) { tape.appendSweep(at: Timestamp(millis: now + Int64(random.unit() * 1000))) }
            let place = chance(0.9) ? index % subjects : Int(random.unit() * Double(subjects))
            let subject = Subject(
                cluster: "c", kind: Subject.Kind.allCases[place % Subject.Kind.allCases.count], path: "shop/\(place)")
            let isPart = chance(0.05)
            let at = Timestamp(millis: isPart || chance(0.02) ? now - Int64(random.unit() * 9000) : now)
            let known = Timestamp(millis: at.millis - Int64(random.unit() * 3) * Int64(random.unit() * 500))
            let step = Duration.seconds(chance(0.99) ? 10 : 5)
            var points: [SignalPoint] = []
            for signal in Self.signals where !chance(0.05) && (!isPart || signal == .restarts) {
                let empty = SignalPoint(
                    subject: subject, signal: signal, at: at, step: step, value: nil, valueIfMissingHealthy: nil,
                    coverage: Coverage(present: 1, expected: 1))
                var point = vary(last[subject]?[signal] ?? empty)
                (point.at, point.step, point.knownAt, point.isOfPart) = (at, step, known, isPart)
                last[subject, default: [:]][signal] = point
                points.append(point)
            }
            tape.append(points)
        }
        return tape
    }
}

extension Array {
    fileprivate func randomElement(_ random: inout ScenarioRandom) -> Element {
        self[Int(random.unit() * Double(count))]
    }
}

extension SignalPoint {
    /// All that it says, with every bit of its numbers.
    var bits: [String] {
        func text(_ number: Double?) -> String { number.map { String($0.bitPattern, radix: 16) } ?? "-" }
        var parts = [
            "\(subject.cluster) \(subject.kind) \(subject.path) \(signal)", "\(at.millis) \(knownAt.millis) \(step)",
            "\(isOfPart)", text(value), text(valueIfMissingHealthy), text(volume), "\(coverage)",
        ]
        parts += contributions.map { "\($0.contributor) \(text($0.value)) \(text($0.volume))" }
        if case .quantile(let buckets)? = evidence {
            parts += [
                text(buckets.share), text(buckets.lower), text(buckets.upper), text(buckets.requestsIfMissingHealthy),
            ]
            parts += buckets.bounds.map { text($0) } + buckets.slower.map { String($0.bitPattern) }
        }
        return parts
    }
}
