import Telemetry

/// What waits for no cell: events that an edge told of.
extension SignalEngine {
    /// Points of parts of cells that wait for `advance`; beyond, events are given out with their cell.
    private static let partsMax = 100_000

    /// Makes a point of the events that an edge was the first to tell of; the cell's own holds those of its rest.
    ///
    /// Its place on the grid is the edge's time where that lies in the open cell behind the parts before, else the
    /// first behind them.
    mutating func tell(of slot: Int, at time: Int64) {
        let (role, contributor) = (series[slot].role, series[slot].contributor)
        let group = contributors[contributor].group
        let signal: Signal = role == .oomKillEdges ? .oomKills : .restarts
        guard let cell = groups[group].openCell, parts.count < Self.partsMax else { return }
        let start = cell * stepMillis
        let last = max(start, groups[group].partAt)
        let place = time > last && time < start + stepMillis ? time : last + 1
        guard place < start + stepMillis else { return }
        let events =
            signal == .oomKills ? contributors[contributor].oomKills.take() : contributors[contributor].restarts.take()
        guard events > 0 else { return }
        var accumulator = SignalAccumulator(signal)
        accumulator.add(contributors[contributor].name, value: events)
        for other in groups[group].contributors where other != contributor {
            guard contributors[other].isExpected(inCell: cell, silentCellsMax: silentCellsMax) else { continue }
            // Who reported last time is not missing before the cell is over.
            if contributors[other].newestCell >= cell - 1 { accumulator.addSilent() } else { accumulator.miss() }
        }
        let subject = groups[group].subject
        guard var point = accumulator.finish(subject: subject, at: Timestamp(millis: place), step: step) else { return }
        point.knownAt = Timestamp(millis: max(time, start - stepMillis))
        groups[group].partAt = place
        parts.append(point)
    }

    /// The points of parts of cells since the last call.
    mutating func takeParts() -> [SignalPoint] {
        guard !parts.isEmpty else { return [] }
        var taken = parts
        parts.removeAll(keepingCapacity: true)
        let now = Timestamp(millis: nowMillis)
        for index in taken.indices { taken[index].knownAt = min(taken[index].knownAt, now) }
        return taken
    }
}
