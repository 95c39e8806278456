import Telemetry

/// What waits for no cell: events that an edge told of, and errors of looks between two rounds.
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
        point.isOfPart = true
        point.knownAt = told(time, cell: start)
        groups[group].partAt = place
        parts.append(point)
    }

    /// Takes note of errors of a look that came after the round of a cell that has closed.
    mutating func noteBetweenRounds(_ contributor: Int, at time: Int64) {
        let cell = Grid.cell(of: time, stepMillis: stepMillis)
        guard let open = groups[contributors[contributor].group].openCell, cell < open,
            contributors[contributor].rounds.completeCell == cell,
            !betweenRounds.contains(where: { $0.contributor == contributor })
        else { return }
        betweenRounds.append((contributor, time))
    }

    /// Gives out what a look found, before the next look of the contributor is taken up.
    mutating func tellBetweenRounds(before time: Int64, of contributor: Int) {
        guard let index = betweenRounds.firstIndex(where: { $0.contributor == contributor && $0.at < time }) else {
            return
        }
        let look = betweenRounds.remove(at: index)
        tell(ofErrors: look.contributor, at: look.at)
    }

    /// Gives out what looks found that are taken up in full.
    mutating func tellBetweenRounds() {
        guard !betweenRounds.isEmpty else { return }
        let looks = betweenRounds
        betweenRounds.removeAll(keepingCapacity: true)
        for look in looks { tell(ofErrors: look.contributor, at: look.at) }
    }

    /// Makes a point of one contributor's requests since its round; the others are missing, with as much as they had in
    /// so much of their last cell.
    private mutating func tell(ofErrors contributor: Int, at time: Int64) {
        let group = contributors[contributor].group
        guard let cell = groups[group].openCell, parts.count < Self.partsMax else { return }
        let start = cell * stepMillis
        let place = max(start, groups[group].partAt) + 1
        let requests = contributors[contributor].requests - contributors[contributor].toldRequests
        let errors = contributors[contributor].errors - contributors[contributor].toldErrors
        guard place < start + stepMillis, requests > 0 else { return }
        contributors[contributor].toldRequests += requests
        contributors[contributor].toldErrors += errors
        let covered = contributors[contributor].coveredMillis ?? stepMillis
        let share = min(1, Double(covered) / Double(stepMillis))
        var accumulator = SignalAccumulator(.errorRatio)
        accumulator.add(contributors[contributor].name, value: errors / requests, volume: requests)
        for other in groups[group].contributors where other != contributor {
            guard contributors[other].isExpected(inCell: cell, silentCellsMax: silentCellsMax) else { continue }
            accumulator.miss(last: contributors[other].lastRequests * share)
        }
        let subject = groups[group].subject
        guard var point = accumulator.finish(subject: subject, at: Timestamp(millis: place), step: step) else { return }
        point.isOfPart = true
        point.knownAt = told(time, cell: start)
        groups[group].partAt = place
        parts.append(point)
    }

    /// The time that is told of a part: its own, not before the cell that closed last, nor behind where the open one
    /// closes at the latest.
    private func told(_ time: Int64, cell start: Int64) -> Timestamp {
        Timestamp(millis: min(max(time, start - stepMillis), start + 2 * stepMillis))
    }

    /// The points of parts of cells since the last call.
    mutating func takeParts() -> [SignalPoint] {
        guard !parts.isEmpty else { return [] }
        defer { parts.removeAll(keepingCapacity: true) }
        return parts
    }
}
