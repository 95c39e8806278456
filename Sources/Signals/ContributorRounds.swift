/// Which of a contributor's series are still to come in its present round, counted and not looked for.
///
/// A round is what a contributor sends within one cell, be it by one target or by several. A series is *due* in a round
/// when it came in the round before and in the one before that, or was new then: one that comes less often is never
/// waited for, and one that stopped without a word delays a single round.
struct ContributorRounds: Sendable {
    /// The cell of the present round: that of the newest sample taken up.
    private(set) var cell: Int64 = .min
    /// The cell of the newest round that is complete.
    private(set) var completeCell: Int64 = .min
    private var number: UInt32 = 0
    /// Series due that have not come yet.
    private var due: Int32 = 0
    /// Series of this round that are due in the next.
    private var dueNext: Int32 = 0
    /// A contributor's first round is never known to be complete.
    private var wasDue = false

    /// Takes note of a sample of a series; true when the round is complete by it.
    ///
    /// What is measured before the round counts in it all the same: a source with timestamps of its own lags.
    ///
    /// - Parameter cell: the cell that the sample lies in.
    mutating func take(_ series: inout SeriesRound, cell: Int64) -> Bool {
        if cell > self.cell { begin(cell) }
        guard series.number != number else { return false }
        let isInTurn = series.number &+ 1 == number && series.isDue
        let follows = series.number &+ 1 == number || series.number == 0
        series.number = number
        series.isDue = follows
        if follows { dueNext += 1 }
        return isInTurn && came()
    }

    /// A series ended and is waited for no longer; true when the round is complete by it.
    mutating func end(_ series: inout SeriesRound) -> Bool {
        guard series.isDue else { return false }
        series.isDue = false
        if series.number == number {
            dueNext -= 1
            return false
        }
        return series.number &+ 1 == number && came()
    }

    /// Ends the present round although series are due: what its source said leaves nothing to wait for.
    mutating func complete() -> Bool {
        guard completeCell < cell else { return false }
        completeCell = cell
        return true
    }

    private mutating func begin(_ cell: Int64) {
        self.cell = cell
        number &+= 1
        due = dueNext
        wasDue = due > 0
        dueNext = 0
    }

    private mutating func came() -> Bool {
        due -= 1
        return due == 0 && wasDue && complete()
    }
}

/// When a series last came, in rounds of its contributor.
struct SeriesRound: Sendable {
    /// 0 before the first.
    var number: UInt32 = 0
    /// Whether it is waited for in the round after that one.
    var isDue = false
}
