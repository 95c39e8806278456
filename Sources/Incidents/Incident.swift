package import Detection
package import Telemetry

/// What an incident is known by: at most one is open for each key.
package struct IncidentKey: Hashable, Sendable {
    /// Cluster and subject.
    package var subject: Subject
    /// Group of checks that share an incident.
    package var checkGroup: String

    /// Makes a key.
    package init(subject: Subject, checkGroup: String) {
        self.subject = subject
        self.checkGroup = checkGroup
    }
}

/// One check's finding inside an incident, as last recorded.
package struct IncidentFinding: Hashable, Sendable {
    /// The finding, as last recorded: opened, worth an update, or closed.
    package var finding: Finding
    /// Its own level, as last recorded.
    package var assessment: SeverityAssessment
    /// When the record was made.
    package var recordedAt: Timestamp
    /// When the check recovered; nil while it is open.
    package var closedAt: Timestamp?

    /// Whether the check is in breach.
    package var isOpen: Bool { closedAt == nil }
}

/// An incident: the fold of its events.
package struct Incident: Hashable, Sendable {
    /// Bounds of what is kept in memory for one incident; the log keeps all.
    package struct Limits: Hashable, Sendable {
        /// Timeline entries; beyond, the oldest but the first goes.
        ///
        /// Default 500, at least 2.
        package var timelineMax = 500
        /// Ledger entries; beyond, the oldest but the first goes.
        ///
        /// Default 100, at least 2.
        package var ledgerMax = 100
        /// Checks; beyond, the one that closed first makes room, and none is taken when all are open.
        ///
        /// Default 64.
        package var findingsMax = 64

        /// Makes the default limits.
        package init() {}
    }

    /// What the incidents that are its consequences amount to.
    package struct Impact: Hashable, Sendable, Codable {
        /// Open incidents under it.
        package var consequences = 0
        /// Paths of the workloads in trouble, its own subject included, ascending.
        package var workloads: [String] = []
        /// The worst level of the open incidents under it; nil without any.
        package var severity: Severity?
        /// The one that has that level.
        package var worst: IncidentID?

        /// No consequences.
        package init() {}

        /// Sums up consequences.
        init(consequences: Int, workloads: [String], severity: Severity?, worst: IncidentID?) {
            self.consequences = consequences
            self.workloads = workloads
            self.severity = severity
            self.worst = worst
        }
    }

    /// Id, such as `INC-7`.
    package let id: IncidentID
    /// Whose trouble.
    package let subject: Subject
    /// Group of the checks that share it.
    package let checkGroup: String
    /// Family of the finding that opened it.
    package let family: Family
    /// Title of the finding that opened the current episode.
    package private(set) var title: String
    /// Current level; of a resolved incident the last one.
    package private(set) var severity: Severity = .p4
    /// State.
    package private(set) var state: IncidentState = .detected
    /// When the current episode was opened.
    package private(set) var openedAt: Timestamp
    /// Time of the point that opened the current episode.
    package private(set) var detectedAt: Timestamp
    /// Time of the first point of the current episode's breach.
    package private(set) var onsetAt: Timestamp
    /// When the first episode was opened.
    package let firstOpenedAt: Timestamp
    /// When the current episode was first acknowledged.
    package private(set) var acknowledgedAt: Timestamp?
    /// When it was acknowledged last, which starts the wait before it may page again.
    package private(set) var lastAcknowledgedAt: Timestamp?
    /// Who acknowledged it last.
    package private(set) var acknowledgedBy: String?
    /// The level at which it was acknowledged last.
    package private(set) var acknowledgedSeverity: Severity?
    /// When it was resolved; nil while it is open.
    package private(set) var resolvedAt: Timestamp?
    /// Who resolved it.
    package private(set) var resolvedBy: Author?
    /// The cause that the resolver gave; nil after a recovery.
    package private(set) var cause: String?
    /// The incident that this one is a consequence of; nil for a root.
    package private(set) var root: IncidentID?
    /// Why it is taken for a consequence; empty for a root.
    package private(set) var rootReasons: [String] = []
    /// What its own consequences amount to.
    package private(set) var impact = Impact()
    /// When all checks had recovered but the end is held back since it flaps: until when, if it stays quiet.
    package private(set) var heldUntil: Timestamp?
    /// How often it came back while its end was held back, in this episode.
    package private(set) var flaps = 0
    /// When its latest episodes were opened, the newest last, at most `flapMemory`.
    package private(set) var recentOpenings: [Timestamp] = []
    /// 1 for the first, one more at each recurrence inside the window.
    package private(set) var episode = 1
    /// The checks that have had a part in it, by first appearance.
    package private(set) var findings: [IncidentFinding] = []
    /// Why it has the level it has: the newest last.
    package private(set) var ledger: [LedgerEntry] = []
    /// What happened, in order.
    package private(set) var timeline: [TimelineEntry] = []
    /// Timeline entries that made room for later ones.
    package private(set) var timelineDropped = 0
    /// Sequence of the last event that people may base a decision on: all but the records of findings, and notes.
    ///
    /// What a command that expects a version is held against.
    package private(set) var version: UInt64
    /// Notes written so far.
    package private(set) var notes = 0
    /// How the current episode has gone.
    package private(set) var course: EpisodeCourse
    /// Openings that are remembered to tell flapping.
    static let flapMemory = 16
    /// For each level: since when the open findings have asked for no more than it.
    ///
    /// The fold's memory for lowering.
    private var atMostSince: [Severity: Timestamp] = [:]
    private let limits: Limits

    /// Starts an incident with its `detected` event; nil for any other event.
    init?(_ event: IncidentEvent, limits: Limits) {
        guard
            case .detected(let subject, let family, let group, let title, let episode, let onset, let detected) = event
                .kind
        else { return nil }
        self.id = event.incident
        self.subject = subject
        self.checkGroup = group
        self.family = family
        self.title = title
        self.episode = episode
        self.openedAt = event.at
        self.firstOpenedAt = event.at
        self.detectedAt = detected
        self.onsetAt = onset
        self.version = event.sequence
        self.recentOpenings = [event.at]
        self.course = EpisodeCourse(sequence: event.sequence)
        self.limits = limits
        timeline.append(TimelineEntry(event, of: self))
    }

    /// What it is known by.
    package var key: IncidentKey { IncidentKey(subject: subject, checkGroup: checkGroup) }

    /// Whether it is not resolved.
    package var isOpen: Bool { state != .resolved }

    /// Whether a check is still in breach; true also of an incident that a person resolved too early.
    package var hasOpenFindings: Bool { findings.contains(where: \.isOpen) }

    /// The time from which it has been quiet: the end, or a check's later recovery.
    ///
    /// Nil while it is open.
    var quietSince: Timestamp? {
        resolvedAt.map { findings.compactMap(\.closedAt).reduce($0, max) }
    }

    /// The record of a check.
    func record(of check: String) -> IncidentFinding? {
        findings.first { $0.finding.check == check }
    }

    /// Whether a finding of `check` can be kept.
    func hasRoom(for check: String) -> Bool {
        findings.count < limits.findingsMax || findings.contains { $0.finding.check == check || !$0.isOpen }
    }

    /// The worst level that an open finding or a consequence asks for.
    var worstOpenLevel: Severity? {
        let own = findings.lazy.filter(\.isOpen).map(\.assessment.severity).max()
        guard let impact = impact.severity else { return own }
        return own.map { Swift.max($0, impact) } ?? impact
    }

    /// Whether time alone may change it.
    var mayChangeByItself: Bool { isOpen && (root != nil || heldUntil != nil) }
}

