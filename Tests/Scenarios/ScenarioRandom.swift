import Foundation

/// Numbers that look random and follow from a seed (Steele, Lea, Flood 2014: SplitMix64).
package struct ScenarioRandom: Sendable {
    private var state: UInt64

    /// Makes a source.
    package init(seed: UInt64) {
        state = seed
    }

    /// A source of its own for a name, so that one scenario's use does not change another's.
    package init(seed: UInt64, name: String) {
        state = name.utf8.reduce(seed ^ 0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        _ = bits()
    }

    /// 64 bits.
    package mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Evenly between 0 and 1.
    package mutating func unit() -> Double { Double(bits() >> 11) / 9_007_199_254_740_992 }

    /// Evenly in a range.
    package mutating func within(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// Evenly below a bound.
    package mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(max(1, bound))) }

    /// About normal with standard deviation 1, from the sum of four.
    package mutating func normal() -> Double {
        // The variance of a sum of four even numbers is 1/3.
        (unit() + unit() + unit() + unit() - 2) * 1.732_050_8
    }

    /// Events of a Poisson process whose mean is given.
    package mutating func poisson(_ mean: Double) -> Double {
        guard mean > 0 else { return 0 }
        if mean > 30 { return max(0, (mean + mean.squareRoot() * normal()).rounded()) }
        var product = unit()
        let limit = exp(-mean)
        var count = 0.0
        while product > limit {
            product *= unit()
            count += 1
        }
        return count
    }

    /// Of `count` events, how many happen that have a probability each.
    package mutating func binomial(_ count: Double, _ share: Double) -> Double {
        guard share > 0, count > 0 else { return 0 }
        guard share < 1 else { return count }
        if count * share * (1 - share) > 20 {
            let spread = (count * share * (1 - share)).squareRoot()
            return min(count, max(0, (count * share + spread * normal()).rounded()))
        }
        if share < 0.1, count > 40 { return min(count, poisson(count * share)) }
        return (0..<Int(count)).reduce(0) { sum, _ in sum + (unit() < share ? 1 : 0) }
    }
}
