/// What a point's value rests on, where the value is an estimate.
///
/// Beside the point and not in it, so that the other signals' points stay small.
package indirect enum SignalEvidence: Hashable, Sendable, Codable {
    /// Buckets.
    case quantile(QuantileEvidence)
}

/// The buckets behind a quantile: its stated error, and how many requests were slower than which bound.
package struct QuantileEvidence: Hashable, Sendable, Codable {
    /// Share of the requests that take the value at most, 0...1.
    package var share: Double
    /// Seconds; the quantile is greater than this, or this is 0.
    package var lower: Double
    /// Seconds; the quantile is at most this.
    ///
    /// Nil when it may be beyond the highest finite bound, which is then the value: "at least".
    package var upper: Double?
    /// Upper bounds of the buckets in seconds, ascending; the last one may be infinite.
    package var bounds: [Double]
    /// Requests that took longer than each bound for certain.
    package var slower: [Float]
    /// Requests of the cell if all missing contributors had been there and fast.
    package var requestsIfMissingHealthy: Double

    /// Makes evidence; `bounds` and `slower` are of one length.
    package init(
        share: Double, lower: Double, upper: Double?, bounds: [Double], slower: [Float],
        requestsIfMissingHealthy: Double
    ) {
        self.share = share
        self.lower = lower
        self.upper = upper
        self.bounds = bounds
        self.slower = slower
        self.requestsIfMissingHealthy = requestsIfMissingHealthy
    }

    /// Requests that took longer than a level for certain: those beyond the first bound that is not less.
    ///
    /// 0 where the level is beyond the highest finite bound, since nobody knows.
    package func slower(than level: Double) -> Double {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < level { low = middle + 1 } else { high = middle }
        }
        return low < slower.count ? Double(slower[low]) : 0
    }
}