// MARK: - The fold

extension Incident {
    /// Folds one event of this incident; the only way it changes.
    mutating func apply(_ event: IncidentEvent) {
        let entry = TimelineEntry(event, of: self)
        if event.kind.movesVersion { version = event.sequence }
        course.apply(event)
        switch event.kind {
        case .detected:
            return
        case .reopened(let title, let episode, let onsetAt, let detectedAt):
            course = EpisodeCourse(sequence: event.sequence)
            reopen(title: title, episode: episode, openedAt: event.at, onsetAt: onsetAt, detectedAt: detectedAt)
        case .findingOpened(let finding, let assessment), .findingUpdated(let finding, let assessment):
            if heldUntil != nil {
                heldUntil = nil
                flaps += 1
            }
            let record = IncidentFinding(finding: finding, assessment: assessment, recordedAt: event.at)
            keep(record)
            noteLevels(at: event.at)
        case .findingClosed(let finding):
            close(finding, at: event.at)
            noteLevels(at: event.at)
        case .severityChanged(_, let to, let ledgerEntry):
            severity = to
            Self.append(ledgerEntry, to: &ledger, max: limits.ledgerMax)
        case .acknowledged(let author, let severity):
            acknowledgedAt = acknowledgedAt ?? event.at
            lastAcknowledgedAt = event.at
            acknowledgedBy = author
            acknowledgedSeverity = severity
        case .noted:
            notes += 1
        case .stateChanged(_, let to, _):
            state = to
        case .joined(let root, _, let reasons):
            self.root = root
            rootReasons = reasons
        case .parted:
            root = nil
            rootReasons = []
        case .impactChanged(let impact):
            self.impact = impact
            noteLevels(at: event.at)
        case .recoveryHeld(let until):
            heldUntil = until
        case .resolved(let author, let cause):
            state = .resolved
            heldUntil = nil
            resolvedAt = event.at
            resolvedBy = author
            self.cause = cause
        case .paged(let page):
            // Whoever took it has fallen silent: it is to be taken anew.
            if page.reason == .retriggered { (acknowledgedBy, acknowledgedSeverity) = (nil, nil) }
        case .delivered, .messageSent:
            break
        case .silenceAdded, .silenceExpired:
            return
        }
        if Self.append(entry, to: &timeline, max: limits.timelineMax) { timelineDropped += 1 }
    }

