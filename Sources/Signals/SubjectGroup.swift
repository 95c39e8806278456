import Telemetry

/// The contributors of one sort of one subject, with their place on the grid.
struct SubjectGroup: Sendable {
    let subject: Subject
    let kind: ContributorKind
    /// Ascending by name, so that sums don't depend on who arrived first.
    var contributors: [Int] = []
    var indexByName: [String: Int] = [:]
    /// The cell that takes samples; nil while no contributor is alive.
    var openCell: Int64?
    var lastClosedCell: Int64 = .min
    /// Contributors expected in the open cell whose round in it is not complete.
    var awaited = 0
    /// Contributors expected in the open cell that have no sample in it or behind it.
    var absent = 0
    /// The newest cell that a contributor's round is complete in, and when the last of them became so, in milliseconds
    /// since 1970.
    private(set) var completeCell: Int64 = .min
    private(set) var completeAt: Int64 = .min
    /// Place on the grid of the last point of a part of the open cell; 0 for none.
    var partAt: Int64 = 0
    /// Its place among all groups, as far as that is known to be up to date.
    var rank = 0
    /// Whether it is on the list of those to be looked at by the next `advance`.
    var isListed = false
    /// Samples that came before their cell opened, in order of arrival.
    var pending: [PendingSample] = []

    init(subject: Subject, kind: ContributorKind) {
        self.subject = subject
        self.kind = kind
    }

    /// Whether all that the open cell waits for has come, whatever the time; what is measured later is of the next one.
    var isComplete: Bool { awaited == 0 && completeCell == openCell }

    /// Takes note of a contributor's complete round.
    mutating func complete(_ cell: Int64, at time: Int64) {
        if cell > completeCell {
            completeCell = cell
            completeAt = time
        } else if cell == completeCell {
            completeAt = max(completeAt, time)
        }
    }

    /// Whether `other` comes first.
    func follows(_ other: SubjectGroup) -> Bool {
        subject == other.subject ? kind.rawValue > other.kind.rawValue : subject > other.subject
    }
}

/// A sample that came before its cell opened, or after the open one was complete.
struct PendingSample: Sendable {
    let slot: Int
    let at: Int64
    let value: Double
}

/// Since when an agent's looks at its pods are known without a break.
struct AgentState: Sendable {
    var podRoundsFrom: Int64
    var podRoundAt: Int64
    /// Its series by the number that it gives them.
    var numbered = NumberedSeries<NumberedPlace>()
    /// When it last sent samples by number, in milliseconds since 1970 by the engine's time.
    var numberedAt: Int64 = .min
}
