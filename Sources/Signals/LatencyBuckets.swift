import Telemetry

/// What one contributor's buckets of request times rose by in the open cell, summed over its label sets by bound.
///
/// Buckets are cumulative: each counts the requests that took at most its bound. A sample costs one addition.
struct LatencyBuckets: Counts {
    /// Upper bounds in seconds in the order in which they came; the last one, of all requests, is infinite.
    private var bounds: [Double] = []
    private var increases: [Double] = []
    /// Whether a bound had a sample in the cell; those of an earlier release of the application have none.
    private var isFresh: [Bool] = []
    /// Places, ascending by bound.
    private var order: [Int] = []
    /// Whether there is any increase in the cell, be it 0.
    private(set) var hasNews = false
    /// Requests in the last cell that had any: the estimate while it is missing.
    var lastRequests = 0.0

    /// Whether a quantile can be told: the bucket of all requests alone says nothing.
    var hasFiniteBounds: Bool { bounds.contains { $0.isFinite } }

    /// The bound that a bucket's labels name; nil when they name none.
    static func bound(_ labels: LabelSet) -> Double? {
        guard let text = labels["le"] else { return nil }
        if text == "+Inf" || text == "Inf" { return .infinity }
        guard let bound = Double(text), !bound.isNaN, bound > -.infinity else { return nil }
        return bound
    }

    /// The place of a bound, made when it is new; nil when there are too many.
    mutating func place(of bound: Double, finiteMax: Int) -> Int? {
        if let known = bounds.firstIndex(of: bound) { return known }
        guard bound == .infinity || bounds.count(where: \.isFinite) < finiteMax else { return nil }
        bounds.append(bound)
        increases.append(0)
        isFresh.append(false)
        order = bounds.indices.sorted { bounds[$0] < bounds[$1] }
        return bounds.count - 1
    }

    /// Adds a counter's increase.
    mutating func add(_ increase: Double, at place: Int) {
        increases[place] += increase
        isFresh[place] = true
        hasNews = true
    }

    /// Starts the next cell.
    mutating func startCell() {
        guard hasNews else { return }
        hasNews = false
        for place in increases.indices {
            increases[place] = 0
            isFresh[place] = false
        }
    }

    /// The cell's requests by bound.
    ///
    /// Where label sets have different bounds a bound counts too few; at least as many are at or below it as at or
    /// below a lesser one.
    ///
    /// - Parameter factor: what counts are multiplied with.
    func histogram(factor: Double) -> LatencyHistogram {
        let fresh = order.filter { isFresh[$0] }
        var counts: [Double] = []
        counts.reserveCapacity(fresh.count)
        var most = 0.0
        for place in fresh {
            most = max(most, increases[place] * factor)
            counts.append(most)
        }
        return LatencyHistogram(bounds: fresh.map { bounds[$0] }, least: counts, most: counts)
    }
}

/// Requests by how long they took.
///
/// Of contributors with different bounds it is not known how many requests are at or below a bound that only some of
/// them have: at least those at or below the next lesser bound, at most those at or below the next greater one.
struct LatencyHistogram: Sendable {
    /// Upper bounds in seconds, ascending; not empty.
    var bounds: [Double]
    /// Requests at or below each bound for certain.
    var least: [Double]
    /// Requests that may be at or below each bound.
    var most: [Double]

    /// All requests.
    var total: Double { least.last ?? 0 }

    /// A quantile, and between which bounds it lies.
    struct Quantile {
        /// By straight interpolation between the bounds; the highest finite bound where there is none above it.
        var value: Double
        /// It is greater than this, or this is 0.
        var lower: Double
        /// It is at most this; nil when it may be beyond the highest finite bound.
        var upper: Double?
    }

    /// The time that a share of the requests takes at most; nil without requests.
    func quantile(_ share: Double) -> Quantile? {
        guard total > 0 else { return nil }
        let rank = share * total
        guard let above = least.firstIndex(where: { $0 >= rank * (1 - 1e-12) }) else { return nil }
        let below = most.lastIndex { $0 < rank * (1 - 1e-12) }
        let lower = below.map { max(0, bounds[$0]) } ?? 0
        guard bounds[above].isFinite else {
            return Quantile(value: bounds.last(where: \.isFinite) ?? lower, lower: lower, upper: nil)
        }
        let upper = max(lower, bounds[above])
        let counted = below.map { most[$0] } ?? 0
        let between = least[above] - counted
        let part = between > 0 ? min(1, max(0, (rank - counted) / between)) : 1
        return Quantile(value: lower + (upper - lower) * part, lower: lower, upper: upper)
    }

    /// The quantile if `missing` requests more had been fast: 0 when those alone are the share.
    func quantile(_ share: Double, withFast missing: Double) -> Double? {
        guard total > 0 else { return nil }
        let own = 1 - (1 - share) * (total + missing) / total
        return own > 0 ? quantile(own)?.value : 0
    }
}

/// The buckets of a cell's contributors, those with the same bounds taken together.
struct LatencyCell {
    private var parts: [LatencyHistogram] = []
    private var joined: LatencyHistogram?

    /// Adds a contributor's.
    mutating func add(_ histogram: LatencyHistogram) {
        guard let place = parts.firstIndex(where: { $0.bounds == histogram.bounds }) else {
            parts.append(histogram)
            return
        }
        for index in histogram.least.indices {
            parts[place].least[index] += histogram.least[index]
            parts[place].most[index] += histogram.most[index]
        }
    }

    /// Empties it.
    mutating func reset() {
        parts.removeAll(keepingCapacity: true)
        joined = nil
    }

    /// Puts a quantile of all contributors into a point that has coverage, volume and contributions.
    ///
    /// - Parameter missing: requests that the missing contributors are thought to have.
    mutating func fill(_ point: inout SignalPoint, share: Double, missing: Double) {
        let all = joined ?? join()
        joined = all
        guard let all, let quantile = all.quantile(share) else { return }
        point.value = quantile.value
        point.valueIfMissingHealthy = all.quantile(share, withFast: missing)
        let slower = all.most.map { Float(all.total - $0) }
        point.evidence = .quantile(
            QuantileEvidence(
                share: share, lower: quantile.lower, upper: quantile.upper, bounds: all.bounds, slower: slower,
                requestsIfMissingHealthy: all.total + missing))
    }

    private func join() -> LatencyHistogram? {
        guard parts.count > 1 else { return parts.first }
        let bounds = Set(parts.flatMap(\.bounds)).sorted()
        var sum = LatencyHistogram(
            bounds: bounds, least: bounds.map { _ in 0 }, most: bounds.map { _ in 0 })
        for part in parts {
            var next = 0
            for index in bounds.indices {
                while next < part.bounds.count, part.bounds[next] < bounds[index] { next += 1 }
                let isOwn = next < part.bounds.count && part.bounds[next] == bounds[index]
                sum.most[index] += next < part.bounds.count ? part.most[next] : part.total
                let below = isOwn ? next : next - 1
                sum.least[index] += below >= 0 ? part.least[below] : 0
            }
        }
        return sum
    }
}
