package import Incidents
package import Telemetry

/// What a receiver is told, before any channel gives it its form.
package struct Notice: Hashable, Sendable, Codable {
    /// What kind of telling it is.
    package enum Purpose: String, Sendable, Codable {
        /// Somebody has to act.
        case page
        /// Somebody has it: for receivers that keep an alert, so that they stop calling.
        case acknowledged
        /// An episode is over.
        case resolved
        /// Text that a person sent.
        case message
    }

    /// Identity over resends; receivers may drop a second notice with the same key.
    package var key: String
    /// The incident.
    package var incident: IncidentID
    /// `INC-7/1`: the same for all notices of one episode, so that a receiver can tie the end to the beginning.
    package var episodeKey: String
    /// What for.
    package var purpose: Purpose
    /// The incident's level.
    package var severity: Severity
    /// One line.
    package var title: String
    /// Cluster of the subject.
    package var cluster: String
    /// Path of the subject.
    package var subject: String
    /// The whole text, several lines.
    package var text: String
    /// When the episode was opened.
    package var openedAt: Timestamp
    /// When it was put into the outbox.
    package var at: Timestamp
    /// Roles that it is for.
    package var roles: [String]
    /// `EpisodeCourse.alert`; nil in notices that were stored before it was kept.
    package var alert: Int?

    /// Makes a notice.
    package init(
        key: String, incident: IncidentID, episodeKey: String, purpose: Purpose, severity: Severity, title: String,
        cluster: String, subject: String, text: String, openedAt: Timestamp, at: Timestamp, roles: [String]
    ) {
        self.key = key
        self.incident = incident
        self.episodeKey = episodeKey
        self.purpose = purpose
        self.severity = severity
        self.title = title
        self.cluster = cluster
        self.subject = subject
        self.text = text
        self.openedAt = openedAt
        self.at = at
        self.roles = roles
    }

    /// Keys of the alerts that a receiver may hold for the episode, the latest last, at most `alertsMax`.
    ///
    /// The first has the episode's own; each call after an acknowledgement begins a further one.
    package var alertKeys: [String] {
        let last = max(1, alert ?? 1)
        return (max(1, last - Self.alertsMax + 1)...last).map { $0 == 1 ? episodeKey : "\(episodeKey)/\($0)" }
    }

    /// Alerts of one episode that its end is told of.
    package static let alertsMax = 8

    /// Whether it may share a digest when many wait: calls at P1 and P2, and what a person wrote, stand alone.
    package var isDigestible: Bool {
        purpose == .resolved || (purpose == .page && severity < .p2)
    }
}

/// A notice on its way to one channel.
package struct OutboxEntry: Hashable, Sendable, Codable {
    /// Where on its way it is.
    package enum State: String, Sendable, Codable {
        /// To be sent.
        case waiting
        /// The receiver took it.
        case delivered
        /// Given up; a person has to look.
        case dead
    }

    /// What is told.
    package var notice: Notice
    /// Name of the channel.
    package var channel: String
    /// Addresses on the channel, for mail; empty where the channel itself says who gets it.
    package var recipients: [String]
    /// State.
    package var state = State.waiting
    /// Sends that failed.
    package var attempts = 0
    /// When it was put into the outbox.
    package var createdAt: Timestamp
    /// When it was delivered or given up.
    package var endedAt: Timestamp?
    /// Why the last send failed; nil before the first failure.
    package var failure: String?
    /// Key of the digest that it was put into before that was first sent; a resend has the same members.
    package var digest: String?

    /// Puts a notice on its way.
    package init(_ notice: Notice, channel: String, recipients: [String] = [], at: Timestamp) {
        self.notice = notice
        self.channel = channel
        self.recipients = recipients
        createdAt = at
    }

    /// Identity of the entry: no two have the same.
    package var id: ID { ID(key: notice.key, channel: channel) }

    /// A notice's key on one channel.
    package struct ID: Hashable, Sendable {
        /// The notice's key.
        package var key: String
        /// The channel.
        package var channel: String

        /// Makes an id.
        package init(key: String, channel: String) {
            self.key = key
            self.channel = channel
        }
    }
}
