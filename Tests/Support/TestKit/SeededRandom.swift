/// Random numbers that a seed repeats: SplitMix64.
///
/// From G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014; the constants are those of
/// S. Vigna, https://prng.di.unimi.it/splitmix64.c.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Makes a source; equal seeds give equal numbers.
    package init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
