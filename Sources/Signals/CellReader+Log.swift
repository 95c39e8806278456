extension CellReader {
    /// The increases of an agent's counters of one subject's log entries.
    mutating func readLog(_ contributor: ContributorState, slots: [SeriesSlot]) {
        var counters = Gauge()
        for index in contributor.slots where cell.expects(slots[index]) && slots[index].role.isLogCounter {
            counters.take(slots[index], in: cell, max)
        }
        let counts = contributor.log
        let isThere = counters.value != nil && counts.isKnown
        let isMissing = counters.isExpected && counters.value == nil
        report(.logErrors, Gauge(value: isThere ? counts.errors : nil, isExpected: isMissing), contributor.name)
        report(
            .logNewPatterns, Gauge(value: isThere ? counts.newPatterns : nil, isExpected: isMissing), contributor.name)
        if isThere, counts.entries > 0 {
            accumulators[Signal.logErrorRatio.rawValue].add(
                contributor.name, value: counts.errors / counts.entries, volume: counts.entries)
        } else if isThere {
            accumulators[Signal.logErrorRatio.rawValue].addSilent()
        } else if isMissing {
            accumulators[Signal.logErrorRatio.rawValue].miss()
        }
    }
}
