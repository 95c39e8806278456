import Detection
package import Incidents
import Signals
package import Telemetry

/// What the runbook's message templates are filled with: facts of the incident, and what the sender adds.
///
/// What neither knows is said to be unknown.
package struct MessageFacts: Hashable, Sendable {
    /// What a sender may add.
    package enum Field: String, Sendable, CaseIterable {
        /// What is affected, in the reader's words.
        case service
        /// What the reader notices.
        case impact
        /// When it is expected to be over.
        case eta
        /// What has been done.
        case progress
        /// What is planned.
        case nextSteps
        /// What was done to end it.
        case resolution
        /// When the review is.
        case review
    }

    /// Which template.
    package var kind: SentMessage.Kind
    /// Names and values for the template.
    package var values: [String: TemplateValue]
    /// Minutes to the promised update; nil promises none.
    package var updateMinutes: Int?
    /// When the update is promised for.
    package var nextUpdateAt: Timestamp?

    /// What stands where nobody knows.
    package static let unknown = "unknown"

    /// What a report tells beside the incident itself.
    package struct Surroundings: Hashable, Sendable {
        /// The runbook's two lists; empty when they are not remembered any more.
        package var checklist: [ChecklistItem]
        /// Incidents that are or were taken for its consequences.
        package var consequences: [Incident]

        /// Makes surroundings.
        package init(checklist: [ChecklistItem] = [], consequences: [Incident] = []) {
            self.checklist = checklist
            self.consequences = consequences
        }
    }

    /// Gathers the facts.
    ///
    /// - Parameters:
    ///   - given: what the sender adds; it stands before what Tocsin derives.
    ///   - surroundings: what a report tells beside the incident itself.
    package init(
        _ kind: SentMessage.Kind, of incident: Incident, given: [Field: String], policy: EscalationPolicy,
        surroundings: Surroundings = Surroundings(), at now: Timestamp
    ) {
        self.kind = kind
        let level = policy[incident.severity]
        let every = kind == .customer ? level.customerUpdateEvery : level.updateEvery
        // A resolution is the last word, and a report comes after it.
        let promised = incident.isOpen && kind != .resolution && kind != .report ? every : nil
        updateMinutes = promised.map { max(1, Int($0.components.seconds / 60)) }
        nextUpdateAt = promised.map { now + $0 }
        let end = incident.resolvedAt ?? now
        let texts = [
            "severity": incident.severity.description, "incident": incident.id.description, "title": incident.title,
            "status": Self.status(incident.state), "duration": FigureText.duration(end - incident.openedAt),
            "rootCause": incident.cause ?? Self.unknown,
            "service": given[.service] ?? (kind == .customer ? "one of our services" : incident.subject.path),
            "impact": given[.impact] ?? (kind == .customer ? Self.unknown : Self.impact(incident)),
            "eta": given[.eta] ?? Self.unknown, "progress": given[.progress] ?? Self.progress(incident),
            "nextSteps": given[.nextSteps] ?? Self.unknown,
            "resolution": given[.resolution] ?? Self.resolution(incident),
            "review": given[.review] ?? "a time to be announced",
        ]
        values = texts.mapValues { .text($0) }
        if let updateMinutes { values["updateMinutes"] = .text("\(updateMinutes)") }
        guard kind == .report else { return }
        let report = ReportFacts(incident: incident, surroundings: surroundings, now: now)
        values.merge(report.values) { $1 }
        if let impact = given[.impact] { values["impact"] = .text(impact) }
    }

    /// The names that a template of a kind may use.
    package static func names(of kind: SentMessage.Kind) -> TemplateNames {
        var names = TemplateNames(texts: [
            "severity", "incident", "title", "status", "duration", "rootCause", "service", "impact", "eta", "progress",
            "nextSteps", "resolution", "review", "updateMinutes",
        ])
        guard kind == .report else { return names }
        names.texts.formUnion(ReportFacts.names.texts)
        names.rows = ReportFacts.names.rows
        return names
    }

    /// Names of the incident that customers are not to read.
    package static func innerNames(of incident: Incident) -> [String] {
        var names = [incident.subject.path, incident.subject.cluster, incident.id.description, incident.checkGroup]
        names += incident.subject.path.split(separator: "/").map(String.init)
        for record in incident.findings {
            for contribution in record.finding.contributors {
                names.append(contribution.contributor)
                names += contribution.contributor.split(separator: "/").map(String.init)
            }
        }
        // A name that is a plain word, such as "shop", is the customers' too: only what no text holds by chance counts.
        var seen: Set<String> = []
        return names.filter { name in !name.allSatisfy(\.isLetter) && seen.insert(name).inserted }
    }

    static func status(_ state: IncidentState) -> String {
        switch state {
        case .detected, .investigating: "Investigating"
        case .identified: "Identified"
        case .monitoring: "Monitoring"
        case .resolved: "Resolved"
        }
    }

    private static func impact(_ incident: Incident) -> String {
        let open = incident.findings.filter(\.isOpen)
        guard let worst = open.max(by: { $0.assessment.severity < $1.assessment.severity }) else {
            return incident.title
        }
        return worst.finding.explanation
    }

    private static func progress(_ incident: Incident) -> String {
        guard let author = incident.acknowledgedBy else { return "nobody has acknowledged yet" }
        return "acknowledged by \(author)"
    }

    /// Recovery is a fact, what brought it about is not.
    private static func resolution(_ incident: Incident) -> String {
        guard !incident.isOpen else { return unknown }
        return incident.resolvedBy == .system ? "all checks have recovered; what ended it is not recorded" : unknown
    }
}
