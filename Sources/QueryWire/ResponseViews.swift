import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// A page that comes unless something happens.
package struct PendingPageView: Hashable, Sendable, Codable {
    /// Identity of the page.
    package var key: String
    /// Why it will come: "escalated", "retriggered" and the like.
    package var reason: String
    /// The level: "P1" to "P4".
    package var severity: String
    /// Step of the matrix.
    package var step: Int
    /// Who will be called; empty where the matrix says that nobody follows.
    package var roles: [String]
    /// When.
    package var dueAt: Timestamp

    /// Makes a page.
    package init(key: String, reason: String, severity: String, step: Int, roles: [String], dueAt: Timestamp) {
        self.key = key
        self.reason = reason
        self.severity = severity
        self.step = step
        self.roles = roles
        self.dueAt = dueAt
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_PendingPage) {
        self.init(
            key: proto.key, reason: proto.reason, severity: proto.severity, step: Int(proto.step), roles: proto.roles,
            dueAt: Timestamp(millis: proto.dueAtMillis))
    }

    /// The message.
    package var proto: Tocsin_V1_PendingPage {
        .with {
            $0.key = key
            $0.reason = reason
            $0.severity = severity
            $0.step = UInt32(clamping: step)
            $0.roles = roles
            $0.dueAtMillis = dueAt.millis
        }
    }
}

/// A line of the runbook's first 5 or first 15 minutes.
package struct ChecklistView: Hashable, Sendable, Codable {
    /// Name of the step.
    package var step: String
    /// The runbook's words.
    package var title: String
    /// 5 or 15.
    package var listMinutes: Int
    /// When it has to be done.
    package var dueAt: Timestamp
    /// When it was done; nil while nothing shows that it is.
    package var doneAt: Timestamp?
    /// What shows that it is done.
    package var evidence: String?
    /// Whether it was done too late, or is not done and its time has passed.
    package var isLate: Bool

    /// Makes a line.
    package init(step: String, title: String, listMinutes: Int, dueAt: Timestamp, isLate: Bool) {
        self.step = step
        self.title = title
        self.listMinutes = listMinutes
        self.dueAt = dueAt
        self.isLate = isLate
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_ChecklistItem) {
        self.init(
            step: proto.step, title: proto.title, listMinutes: Int(proto.listMinutes),
            dueAt: Timestamp(millis: proto.dueAtMillis), isLate: proto.late)
        doneAt = proto.hasDoneAtMillis ? Timestamp(millis: proto.doneAtMillis) : nil
        evidence = proto.evidence.nilWhenEmpty
    }

    /// The message.
    package var proto: Tocsin_V1_ChecklistItem {
        .with {
            $0.step = step
            $0.title = title
            $0.listMinutes = UInt32(clamping: listMinutes)
            $0.dueAtMillis = dueAt.millis
            if let doneAt { $0.doneAtMillis = doneAt.millis }
            $0.evidence = evidence ?? ""
            $0.late = isLate
        }
    }
}

/// A notice that its receiver never took.
package struct DeadLetterView: Hashable, Sendable, Codable {
    /// The notice's key.
    package var key: String
    /// The channel.
    package var channel: String
    /// The incident, such as "INC-7".
    package var incident: String
    /// The notice in one line.
    package var title: String
    /// Why the last send failed.
    package var reason: String
    /// Sends that failed before it was given up.
    package var attempts: Int
    /// When it was put on its way.
    package var createdAt: Timestamp
    /// When it was given up.
    package var givenUpAt: Timestamp

    /// Makes a dead letter.
    package init(
        key: String, channel: String, incident: String, title: String, reason: String, attempts: Int,
        createdAt: Timestamp, givenUpAt: Timestamp
    ) {
        self.key = key
        self.channel = channel
        self.incident = incident
        self.title = title
        self.reason = reason
        self.attempts = attempts
        self.createdAt = createdAt
        self.givenUpAt = givenUpAt
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_DeadLetter) {
        self.init(
            key: proto.key, channel: proto.channel, incident: proto.incident, title: proto.title, reason: proto.reason,
            attempts: Int(proto.attempts), createdAt: Timestamp(millis: proto.createdAtMillis),
            givenUpAt: Timestamp(millis: proto.givenUpAtMillis))
    }

    /// The message.
    package var proto: Tocsin_V1_DeadLetter {
        .with {
            $0.key = key
            $0.channel = channel
            $0.incident = incident
            $0.title = title
            $0.reason = reason
            $0.attempts = UInt32(clamping: attempts)
            $0.createdAtMillis = createdAt.millis
            $0.givenUpAtMillis = givenUpAt.millis
        }
    }
}
