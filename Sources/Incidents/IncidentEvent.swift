package import Detection
package import Telemetry

/// Who did something.
package enum Author: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Tocsin itself.
    case system
    /// A person, by the name that their credentials give.
    case person(name: String)

    package var description: String {
        switch self {
        case .system: "tocsin"
        case .person(let name): name
        }
    }
}

/// One fact in the life of an incident.
///
/// The log of these is the only truth: all else is folded from it.
package struct IncidentEvent: Hashable, Sendable, Codable {
    /// An event that has no sequence yet.
    package struct Draft: Hashable, Sendable {
        /// The incident it belongs to.
        package var incident: IncidentID
        /// When it was decided.
        package var at: Timestamp
        /// What happened.
        package var kind: Kind

        /// Makes a draft.
        package init(incident: IncidentID, at: Timestamp, kind: Kind) {
            self.incident = incident
            self.at = at
            self.kind = kind
        }
    }

    /// What happened.
    ///
    /// Case and payload names are the stored format: they are added to, never renamed.
    package enum Kind: Hashable, Sendable, Codable {
        /// A new incident.
        case detected(
            subject: Subject, family: Family, checkGroup: String, title: String, episode: Int, onsetAt: Timestamp,
            detectedAt: Timestamp)
        /// The same trouble came back within the window: a further episode.
        case reopened(title: String, episode: Int, onsetAt: Timestamp, detectedAt: Timestamp)
        /// A check's finding joined.
        case findingOpened(finding: Finding, assessment: SeverityAssessment)
        /// A finding's own level changed, or its depth grew by half.
        case findingUpdated(finding: Finding, assessment: SeverityAssessment)
        /// A check recovered.
        case findingClosed(finding: Finding)
        /// The incident's level, with the reason; `from` is nil at the start of an episode.
        case severityChanged(from: Severity?, to: Severity, entry: LedgerEntry)
        /// Somebody took it, at this level.
        case acknowledged(by: String, severity: Severity)
        /// Somebody wrote something.
        case noted(by: String, text: String)
        /// Somebody moved it.
        case stateChanged(from: IncidentState, to: IncidentState, by: String)
        /// It is taken for a consequence of another, for these reasons; `from` is the root that it had before.
        case joined(root: IncidentID, from: IncidentID?, reasons: [String])
        /// It is no longer taken for a consequence: it stands for itself.
        case parted(root: IncidentID, because: String)
        /// Its consequences became more, fewer, worse or milder.
        case impactChanged(impact: Incident.Impact)
        /// All checks have recovered, but it has come back too often to be believed before `until`.
        case recoveryHeld(until: Timestamp)
        /// The end: by recovery (`system`, no cause) or by a person with a cause.
        case resolved(by: Author, cause: String?)
        /// People were called.
        case paged(page: Page)
        /// A page reached a channel: its receiver has answered that it took it.
        case delivered(key: String, channel: String)
        /// A message to stakeholders or customers was put on its way.
        case messageSent(message: SentMessage)
        /// Somebody made a silence; of no incident.
        case silenceAdded(silence: Silence)
        /// Somebody ended a silence before its time; of no incident.
        case silenceExpired(silence: SilenceID, by: String)

        /// Whether a person who decided before it may have decided otherwise after it.
        var movesVersion: Bool {
            switch self {
            case .findingOpened, .findingUpdated, .findingClosed, .noted, .impactChanged, .paged, .delivered,
                .messageSent:
                false
            default: true
            }
        }

        /// Whether an episode begins with it.
        var startsEpisode: Bool {
            switch self {
            case .detected, .reopened: true
            default: false
            }
        }

        /// The root that the incident left.
        var formerRoot: IncidentID? {
            switch self {
            case .joined(_, let from, _): from
            case .parted(let root, _): root
            default: nil
            }
        }

        /// Short name, as in the timeline.
        package var name: String {
            switch self {
            case .detected: "detected"
            case .reopened: "reopened"
            case .findingOpened: "finding_opened"
            case .findingUpdated: "finding_updated"
            case .findingClosed: "finding_closed"
            case .severityChanged: "severity_changed"
            case .acknowledged: "acknowledged"
            case .noted: "noted"
            case .stateChanged: "state_changed"
            case .joined: "joined"
            case .parted: "parted"
            case .impactChanged: "impact_changed"
            case .recoveryHeld: "recovery_held"
            case .resolved: "resolved"
            case .paged: "paged"
            case .delivered: "delivered"
            case .messageSent: "message_sent"
            case .silenceAdded: "silence_added"
            case .silenceExpired: "silence_expired"
            }
        }
    }

    /// Position in the log of all incidents, from 1.
    package var sequence: UInt64
    /// The incident it belongs to.
    package var incident: IncidentID
    /// When it was decided, by the coordinator's clock.
    package var at: Timestamp
    /// What happened.
    package var kind: Kind

    /// Makes an event.
    package init(sequence: UInt64, incident: IncidentID, at: Timestamp, kind: Kind) {
        self.sequence = sequence
        self.incident = incident
        self.at = at
        self.kind = kind
    }
}
