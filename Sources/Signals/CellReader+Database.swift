extension CellReader {
    /// A server's gauges and the increases of its counters.
    mutating func readDatabase(_ contributor: ContributorState, slots: [SeriesSlot]) {
        var clients = Gauge()
        var exhausted = Gauge()
        var maximum: Double?
        var reserved = 0.0
        var counters = CounterPresence()
        for index in contributor.slots where cell.expects(slots[index]) {
            let slot = slots[index]
            if slot.role.isDatabaseCounter { counters.take(slot, in: cell) }
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
            case .slotLost: .slotLost
            case .archiverFailing: .archiverFailing
            case .wraparound: .wraparound
            case .deadRows: .deadRows
            default: nil
            }
        }
    }

    private mutating func readCounts(_ contributor: ContributorState, _ counters: CounterPresence) {
        let counts = contributor.database
        readCount(.deadlocks, counts.deadlocks, contributor, counters.transactions)
        readCount(.checksumFailures, counts.checksumFailures, contributor, counters.checksums)
        readRatio(
            .rollbackRatio, counts.rollbacks, of: counts.commits + counts.rollbacks, contributor, counters.transactions)
        readRatio(
            .checkpointsRequested, counts.checkpointsRequested,
            of: counts.checkpointsRequested + counts.checkpointsTimed, contributor, counters.checkpoints)
        readRatio(
            .cacheMiss, counts.blocksRead, of: counts.blocksRead + counts.blocksHit, contributor, counters.blocks)
    }

    /// - Parameter counter: whether the counters have values in the cell.
    private mutating func readCount(
        _ signal: Signal, _ count: Double, _ contributor: ContributorState, _ counter: Gauge
    ) {
        let isThere = counter.value != nil && contributor.database.isKnown
        let isMissing = counter.isExpected && counter.value == nil
        report(signal, Gauge(value: isThere ? count : nil, isExpected: isMissing), contributor.name)
    }

    private mutating func readRatio(
        _ signal: Signal, _ part: Double, of whole: Double, _ contributor: ContributorState, _ counter: Gauge
    ) {
        if counter.value != nil, contributor.database.isKnown {
            if whole > 0 {
                accumulators[signal.rawValue].add(contributor.name, value: part / whole, volume: whole)
            } else {
                accumulators[signal.rawValue].addSilent()
            }
        } else if counter.isExpected, counter.value == nil {
            accumulators[signal.rawValue].miss()
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

/// Which of a server's counters have values in the cell, and which should: a server without checksums counts none.
private struct CounterPresence {
    var transactions = Gauge()
    var checksums = Gauge()
    var checkpoints = Gauge()
    var blocks = Gauge()

    mutating func take(_ slot: SeriesSlot, in cell: Cell) {
        switch slot.role {
        case .checksumFailures: checksums.take(slot, in: cell, max)
        case .checkpointsTimed, .checkpointsRequested: checkpoints.take(slot, in: cell, max)
        case .blocksHit, .blocksRead: blocks.take(slot, in: cell, max)
        default: transactions.take(slot, in: cell, max)
        }
    }
}
