/// Pauses between attempts: exponential growth with decorrelated jitter, capped.
///
/// Each pause is uniform between `base` and three times the pause before, at most `cap`: "decorrelated jitter" of
/// M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. A fleet that lost its coordinator at one
/// moment so comes back spread out. The random source is the caller's, so that a seeded run repeats.
package struct Backoff: Sendable, Hashable {
    /// Shortest pause, more than zero.
    package let base: Duration
    /// Longest pause, at least `base`, at most one day.
    package let cap: Duration
    /// Pauses drawn since the last `reset`; stays at `Int.max` when it gets there.
    package private(set) var attempts = 0
    private var previous: Duration

    /// Makes a backoff whose first pause lies between `base` and three times `base`.
    ///
    /// Precondition: `0 < base <= cap <= 1 day`.
    package init(base: Duration = .milliseconds(500), cap: Duration = .seconds(30)) {
        precondition(base > .zero && base <= cap, "backoff needs 0 < base <= cap, not \(base), \(cap)")
        precondition(cap <= .seconds(86_400), "a backoff's cap is at most one day, not \(cap)")
        self.base = base
        self.cap = cap
        previous = base
    }

    /// Draws the next pause, between `base` and `cap`, to the nanosecond.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let low = Self.nanoseconds(base)
        let high = max(low, min(Self.nanoseconds(previous) * 3, Self.nanoseconds(cap)))
        let drawn = Duration.nanoseconds(Int64.random(in: low...high, using: &generator))
        // Rounding to nanoseconds must not leave the promised range.
        let pause = min(max(drawn, base), cap)
        previous = pause
        attempts = attempts == .max ? .max : attempts + 1
        return pause
    }

    /// Starts over at `base`: call it after a success, not after a mere connect that may fail at once.
    package mutating func reset() {
        previous = base
        attempts = 0
    }

    // A day is 8.64e13 ns, so three times the cap is far from overflow.
    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
