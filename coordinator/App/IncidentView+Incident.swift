import Detection
import Incidents
import QueryWire
import Signals
import Telemetry

extension IncidentView {
    /// An incident as the query service shows it.
    init(_ incident: Incident) {
        self.init(
            id: incident.id.description, title: incident.title, family: incident.family.rawValue,
            checkGroup: incident.checkGroup, severity: incident.severity.description, state: incident.state.rawValue,
            cluster: incident.subject.cluster, subject: incident.subject.path, openedAt: incident.openedAt,
            detectedAt: incident.detectedAt, onsetAt: incident.onsetAt)
        acknowledgedAt = incident.acknowledgedAt
        acknowledgedBy = incident.acknowledgedBy
        resolvedAt = incident.resolvedAt
        cause = incident.cause
        root = incident.root?.description
        episode = incident.episode
        findings = incident.findings.map { FindingView($0) }
    }
}

extension FindingView {
    /// A finding of an incident as the query service shows it.
    init(_ finding: IncidentFinding) {
        let inner = finding.finding
        self.init(
            check: inner.check, phase: (finding.isOpen ? inner.phase : .closed).rawValue, at: inner.at,
            onsetAt: inner.onsetAt, value: inner.value, worstValue: inner.worstValue, threshold: inner.threshold,
            affected: inner.affected, total: inner.total, explanation: inner.explanation,
            contributors: inner.contributors.map(\.contributor))
    }
}

extension IncidentDetailView {
    /// An incident with its ledger and timeline.
    init(_ incident: Incident) {
        self.init(
            incident: IncidentView(incident),
            ledger: incident.ledger.map {
                LedgerView(
                    at: $0.at, severity: $0.severity.description, check: $0.check, rule: $0.rule, because: $0.because,
                    sentence: $0.sentence)
            },
            timeline: incident.timeline.map {
                TimelineView(at: $0.at, sequence: $0.sequence, kind: $0.kind, author: $0.author, text: $0.text)
            })
    }
}
