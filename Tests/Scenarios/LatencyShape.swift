import Foundation
import Signals

/// How the times of a service's requests are spread: log-normal about a mean, and a tail that takes as long as it is
/// told.
struct LatencyShape {
    /// Upper bounds in seconds; beyond the last one is the bucket of all requests.
    ///
    /// Every sixth or so of Micrometer's, and four that a service's objectives would name.
    static let bounds = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 2.5, 5, 10, 30]
    /// Standard deviation of the logarithm, ours: p95 is 1.8 times the median.
    private static let spread = 0.35

    /// Requests of a cell at or below each bound, and all of them at last.
    static func counts(
        _ requests: Double, mean: Double, slow: Double = 0, slowSeconds: Double = 0, _ random: inout ScenarioRandom
    ) -> [Double] {
        let median = max(1e-4, mean) * exp(-spread * spread / 2)
        var left = max(0, requests - slow)
        var counted = 0.0
        var share = 0.0
        var counts: [Double] = []
        for bound in bounds {
            let below = 0.5 * erfc(-(log(bound / median) / spread) / 2.0.squareRoot())
            let drawn = share < 1 ? random.binomial(left, min(1, max(0, (below - share) / (1 - share)))) : 0
            left -= drawn
            counted += drawn
            share = max(share, below)
            counts.append(counted + (bound >= slowSeconds ? slow : 0))
        }
        return counts + [requests]
    }

    /// The evidence of p95, and its value, as the engine would have them; nil without requests.
    static func p95(_ counts: [Double]) -> (value: Double, evidence: QuantileEvidence)? {
        guard let total = counts.last, total > 0 else { return nil }
        let rank = 0.95 * total
        let above = counts.firstIndex { $0 >= rank } ?? counts.count - 1
        let lower = above > 0 ? bounds[above - 1] : 0
        let below = above > 0 ? counts[above - 1] : 0
        let upper = above < bounds.count ? bounds[above] : nil
        let value = upper.map { lower + ($0 - lower) * (rank - below) / (counts[above] - below) } ?? lower
        let evidence = QuantileEvidence(
            share: 0.95, lower: lower, upper: upper, bounds: bounds + [.infinity],
            slower: counts.map { Float(total - $0) }, requestsIfMissingHealthy: total)
        return (value, evidence)
    }
}