    /// The level the incident should have at `now`: a rise counts at once, a fall once it has held for `lowerAfter`.
    ///
    /// Nil when nothing changes. An intermediate level is taken when only that has held long enough.
    func severityDue(at now: Timestamp, lowerAfter: Duration) -> Severity? {
        guard let worst = worstOpenLevel, worst != severity else { return nil }
        if worst > severity { return worst }
        return Severity.allCases.sorted().first { level in
            guard level >= worst, level < severity, let since = atMostSince[level] else { return false }
            return now - since >= lowerAfter
        }
    }

    private mutating func reopen(
        title: String, episode: Int, openedAt: Timestamp, onsetAt: Timestamp, detectedAt: Timestamp
    ) {
        self.title = title
        self.episode = episode
        self.openedAt = openedAt
        self.onsetAt = onsetAt
        self.detectedAt = detectedAt
        state = .detected
        (acknowledgedAt, lastAcknowledgedAt, acknowledgedBy, acknowledgedSeverity) = (nil, nil, nil, nil)
        (resolvedAt, resolvedBy, cause) = (nil, nil, nil)
        (root, rootReasons, impact) = (nil, [], Impact())
        flaps = 0
        recentOpenings = recentOpenings.suffix(Self.flapMemory - 1) + [openedAt]
        atMostSince = [:]
    }

    private mutating func keep(_ record: IncidentFinding) {
        if let index = findings.firstIndex(where: { $0.finding.check == record.finding.check }) {
            findings[index] = record
            return
        }
        if findings.count >= limits.findingsMax {
            let oldest = findings.indices.filter { !findings[$0].isOpen }
                .min { (findings[$0].closedAt ?? openedAt) < (findings[$1].closedAt ?? openedAt) }
            guard let oldest else { return }
            findings.remove(at: oldest)
        }
        findings.append(record)
    }

    private mutating func close(_ finding: Finding, at: Timestamp) {
        guard let index = findings.firstIndex(where: { $0.finding.check == finding.check }) else { return }
        findings[index].finding = finding
        findings[index].recordedAt = at
        findings[index].closedAt = at
    }

    private mutating func noteLevels(at: Timestamp) {
        guard let worst = worstOpenLevel else {
            atMostSince = [:]
            return
        }
        for level in Severity.allCases {
            atMostSince[level] = worst <= level ? atMostSince[level] ?? at : nil
        }
    }

    /// Appends and, beyond the limit, drops the oldest but the first: how it began is worth more than the middle.
    @discardableResult
    private static func append<Entry>(_ entry: Entry, to list: inout [Entry], max limit: Int) -> Bool {
        list.append(entry)
        guard list.count > Swift.max(limit, 2) else { return false }
        list.remove(at: 1)
        return true
    }
}
