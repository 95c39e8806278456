import Detection
package import Incidents
package import Telemetry

extension Notice {
    /// What people read when they are called.
    ///
    /// Facts of the event log alone: what is not known is not said.
    package init(_ page: Page, of incident: Incident, policy: EscalationPolicy, at now: Timestamp) {
        let purpose: Purpose = page.reason == .resolved ? .resolved : .page
        self.init(
            key: page.key, incident: incident.id, episodeKey: "\(incident.id)/\(page.episode)", purpose: purpose,
            severity: page.severity, title: incident.title, cluster: incident.subject.cluster,
            subject: incident.subject.path,
            text: Self.lines(page, incident, policy, now).joined(separator: "\n"), openedAt: incident.openedAt, at: now,
            roles: page.roles)
        alert = incident.course.alert
    }

    private static func lines(
        _ page: Page, _ incident: Incident, _ policy: EscalationPolicy, _ now: Timestamp
    ) -> [String] {
        let since = FigureText.time(incident.openedAt, day: now)
        var lines = ["\(page.severity) \(incident.title): \(incident.subject.path) in \(incident.subject.cluster)"]
        lines.append(page.sentence)
        if page.reason == .resolved {
            let end = incident.resolvedAt ?? now
            lines.append("Open from \(since) for \(FigureText.duration(end - incident.openedAt)).")
            lines.append("Cause: \(incident.cause ?? "not given; all checks have recovered").")
            return lines
        }
        if let reason = incident.ledger.last { lines.append("Why: \(reason.sentence).") }
        for record in incident.findings.filter(\.isOpen).prefix(5) { lines.append("- \(record.finding.explanation)") }
        let respondBy = incident.openedAt + policy[page.severity].respondWithin
        lines.append("Open since \(since), to be answered by \(FigureText.time(respondBy, day: now)).")
        lines.append("tocsin incident ack \(incident.id)    tocsin incident show \(incident.id)")
        return lines
    }
}

extension Notice {
    /// That somebody has it, to those who were called in this episode; nil when nobody was.
    package init?(acknowledgedBy author: String, _ event: IncidentEvent, of incident: Incident) {
        guard !incident.course.roles.isEmpty else { return nil }
        self.init(
            key: "\(incident.id)/\(incident.episode)/acknowledged/\(event.sequence)", incident: incident.id,
            episodeKey: "\(incident.id)/\(incident.episode)", purpose: .acknowledged, severity: incident.severity,
            title: incident.title, cluster: incident.subject.cluster, subject: incident.subject.path,
            text: "Acknowledged by \(author).", openedAt: incident.openedAt, at: event.at,
            roles: incident.course.roles)
        alert = incident.course.alert
    }

    /// A message as it was written.
    package init(_ message: SentMessage, of incident: Incident, at now: Timestamp) {
        self.init(
            key: message.key, incident: incident.id, episodeKey: "\(incident.id)/\(incident.episode)",
            purpose: .message, severity: incident.severity, title: Self.title(of: message, incident),
            cluster: incident.subject.cluster, subject: incident.subject.path, text: message.text,
            openedAt: incident.openedAt, at: now, roles: [])
    }

    /// Customers read neither the incident's number nor its inner name.
    private static func title(of message: SentMessage, _ incident: Incident) -> String {
        switch message.kind {
        case .initial: "Incident Alert - \(incident.severity)"
        case .update: "Incident Update - \(incident.severity)"
        case .resolution: "Incident Resolved - \(incident.severity)"
        case .customer: "Service notification"
        case .report: "Incident Report - \(incident.title)"
        }
    }
}
