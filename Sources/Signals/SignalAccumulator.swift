import Telemetry

/// One signal of one cell while its contributors are read.
struct SignalAccumulator {
    private let signal: Signal
    private var present = 0
    private var numerator = 0.0
    private var volume = 0.0
    private var extreme: Double?
    /// What each missing contributor had last.
    private var missing: [Double] = []
    private var contributions: [Contribution] = []
    /// Contributors that are thought to come: room for all of them is taken at once.
    var room = 0

    init(_ signal: Signal) {
        self.signal = signal
    }

    /// Takes a contributor's value; `volume` is 0 where the signal has none.
    mutating func add(_ name: String, value: Double, volume: Double = 0) {
        present += 1
        self.volume += volume
        switch signal.merging {
        case .weighted: numerator += value * volume
        case .flow, .count, .share: numerator += value
        case .greatest: extreme = extreme.map { max($0, value) } ?? value
        case .least: extreme = extreme.map { min($0, value) } ?? value
        case .quantile: break
        }
        if contributions.isEmpty { contributions.reserveCapacity(room) }
        contributions.append(Contribution(contributor: name, value: value, volume: volume))
    }

    /// Takes a contributor that reported but has nothing to say, such as a pod without requests.
    mutating func addSilent() {
        present += 1
    }

    /// Takes a contributor that is expected and did not report; `last` is its last volume or rate.
    mutating func miss(last: Double = 0) {
        missing.append(last)
    }

    /// The volume that the missing ones are thought to have.
    var missingVolume: Double { present > 0 ? missingEstimate(mean: volume / Double(present)) : 0 }

    /// The point, or nil when no contributor is expected.
    ///
    /// Empties the accumulator.
    mutating func finish(subject: Subject, at end: Timestamp, step: Duration) -> SignalPoint? {
        let expected = present + missing.count
        guard expected > 0 else { return nil }
        let (value, ifMissingHealthy) = values()
        var point = SignalPoint(
            subject: subject, signal: signal.name, at: end, step: step, value: value,
            valueIfMissingHealthy: ifMissingHealthy, volume: signal == .ready ? Double(expected) : volume,
            coverage: Coverage(present: present, expected: expected))
        sortContributions()
        point.contributions = contributions
        reset()
        return point
    }

    private func values() -> (Double?, Double?) {
        guard present > 0 else { return (nil, nil) }
        switch signal.merging {
        case .weighted:
            guard volume > 0 else { return (nil, nil) }
            return (numerator / volume, numerator / (volume + missingEstimate(mean: volume / Double(present))))
        case .flow: return (numerator, numerator + missingEstimate(mean: numerator / Double(present)))
        case .count: return (numerator, numerator)
        case .greatest, .least: return (extreme, extreme)
        // Comes from the buckets: `LatencyCell`.
        case .quantile: return (nil, nil)
        case .share:
            let healthy = Double(missing.count)
            return (numerator / Double(present), (numerator + healthy) / (Double(present) + healthy))
        }
    }

    /// Traffic moves to whoever answers: a missing one is thought to carry at least what the others carry.
    private func missingEstimate(mean: Double) -> Double {
        missing.reduce(0) { $0 + max($1, mean) }
    }

    private mutating func sortContributions() {
        let leastFirst = signal.merging == .least || signal.merging == .share
        if contributions.count > 1 {
            contributions.sort { left, right in
                if left.value != right.value { return leastFirst ? left.value < right.value : left.value > right.value }
                if left.volume != right.volume { return left.volume > right.volume }
                return left.contributor < right.contributor
            }
        }
        if contributions.count > SignalPoint.contributionsMax {
            contributions.removeLast(contributions.count - SignalPoint.contributionsMax)
        }
    }

    private mutating func reset() {
        present = 0
        numerator = 0
        volume = 0
        extreme = nil
        missing.removeAll(keepingCapacity: true)
        contributions = []
    }
}
