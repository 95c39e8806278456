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
    /// Samples of cells after the open one, in order of arrival.
    var pending: [PendingSample] = []

    init(subject: Subject, kind: ContributorKind) {
        self.subject = subject
        self.kind = kind
    }
}

/// A sample that came before its cell opened.
struct PendingSample: Sendable {
    let slot: Int
    let cell: Int64
    let at: Int64
    let value: Double
}

/// Since when an agent's looks at its pods are known without a break.
struct AgentState: Sendable {
    var podRoundsFrom: Int64
    var podRoundAt: Int64
    /// The series of its last sample.
    var lastSlot = -1
}
