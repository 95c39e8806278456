package import Telemetry

extension SignalEngine {
    /// Sets the time and gives out the cells that closed and what parts of cells told, ascending by `at`, subject and
    /// signal.
    ///
    /// Time never goes back: an earlier `now` counts as the latest one. Call it at least once a step.
    package mutating func advance(to now: Timestamp) -> [SignalPoint] {
        nowMillis = max(nowMillis, now.millis)
        tellBetweenRounds()
        var points = takeParts()
        var reader = CellReader(cell: Cell(index: 0, stepMillis: stepMillis, silentCellsMax: silentCellsMax))
        let groups = groupsToLookAt()
        points.reserveCapacity(points.count + pointsToCome(of: groups))
        for group in groups {
            while let cell = self.groups[group].openCell, canClose(group, cell) { close(group, cell, &reader, &points) }
        }
        points += takeParts()
        sort(&points)
        forgetSilent()
        counts.points += points.count
        return points
    }

    /// Points that groups give with their open cells, at most: room for all of them is taken at once.
    private func pointsToCome(of groups: [Int]) -> Int {
        groups.reduce(0) { sum, group in
            guard let cell = self.groups[group].openCell, canClose(group, cell) else { return sum }
            return sum + self.groups[group].kind.signals.count
        }
    }

    /// All groups when a cell of the grid is over, since time alone may close theirs; else those that something
    /// happened to.
    private mutating func groupsToLookAt() -> [Int] {
        var found = listed
        for group in found { groups[group].isListed = false }
        listed.removeAll(keepingCapacity: true)
        let cell = Grid.cell(of: nowMillis, stepMillis: stepMillis)
        if cell != lookedAtCell {
            lookedAtCell = cell
            return groupOrder
        }
        if found.count > 1 {
            rankGroups()
            // By number: to compare two groups copies both.
            found.sort { groups[$0].rank < groups[$1].rank }
        }
        return found
    }

    /// Tells each group its place in the order of all, when that has changed.
    private mutating func rankGroups() {
        guard isRankingStale else { return }
        isRankingStale = false
        for (rank, group) in groupOrder.enumerated() { groups[group].rank = rank }
    }

    /// The sort is stable: subjects and signals stay in order inside a cell.
    private func sort(_ points: inout [SignalPoint]) {
        for index in points.indices.dropFirst() where points[index].at < points[index - 1].at {
            points.sort { $0.at < $1.at }
            return
        }
    }

    private func canClose(_ group: Int, _ cell: Int64) -> Bool {
        let end = (cell + 1) * stepMillis
        if end <= nowMillis { return groups[group].absent == 0 || end + stepMillis <= nowMillis }
        // An agent whose clock is ahead takes its subjects no further than into the present cell.
        return groups[group].isComplete && end - stepMillis <= nowMillis
    }

    private mutating func close(
        _ group: Int, _ index: Int64, _ reader: inout CellReader, _ points: inout [SignalPoint]
    ) {
        reader.cell = Cell(index: index, stepMillis: stepMillis, silentCellsMax: silentCellsMax)
        if groups[group].isComplete { reader.cell.end(knownAt: groups[group].completeAt) }
        let room = groups[group].contributors.count
        for signal in groups[group].kind.signals { reader.accumulators[signal].room = room }
        for contributor in groups[group].contributors {
            let isExpected = contributors[contributor].isExpected(inCell: index, silentCellsMax: silentCellsMax)
            let hasNews = contributors[contributor].oomKills.hasNews || contributors[contributor].restarts.hasNews
            if isExpected || hasNews { reader.read(&contributors[contributor], slots: series.slots) }
            contributors[contributor].startCell()
        }
        let end = Timestamp(millis: reader.cell.endMillis)
        let subject = groups[group].subject
        for signal in groups[group].kind.signals {
            if var point = reader.finish(signal, subject: subject, at: end, step: step) {
                point.knownAt = Timestamp(millis: reader.cell.knownMillis)
                points.append(point)
            }
        }
        groups[group].lastClosedCell = index
        openNext(group, after: index)
    }

    /// Opens the next cell with the samples that waited for it; a group without live contributors sleeps instead.
    private mutating func openNext(_ group: Int, after index: Int64) {
        let next = index + 1
        groups[group].openCell = next
        let isAnyExpected = recountAll(of: group)
        guard !groups[group].pending.isEmpty else {
            if !isAnyExpected { groups[group].openCell = nil }
            return
        }
        let waiting = groups[group].pending
        groups[group].pending.removeAll(keepingCapacity: true)
        counts.pending -= waiting.count
        for sample in waiting {
            let cell = Grid.cell(of: sample.at, stepMillis: stepMillis)
            place(sample, cell: cell, openCell: next, in: group)
        }
        tellBetweenRounds()
    }
}
