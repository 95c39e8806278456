import Telemetry

/// Who is waited for: counted per group as samples come, so that whether a cell can close is known and not looked for.
extension SignalEngine {
    /// Takes note that a series came in a round of its contributor.
    mutating func noteRound(of index: Int, cell: Int64, at time: Int64, value: Double) {
        let contributor = series[index].contributor
        var isComplete = contributors[contributor].rounds.take(&series[index].round, cell: cell)
        if value == 0, series[index].role.isSignOfLife, contributors[contributor].rounds.complete() {
            isComplete = true
        }
        if isComplete { complete(contributor, at: time) }
    }

    /// Takes note that a contributor's round is complete.
    mutating func complete(_ contributor: Int, at time: Int64) {
        let group = contributors[contributor].group
        groups[group].complete(contributors[contributor].rounds.completeCell, at: time)
        recount(contributor)
        if groups[group].isComplete { list(group) }
    }

    /// Counts a contributor anew among those that its group waits for; after each change of what that depends on.
    mutating func recount(_ contributor: Int) {
        let group = contributors[contributor].group
        guard let cell = groups[group].openCell else { return }
        let isExpected = contributors[contributor].isExpected(inCell: cell, silentCellsMax: silentCellsMax)
        let isAwaited = isExpected && contributors[contributor].rounds.completeCell < cell
        let isAbsent = isExpected && contributors[contributor].newestCell < cell
        if isAwaited != contributors[contributor].isAwaited {
            contributors[contributor].isAwaited = isAwaited
            groups[group].awaited += isAwaited ? 1 : -1
            if groups[group].awaited == 0 { list(group) }
        }
        if isAbsent != contributors[contributor].isAbsent {
            contributors[contributor].isAbsent = isAbsent
            groups[group].absent += isAbsent ? 1 : -1
            if groups[group].absent == 0 { list(group) }
        }
    }

    /// Counts all contributors of a group whose open cell is another; whether any is expected in it.
    @discardableResult
    mutating func recountAll(of group: Int) -> Bool {
        guard let cell = groups[group].openCell else { return false }
        var (awaited, absent, isAnyExpected) = (0, 0, false)
        for contributor in groups[group].contributors {
            let isExpected = contributors[contributor].isExpected(inCell: cell, silentCellsMax: silentCellsMax)
            let isAwaited = isExpected && contributors[contributor].rounds.completeCell < cell
            let isAbsent = isExpected && contributors[contributor].newestCell < cell
            contributors[contributor].isAwaited = isAwaited
            contributors[contributor].isAbsent = isAbsent
            if isAwaited { awaited += 1 }
            if isAbsent { absent += 1 }
            if isExpected { isAnyExpected = true }
        }
        groups[group].awaited = awaited
        groups[group].absent = absent
        return isAnyExpected
    }

    /// Takes a contributor that is forgotten out of what its group counts.
    mutating func uncount(_ contributor: Int) {
        let group = contributors[contributor].group
        if contributors[contributor].isAwaited { groups[group].awaited -= 1 }
        if contributors[contributor].isAbsent { groups[group].absent -= 1 }
        list(group)
    }

    /// Has a group looked at by the next `advance`.
    mutating func list(_ group: Int) {
        guard !groups[group].isListed else { return }
        groups[group].isListed = true
        listed.append(group)
    }
}
