package import Telemetry

extension SignalEngine {
    /// Sets the time and gives out the cells that closed, ascending by end, subject and signal.
    ///
    /// Time never goes back: an earlier `now` counts as the latest one. Call it at least once a step.
    package mutating func advance(to now: Timestamp) -> [SignalPoint] {
        nowMillis = max(nowMillis, now.millis)
        var points: [SignalPoint] = []
        var reader = CellReader(cell: Cell(index: 0, stepMillis: stepMillis, silentCellsMax: silentCellsMax))
        var cellsMax = 0
        for group in groupOrder {
            var cells = 0
            while let cell = groups[group].openCell, canClose(group, cell) {
                close(group, cell, &reader, &points)
                cells += 1
            }
            cellsMax = max(cellsMax, cells)
        }
        // The sort is stable: subjects and signals stay in order inside a cell.
        if cellsMax > 1 { points.sort { $0.at < $1.at } }
        forgetSilent()
        counts.points += points.count
        return points
    }

    private func canClose(_ group: Int, _ cell: Int64) -> Bool {
        let end = (cell + 1) * stepMillis
        guard end <= nowMillis else { return false }
        if end + stepMillis <= nowMillis { return true }
        return groups[group].contributors.allSatisfy { index in
            contributors[index].newestCell >= cell
                || !contributors[index].isExpected(inCell: cell, silentCellsMax: silentCellsMax)
        }
    }

    private mutating func close(
        _ group: Int, _ index: Int64, _ reader: inout CellReader, _ points: inout [SignalPoint]
    ) {
        reader.cell = Cell(index: index, stepMillis: stepMillis, silentCellsMax: silentCellsMax)
        for contributor in groups[group].contributors {
            let isExpected = contributors[contributor].isExpected(inCell: index, silentCellsMax: silentCellsMax)
            let hasNews = contributors[contributor].oomKills.hasNews || contributors[contributor].restarts.hasNews
            if isExpected || hasNews { reader.read(&contributors[contributor], slots: series.slots) }
            contributors[contributor].startCell()
        }
        let end = Timestamp(millis: reader.cell.endMillis)
        let subject = groups[group].subject
        for signal in groups[group].kind.signals {
            if let point = reader.finish(signal, subject: subject, at: end, step: step) {
                points.append(point)
            }
        }
        groups[group].lastClosedCell = index
        openNext(group, after: index)
    }

    /// Opens the next cell with the samples that waited for it; a group without live contributors sleeps instead.
    private mutating func openNext(_ group: Int, after index: Int64) {
        let next = index + 1
        let waiting = groups[group].pending
        let isAwake =
            !waiting.isEmpty
            || groups[group].contributors.contains {
                contributors[$0].isExpected(inCell: next, silentCellsMax: silentCellsMax)
            }
        guard isAwake else {
            groups[group].openCell = nil
            return
        }
        groups[group].openCell = next
        guard !waiting.isEmpty else { return }
        groups[group].pending.removeAll(keepingCapacity: true)
        for sample in waiting {
            if sample.cell > next {
                groups[group].pending.append(sample)
            } else {
                apply(sample.slot, at: sample.at, value: sample.value)
            }
        }
        counts.pending -= waiting.count - groups[group].pending.count
    }
}
