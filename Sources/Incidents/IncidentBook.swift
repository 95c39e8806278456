package import Detection
package import Telemetry

/// All incidents in memory: the fold of the event log, and the decisions that it leads to.
///
/// Decide, number, append to the log, apply — in this order, one decision at a time, so that memory never knows what
/// the disk does not. Being a value, it can be copied to decide a batch of findings first and adopted when the batch
/// is durable.
package struct IncidentBook: Hashable, Sendable {
    /// Limits and windows.
    package struct Configuration: Hashable, Sendable {
        /// Incidents that are open or still in breach; beyond, new ones are refused.
        ///
        /// Default 1000.
        package var openIncidentsMax = 1000
        /// Resolved incidents in memory; beyond, the one resolved first leaves (the log keeps it).
        ///
        /// Default 1000.
        package var resolvedIncidentsMax = 1000
        /// Silences to come and in force; beyond, new ones are refused.
        ///
        /// Default 1000; as many that are over are remembered.
        package var silencesMax = 1000
        /// Notes of one incident.
        ///
        /// Default 1000.
        package var notesMax = 1000
        /// The same trouble inside this time after the end is a further episode.
        ///
        /// Default 30 minutes.
        package var reopenWindow: Duration = .seconds(1800)
        /// A lower level must hold this long before the severity falls.
        ///
        /// Default 5 minutes.
        package var lowerAfter: Duration = .seconds(300)
        /// Two incidents whose breaches began within this time may be taken for cause and consequence.
        ///
        /// Default 5 minutes.
        package var correlationWindow: Duration = .seconds(300)
        /// Two workloads that got a new revision within this time were rolled out together.
        ///
        /// Default 2 minutes.
        package var sharedRolloutWithin: Duration = .seconds(120)
        /// Open incidents under one root; further ones stand for themselves.
        ///
        /// Default 200.
        package var consequencesMax = 200
        /// A consequence that is still open this long after its root's end stands for itself.
        ///
        /// Default 10 minutes, the longest `leaveFor` of the shipped checks.
        package var consequencesOutlast: Duration = .seconds(600)
        /// So many openings within `flapWithin` make the next recovery doubtful: its end is held back.
        ///
        /// Default 3.
        package var flapOpenings = 3
        /// Span in which openings are counted.
        ///
        /// Default 1 hour.
        package var flapWithin: Duration = .seconds(3600)
        /// How long a doubtful recovery must last.
        ///
        /// Default 15 minutes.
        package var flapQuiet: Duration = .seconds(900)
        /// Bounds of one incident.
        package var limits = Incident.Limits()

        /// Makes the default configuration.
        package init() {}
    }

    /// What a finding leads to.
    package struct Decision: Hashable, Sendable {
        /// Events to record, in order; often none.
        package var drafts: [IncidentEvent.Draft] = []
        /// Whether an incident was due and refused since `openIncidentsMax` are open, or a check found no room in its
        /// incident; to be counted and told.
        package var refused = false
    }

    /// Limits and windows.
    package let configuration: Configuration
    /// The rules in force; may be replaced at any time, open incidents follow at their next point.
    package var severities: SeverityTable
    /// Sequence of the last event folded, 0 at first.
    package private(set) var lastSequence: UInt64 = 0
    /// Highest incident number so far, 0 at first.
    package private(set) var lastNumber = 0
    /// Events that were not folded: their incident is unknown, or their sequence is not above the last one.
    package private(set) var ignoredEvents = 0
    /// Incidents in memory by id.
    package private(set) var incidents: [IncidentID: Incident] = [:]
    /// Silences in memory by id.
    package private(set) var silences: [SilenceID: Silence] = [:]
    /// Highest silence number so far, 0 at first.
    package private(set) var lastSilence = 0
    /// Open incidents that time alone may change, with what it depends on.
    private(set) var unsettledByID: [IncidentID: Unsettled] = [:]
    /// When the resolved incidents in memory ended.
    private(set) var ends: [IncidentID: Timestamp] = [:]
    /// Incidents in memory that are taken for consequences.
    private var consequenceIDs: Set<IncidentID> = []
    /// The newest incident in memory of each key.
    private var newest: [IncidentKey: IncidentID] = [:]
    /// Incidents that may be let go of, each with its version: resolved, and no check in breach.
    ///
    /// Those whose checks are still in breach stay: without them the next point would open the incident that a person
    /// has just resolved.
    private var over: [IncidentID: UInt64] = [:]

    /// Makes an empty book.
    package init(severities: SeverityTable, configuration: Configuration = Configuration()) {
        self.severities = severities
        self.configuration = configuration
    }

    /// Open incidents, the worst first, of equal ones the oldest.
    package var openIncidents: [Incident] {
        incidents.values.filter(\.isOpen).sorted {
            $0.severity == $1.severity ? $0.id < $1.id : $0.severity > $1.severity
        }
    }

    /// The findings that are in breach as far as the log knows: what detectors are to be seeded with at start-up, so
    /// that a recovery during a restart still closes its incident.
    ///
    /// Ordered by incident, then by appearance.
    package var openFindings: [Finding] {
        incidents.values.sorted { $0.id < $1.id }.flatMap { $0.findings.filter(\.isOpen).map(\.finding) }
    }

    /// The newest incident in memory of a key.
    package func incident(of key: IncidentKey) -> Incident? {
        newest[key].flatMap { incidents[$0] }
    }

    /// Whether an incident in memory pages nobody at a time: a silence covers it, or a root has called for it.
    package func holdsPages(of id: IncidentID, at time: Timestamp) -> Bool {
        if consequenceIDs.contains(id) { return true }
        guard !silences.isEmpty, let incident = incidents[id] else { return false }
        return isSilenced(incident, at: time)
    }

    /// Gives drafts the sequences that follow the last event folded.
    package func number(_ drafts: [IncidentEvent.Draft]) -> [IncidentEvent] {
        drafts.enumerated().map { offset, draft in
            IncidentEvent(
                sequence: lastSequence + UInt64(offset) + 1, incident: draft.incident, at: draft.at, kind: draft.kind)
        }
    }

    /// Folds one event: the only way the book changes.
    ///
    /// An event that fits nothing is ignored and counted, since a log may have lost rows.
    package mutating func apply(_ event: IncidentEvent) {
        guard event.sequence > lastSequence else {
            ignoredEvents += 1
            return
        }
        lastSequence = event.sequence
        if event.incident == .none {
            applySilence(event)
            return
        }
        lastNumber = max(lastNumber, event.incident.rawValue)
        if var incident = incidents.removeValue(forKey: event.incident) {
            incident.apply(event)
            over[incident.id] = incident.isOpen || incident.hasOpenFindings ? nil : incident.version
            incidents[event.incident] = incident
            note(incident)
            if incident.state == .resolved { archive() }
        } else if let incident = Incident(event, limits: configuration.limits) {
            incidents[incident.id] = incident
            newest[incident.key] = incident.id
        } else {
            ignoredEvents += 1
        }
    }

    /// Keeps what is asked for in each step of the clock beside the incidents: to look into one there copies it.
    private mutating func note(_ incident: Incident) {
        let id = incident.id
        if incident.mayChangeByItself {
            unsettledByID[id] = Unsettled(heldUntil: incident.heldUntil, root: incident.root)
        } else if unsettledByID[id] != nil {
            unsettledByID[id] = nil
        }
        if ends[id] != incident.resolvedAt { ends[id] = incident.resolvedAt }
        if incident.root != nil {
            consequenceIDs.insert(id)
        } else if !consequenceIDs.isEmpty {
            consequenceIDs.remove(id)
        }
    }

    private mutating func applySilence(_ event: IncidentEvent) {
        switch event.kind {
        case .silenceAdded(let silence):
            silences[silence.id] = silence
            lastSilence = max(lastSilence, silence.id.rawValue)
            let over = silences.values.filter { $0.endsAt <= event.at }.sorted {
                ($0.endsAt, $0.id) < ($1.endsAt, $1.id)
            }
            for old in over.dropLast(configuration.silencesMax) { silences[old.id] = nil }
        case .silenceExpired(let id, let author):
            guard var silence = silences[id] else { return }
            // One that had not begun ends where it starts.
            silence.startsAt = min(silence.startsAt, event.at)
            silence.endsAt = event.at
            silence.expiredBy = author
            silences[id] = silence
        default: ignoredEvents += 1
        }
    }

    /// How many incidents are open or still in breach.
    var liveCount: Int {
        incidents.values.count { $0.isOpen || $0.hasOpenFindings }
    }

    /// Lets go of the incidents that were resolved first.
    private mutating func archive() {
        let excess = over.count - configuration.resolvedIncidentsMax
        guard excess > 0 else { return }
        // By the log's order: a clock that was set back must not drop what has just ended and is not told yet.
        for _ in 0..<excess {
            guard let first = over.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return }
            over[first] = nil
            guard let incident = incidents.removeValue(forKey: first) else { continue }
            ends[first] = nil
            consequenceIDs.remove(first)
            if newest[incident.key] == first { newest[incident.key] = nil }
        }
    }
}
