import Detection
package import Telemetry

/// One line of an incident's timeline.
package struct TimelineEntry: Hashable, Sendable, Codable {
    /// When.
    package var at: Timestamp
    /// Sequence of the event it was rendered from.
    package var sequence: UInt64
    /// `IncidentEvent.Kind.name`.
    package var kind: String
    /// Who: a person or `tocsin`.
    package var author: String
    /// One sentence; a note's text is as written.
    package var text: String

    /// Makes an entry.
    package init(at: Timestamp, sequence: UInt64, kind: String, author: String, text: String) {
        self.at = at
        self.sequence = sequence
        self.kind = kind
        self.author = author
        self.text = text
    }

    /// Renders an event of `incident`, which has not folded it yet.
    init(_ event: IncidentEvent, of incident: Incident) {
        let (author, text) = Self.render(event, of: incident)
        self.init(at: event.at, sequence: event.sequence, kind: event.kind.name, author: author, text: text)
    }

    private static func render(_ event: IncidentEvent, of incident: Incident) -> (author: String, text: String) {
        let system = Author.system.description
        switch event.kind {
        case .detected(let subject, let family, _, let title, _, let onsetAt, _):
            let after = PlainText.duration(event.at - onsetAt)
            return (system, "Opened: \(title) on \(subject) (\(family.rawValue)), \(after) after the first sign.")
        case .reopened(let title, let episode, let onsetAt, _):
            let after = PlainText.duration(event.at - onsetAt)
            return (system, "Came back as episode \(episode): \(title), \(after) after the first sign.")
        case .findingOpened(let finding, _):
            return (system, "Check \(finding.check) opened: \(finding.explanation)")
        case .findingUpdated(let finding, let assessment):
            return (system, "Check \(finding.check) now gives \(assessment.severity): \(finding.explanation)")
        case .findingClosed(let finding):
            return (system, "Check \(finding.check) recovered: \(finding.explanation)")
        case .severityChanged(let from, let to, let entry):
            let change = from.map {
                $0 < to ? "Severity raised from \($0) to \(to)" : "Severity lowered from \($0) to \(to)"
            }
            return (system, "\(change ?? "Severity \(to)"): \(entry.sentence).")
        case .acknowledged(let author, let severity):
            let again = incident.acknowledgedBy == author ? "Acknowledged again" : "Acknowledged"
            return (author, "\(again) at \(severity).")
        case .noted(let author, let text):
            return (author, text)
        case .stateChanged(let from, let to, let author):
            return (author, "State changed from \(from.rawValue) to \(to.rawValue).")
        case .joined(let root, let from, let reasons):
            let moved = from.map { "Moved from \($0) to \(root)" } ?? "Joined \(root)"
            return (system, "\(moved): \(reasons.joined(separator: "; ")).")
        case .parted(let root, let because):
            return (system, "Left \(root): \(because).")
        case .impactChanged(let impact):
            return (system, render(impact))
        case .recoveryHeld(let until):
            let quiet = PlainText.duration(until - event.at)
            return (system, "All checks have recovered; it came back often, so it must stay quiet for \(quiet).")
        case .resolved(let author, let cause):
            let lasted = PlainText.duration(event.at - incident.openedAt)
            let why = cause ?? "all checks have recovered"
            return (author.description, "Resolved after \(lasted): \(why)\(why.hasSuffix(".") ? "" : ".")")
        case .paged(let page):
            return (system, page.sentence)
        case .delivered(let key, let channel):
            return (system, "Page \(key) was taken by \(channel).")
        case .messageSent(let message):
            // A report holds the whole timeline.
            if message.kind == .report { return (message.author, "Sent the post-incident report.") }
            return (message.author, "Sent the \(message.kind.rawValue) message: \(message.text)")
        case .silenceAdded(let silence):
            return (silence.author, "Made \(silence.id): \(silence.reason)")
        case .silenceExpired(let silence, let author):
            return (author, "Ended \(silence).")
        }
    }

    private static func render(_ impact: Incident.Impact) -> String {
        guard impact.consequences > 0 else { return "No open incident is a consequence any more." }
        let noun = impact.consequences == 1 ? "consequence" : "consequences"
        var text = "\(impact.consequences) \(noun)"
        if let severity = impact.severity, let worst = impact.worst { text += ", the worst \(worst) at \(severity)" }
        guard !impact.workloads.isEmpty else { return text + "." }
        let shown = impact.workloads.prefix(workloadsShownMax).joined(separator: ", ")
        let more = impact.workloads.count - workloadsShownMax
        return text + "; in trouble: \(shown)" + (more > 0 ? " and \(more) more." : ".")
    }

    private static let workloadsShownMax = 10
}
