import Telemetry
import TocsinTestKit

/// Samples of all kinds that a codec can stumble over.
struct RandomSamples {
    var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    static let awkwardValues: [Double] = [
        0, -0.0, 1, -1, .infinity, -.infinity, .nan, .signalingNaN, StaleMarker.value,
        Double(bitPattern: 0x7FF8_DEAD_BEEF_0001), Double(bitPattern: 0xFFFF_FFFF_FFFF_FFFF),
        .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude,
        0x1p53, -0x1p53, 0x1p53 + 2, 0x1p63, -0x1p63, 0x1p64, 0.1, 0.1 + 0.2, 1.0 / 3, 1e15, 1e-15, 123_456.789,
        9_007_199_254_740_991, 0.000_000_000_000_001, 4.35, 1e22, 1e23,
    ]
    static let awkwardTimes: [Int64] = [.min, .min + 1, -1, 0, 1, 1_700_000_000_000, .max - 1, .max]
    static let strings = [
        "a", "namespace", "oddsmaker", "é", "日本語", "\u{0}", "quote\"back\\slash\n", String(repeating: "x", count: 4096),
        "🚨", "Deployment/oddsmaker-control",
    ]

    mutating func series() -> Series {
        var labels: [Label] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            labels.append(Label(string(), string()))
        }
        return Series(string(), LabelSet(labels))
    }

    mutating func string() -> String {
        if Bool.random(using: &random) { return Self.strings.randomElement(using: &random)! }
        return String(UInt64.random(in: 0...99, using: &random))
    }

    mutating func value() -> Double {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: Self.awkwardValues.randomElement(using: &random)!
        case 1: Double(bitPattern: random.next())
        case 2: Double(Int64.random(in: -1_000_000...1_000_000, using: &random))
        case 3: Double(Int64.random(in: -99_999...99_999, using: &random)) / 1000
        default: Double.random(in: 0...1, using: &random)
        }
    }

    mutating func time() -> Timestamp {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Timestamp(millis: Self.awkwardTimes.randomElement(using: &random)!)
        case 1: Timestamp(millis: Int64(bitPattern: random.next()))
        default: Timestamp(millis: 1_700_000_000_000 + Int64.random(in: 0...1_000_000, using: &random))
        }
    }

    /// Any samples in any order.
    mutating func chaos(count: Int) -> [Sample] {
        let pool = (0..<Int.random(in: 1...20, using: &random)).map { _ in series() }
        return (0..<count).map { _ in Sample(pool.randomElement(using: &random)!, time(), value()) }
    }

    /// Rounds of a probe: the same series in the same order, counters and gauges, now and then a series that ends.
    mutating func rounds(_ rounds: Int, series count: Int) -> [Sample] {
        let pool = (0..<count).map { index in
            Series(
                "container_metric_\(index % 12)_total",
                ["namespace": "oddsmaker", "pod": "oddsmaker-control-\(index / 12)", "node": "lon1-07"])
        }
        var hundredths = pool.indices.map { $0 * 100_000 }
        return (0..<rounds).flatMap { round in
            pool.indices.map { index in
                hundredths[index] += index.isMultiple(of: 3) ? 0 : Int.random(in: 0...5000, using: &random)
                let stale = round == rounds - 1 && index == 7
                let time = Timestamp(millis: 1_764_000_000_000 + Int64(round) * 10_000)
                return Sample(pool[index], time, stale ? StaleMarker.value : Double(hundredths[index]) / 100)
            }
        }
    }
}
