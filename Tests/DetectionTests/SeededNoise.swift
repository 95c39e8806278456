/// Numbers that look random and are the same in each run (Steele, Lea, Flood 2014: SplitMix64).
struct SeededNoise {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    /// Evenly between 0 and 1.
    mutating func next() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
    }

    /// About normal, with standard deviation 1.
    mutating func normal() -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + next() }
    }
}
