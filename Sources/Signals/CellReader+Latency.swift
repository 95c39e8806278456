import Telemetry

extension CellReader {
    /// An application's buckets; its own quantiles are what it contributes.
    mutating func readBuckets(_ contributor: inout ContributorState, expected: Bool) {
        guard contributor.buckets.hasNews else {
            guard expected, contributor.previousRoundAt != nil else { return }
            let isOnBorder = contributor.roundAt.map(cell.covers) ?? false
            for (signal, _) in Signal.quantiles {
                if isOnBorder {
                    accumulators[signal.rawValue].addSilent()
                } else {
                    accumulators[signal.rawValue].miss(last: contributor.buckets.lastRequests)
                }
            }
            return
        }
        let histogram = contributor.buckets.histogram(
            factor: contributor.volumeFactor(stepMillis: cell.stepMillis))
        contributor.changeBuckets { $0.lastRequests = histogram.total }
        for (signal, share) in Signal.quantiles {
            if let own = histogram.quantile(share) {
                accumulators[signal.rawValue].add(contributor.name, value: own.value, volume: histogram.total)
            } else {
                accumulators[signal.rawValue].addSilent()
            }
        }
        if histogram.total > 0 { latency.add(histogram) }
    }

    /// The point of a signal, by its number; nil when no contributor is expected.
    ///
    /// Empties the signal's accumulator, and the buckets after the last signal that is made of them.
    mutating func finish(_ signal: Int, subject: Subject, at end: Timestamp, step: Duration) -> SignalPoint? {
        let first = Signal.latencyP50.rawValue
        guard signal >= first, signal < first + Signal.quantiles.count else {
            return accumulators[signal].finish(subject: subject, at: end, step: step)
        }
        let quantile = Signal.quantiles[signal - first]
        let missing = accumulators[signal].missingVolume
        defer { if signal == first + Signal.quantiles.count - 1 { latency.reset() } }
        guard var point = accumulators[signal].finish(subject: subject, at: end, step: step) else { return nil }
        latency.fill(&point, share: quantile.share, missing: missing)
        return point
    }
}

extension Signal {
    /// The signals that are quantiles of request times, with their share of the requests: one after the other in the
    /// catalogue, from `latencyP50` on.
    static let quantiles: [(signal: Signal, share: Double)] = [
        (.latencyP50, 0.5), (.latencyP95, 0.95), (.latencyP99, 0.99),
    ]
}
