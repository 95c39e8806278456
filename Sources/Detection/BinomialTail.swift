import Glibc

/// The exact binomial test behind low volumes.
enum BinomialTail {
    /// The probability of `events` or more in `trials`, each with probability `share`.
    ///
    /// Term by term from `events` on, which ends early where there are more events than expected.
    static func atLeast(_ events: Double, of trials: Double, share: Double) -> Double {
        let count = events.rounded()
        let total = max(trials.rounded(), count)
        guard count > 0 else { return 1 }
        guard share > 0, share < 1 else { return share >= 1 ? 1 : 0 }
        let combinations = logGamma(total + 1) - logGamma(count + 1) - logGamma(total - count + 1)
        var term = exp(combinations + count * log(share) + (total - count) * log(1 - share))
        let odds = share / (1 - share)
        var sum = 0.0
        var index = count
        while index <= total {
            sum += term
            term *= (total - index) / (index + 1) * odds
            index += 1
            if term < sum * 1e-9 { break }
        }
        return min(1, sum)
    }

    /// The probability that none of some trials is an event, each with probability `share`.
    static func none(of trials: Double, share: Double) -> Double {
        guard share < 1 else { return trials > 0 ? 0 : 1 }
        return pow(1 - max(0, share), max(0, trials.rounded()))
    }

    /// `lgamma` without its global sign.
    private static func logGamma(_ value: Double) -> Double {
        var sign: Int32 = 0
        return lgamma_r(value, &sign)
    }
}
