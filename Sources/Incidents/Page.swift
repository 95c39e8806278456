package import Telemetry

/// A call for people, as the log records it.
///
/// What was paged is decided by escalation and recorded before anything is sent; the log so tells after a restart who
/// has been called already.
package struct Page: Hashable, Sendable, Codable {
    /// Why people are called.
    package enum Reason: String, Sendable, Codable, CaseIterable {
        /// The episode began.
        case opened
        /// The level rose above all that was announced.
        case raised
        /// Nobody acknowledged in time: the next step of the matrix.
        case escalated
        /// Nothing was heard of whoever acknowledged.
        case retriggered
        /// An update was promised for a time that passed.
        case promiseMissed
        /// The episode is over: to all who were told that it began.
        case resolved
    }

    /// Identity of the page over restarts and resends: `INC-7/EPISODE/ROUND/STEP` and the like, used once.
    package var key: String
    /// Episode of the incident.
    package var episode: Int
    /// Why.
    package var reason: Reason
    /// The incident's level when it was due.
    package var severity: Severity
    /// Step of the matrix, 0 for the initial responder.
    package var step: Int
    /// Roles called, as the matrix names them.
    package var roles: [String]
    /// When it was due; the record may be later, after a restart.
    package var dueAt: Timestamp

    /// Makes a page.
    package init(
        key: String, episode: Int, reason: Reason, severity: Severity, step: Int, roles: [String], dueAt: Timestamp
    ) {
        self.key = key
        self.episode = episode
        self.reason = reason
        self.severity = severity
        self.step = step
        self.roles = roles
        self.dueAt = dueAt
    }

    /// The page in one sentence for the timeline.
    package var sentence: String {
        let whom = roles.joined(separator: ", ")
        return switch reason {
        case .opened: "Paged \(whom): opened at \(severity)."
        case .raised: "Paged \(whom): raised to \(severity)."
        case .escalated: "Escalated \(severity) to \(whom): nobody has acknowledged."
        case .retriggered: "Paged \(whom) again at \(severity): nothing was heard since the acknowledgement."
        case .promiseMissed: "Paged \(whom): the promised update is overdue."
        case .resolved: "Told \(whom) that it is over."
        }
    }
}

/// A message to people outside of the response, as the log records it.
package struct SentMessage: Hashable, Sendable, Codable {
    /// The runbook's communication templates, and its post-incident template.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Internal: the initial notification.
        case initial
        /// Internal: a status update.
        case update
        /// Internal: the resolution.
        case resolution
        /// External: to customers.
        case customer
        /// Internal: the post-incident report.
        case report
    }

    /// Identity over resends.
    package var key: String
    /// Which of the templates.
    package var kind: Kind
    /// Who sent it.
    package var author: String
    /// The text as sent.
    package var text: String
    /// When the text promises the next update; nil when it promises none.
    package var nextUpdateAt: Timestamp?

    /// Makes a message.
    package init(key: String, kind: Kind, author: String, text: String, nextUpdateAt: Timestamp?) {
        self.key = key
        self.kind = kind
        self.author = author
        self.text = text
        self.nextUpdateAt = nextUpdateAt
    }
}
