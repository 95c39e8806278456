import TocsinTestKit

/// Numbers that look random and are the same in each run.
struct SeededNoise {
    private var random: SeededRandom

    init(_ seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Evenly between 0 and 1.
    mutating func next() -> Double { Double(random.next() >> 11) / 9_007_199_254_740_992 }

    /// About normal, with standard deviation 1.
    mutating func normal() -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + next() }
    }
}
