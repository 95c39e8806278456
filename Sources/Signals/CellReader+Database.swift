extension CellReader {
    /// A server's gauges and the increases of its counters.
    mutating func readDatabase(_ contributor: ContributorState, slots: [SeriesSlot]) {
        var clients = Gauge()
        var exhausted = Gauge()
        var maximum: Double?
        var reserved = 0.0
        var counters = Gauge()
        for index in contributor.slots where cell.expects(slots[index]) {
            let slot = slots[index]
            if slot.role.isDatabaseCounter { counters.take(slot, in: cell, max) }
            switch slot.role {
            case .clientConnections: clients.take(slot, in: cell, max)
            case .slotsExhausted: exhausted.take(slot, in: cell, max)
            case .connectionsMaximum: maximum = slot.value
            case .connectionsReserved: reserved = slot.value
            default: break
            }
        }
        report(.connections, connectionRatio(clients, exhausted, maximum, reserved), contributor.name)
        readCounts(contributor, counters)
        readGauges(contributor, slots: slots) { role in
            switch role {
            case .databaseUp: .databaseUp
            case .longestQuery: .longestQuery
            case .idleInTransaction: .idleInTransaction
            case .lockWaiters: .lockWaiters
            case .longestLockWait: .longestLockWait
            case .replicationLag: .replicationLag
            case .replicationStalled: .replicationStalled
            case .slotRetained: .slotRetained
            case .slotInactive: .slotInactive
            case .archiverFailing: .archiverFailing
            case .wraparound: .wraparound
            case .deadRows: .deadRows
            default: nil
            }
        }
    }

    /// - Parameter counters: whether the counters have values in the cell.
    private mutating func readCounts(_ contributor: ContributorState, _ counters: Gauge) {
        let counts = contributor.database
        let isThere = counters.value != nil && counts.isKnown
        let isMissing = counters.isExpected && counters.value == nil
        report(
            .deadlocks, Gauge(value: isThere ? counts.deadlocks : nil, isExpected: isMissing), contributor.name)
        let transactions = counts.commits + counts.rollbacks
        if isThere, transactions > 0 {
            accumulators[Signal.rollbackRatio.rawValue].add(
                contributor.name, value: counts.rollbacks / transactions, volume: transactions)
        } else if isThere {
            accumulators[Signal.rollbackRatio.rawValue].addSilent()
        } else if isMissing {
            accumulators[Signal.rollbackRatio.rawValue].miss()
        }
    }

    private func connectionRatio(
        _ clients: Gauge, _ exhausted: Gauge, _ maximum: Double?, _ reserved: Double
    ) -> Gauge {
        var ratio = Gauge(value: nil, isExpected: clients.isExpected || exhausted.isExpected)
        if exhausted.value == 1 {
            ratio.value = 1
        } else if let used = clients.value, let maximum, maximum - reserved > 0 {
            ratio.value = min(1, used / (maximum - reserved))
        }
        return ratio
    }
}
