import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// An incident with the reasons for its level and with all that happened.
package struct IncidentDetailView: Hashable, Sendable, Codable {
    /// The incident.
    package var incident: IncidentView
    /// Why it has its level, oldest first.
    package var ledger: [LedgerView]
    /// What happened, oldest first.
    package var timeline: [TimelineView]
    /// Pages that come unless something happens.
    package var escalation: [PendingPageView] = []
    /// The runbook's first 5 and first 15 minutes.
    package var checklist: [ChecklistView] = []
    /// End of the response time; nil when somebody has it.
    package var respondBy: Timestamp?
    /// Last lines and new patterns of its subject's logs around it, oldest first.
    package var logs: [EdgeView] = []

    /// Makes a detail.
    package init(incident: IncidentView, ledger: [LedgerView] = [], timeline: [TimelineView] = []) {
        self.incident = incident
        self.ledger = ledger
        self.timeline = timeline
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_GetIncidentResponse) {
        self.init(
            incident: IncidentView(proto.incident), ledger: proto.ledger.map(LedgerView.init),
            timeline: proto.timeline.map(TimelineView.init))
        escalation = proto.escalation.map(PendingPageView.init)
        checklist = proto.checklist.map(ChecklistView.init)
        logs = proto.logs.map(EdgeView.init)
        respondBy = proto.hasRespondByMillis ? Timestamp(millis: proto.respondByMillis) : nil
    }

    /// The message.
    package var proto: Tocsin_V1_GetIncidentResponse {
        .with {
            $0.incident = incident.proto
            $0.ledger = ledger.map(\.proto)
            $0.timeline = timeline.map(\.proto)
            $0.escalation = escalation.map(\.proto)
            $0.checklist = checklist.map(\.proto)
            $0.logs = logs.map(\.proto)
            if let respondBy { $0.respondByMillis = respondBy.millis }
        }
    }
}

/// One thing that happened to an incident.
package struct TimelineView: Hashable, Sendable, Codable {
    /// When.
    package var at: Timestamp
    /// Its number in the event log.
    package var sequence: UInt64
    /// The kind of event.
    package var kind: String
    /// Who did it; nil when the coordinator itself did.
    package var author: String?
    /// What happened, for people.
    package var text: String

    /// Makes an entry.
    package init(at: Timestamp, sequence: UInt64, kind: String, author: String? = nil, text: String) {
        self.at = at
        self.sequence = sequence
        self.kind = kind
        self.author = author
        self.text = text
    }

    /// Reads the message; an empty author means that there is none.
    package init(_ proto: Tocsin_V1_TimelineEntry) {
        self.init(
            at: Timestamp(millis: proto.atMillis), sequence: proto.sequence, kind: proto.kind,
            author: proto.author.nilWhenEmpty,
            text: proto.text)
    }

    /// The message.
    package var proto: Tocsin_V1_TimelineEntry {
        .with {
            $0.atMillis = at.millis
            $0.sequence = sequence
            $0.kind = kind
            $0.author = author ?? ""
            $0.text = text
        }
    }
}
