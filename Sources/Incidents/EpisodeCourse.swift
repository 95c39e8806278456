package import Telemetry

/// What is remembered of an episode beyond its present state: how it began, when it reached what, whom it called.
///
/// The fold of the episode's events; a review reads it, and what calls people does.
package struct EpisodeCourse: Hashable, Sendable {
    /// When something was done, by whom, and the event that says so.
    package struct Moment: Hashable, Sendable {
        /// When.
        package var at: Timestamp
        /// A person or `tocsin`.
        package var by: String
        /// Sequence of the event.
        package var sequence: UInt64
    }

    /// Workloads and roles that are remembered at most, each; further ones are counted.
    package static let namesMax = 200

    /// Sequence of the event that began the episode.
    package let sequence: UInt64
    /// The finding that opened it, as it was then, with the figures that it was judged by; nil before it is recorded.
    package var opening: IncidentFinding? { openings.first }
    /// When each state was reached: `monitoring` the last time, since the remedy that held is the one before the end,
    /// the others the first time.
    package private(set) var reached: [IncidentState: Moment] = [:]
    /// The worst level; nil before the first.
    package private(set) var worst: Severity?
    /// Paths of the workloads that were in trouble with it at any time, ascending; its own subject only when it had
    /// consequences.
    package private(set) var impacted: [String] = []
    /// Workloads beyond `namesMax`.
    package private(set) var impactedOmitted = 0
    /// Roles that were called, in order.
    package private(set) var roles: [String] = []
    /// Number of the alert that the calls belong to, from 1.
    ///
    /// A call after an acknowledgement begins a new one: a receiver that was told of the acknowledgement takes further
    /// calls of the same alert without waking anybody.
    package private(set) var alert = 1
    /// One or none: in an array, since a finding is large and an incident is copied for each decision.
    private var openings: [IncidentFinding] = []
    /// Whether somebody has acknowledged since the last call.
    private var isAcknowledged = false

    /// Starts with the sequence of the event that began the episode.
    init(sequence: UInt64) {
        self.sequence = sequence
    }

    /// Folds one event of the episode.
    mutating func apply(_ event: IncidentEvent) {
        switch event.kind {
        case .findingOpened(let finding, let assessment):
            guard openings.isEmpty else { return }
            openings = [IncidentFinding(finding: finding, assessment: assessment, recordedAt: event.at)]
        case .severityChanged(_, let to, _):
            worst = max(worst ?? to, to)
        case .stateChanged(_, let to, let author):
            reach(to, by: author, event)
        case .resolved(let author, _):
            reach(.resolved, by: author.description, event)
        case .impactChanged(let impact):
            note(impact.workloads)
        case .acknowledged:
            isAcknowledged = true
        case .paged(let page):
            // An end is told to those who were called, and calls nobody.
            guard page.reason != .resolved else { return }
            if isAcknowledged { alert += 1 }
            isAcknowledged = false
            for role in page.roles where !roles.contains(role) && roles.count < Self.namesMax { roles.append(role) }
        case .detected, .reopened, .findingUpdated, .findingClosed, .noted, .joined, .parted, .recoveryHeld,
            .delivered, .messageSent, .silenceAdded, .silenceExpired:
            break
        }
    }

    private mutating func reach(_ state: IncidentState, by author: String, _ event: IncidentEvent) {
        guard state == .monitoring || reached[state] == nil else { return }
        reached[state] = Moment(at: event.at, by: author, sequence: event.sequence)
    }

    private mutating func note(_ workloads: [String]) {
        let new = workloads.filter { !impacted.contains($0) }
        let room = Self.namesMax - impacted.count
        impactedOmitted += max(0, new.count - room)
        impacted = (impacted + new.prefix(room)).sorted()
    }
}
