import Detection
import Incidents
import QueryWire
import Signals
import Telemetry

extension IncidentView {
    /// An incident as the query service shows it at a time.
    ///
    /// - Parameter consequences: `IncidentBook.consequences`.
    init(_ incident: Incident, in book: IncidentBook, consequences: [IncidentID: [Incident]], at now: Timestamp) {
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
        version = incident.version
        rootReasons = incident.rootReasons
        self.consequences = (consequences[incident.id] ?? []).filter(\.isOpen).map(\.id.description)
        impacted = incident.impact.workloads
        flaps = incident.flaps
        heldUntil = incident.heldUntil
        let silence = incident.isOpen ? book.silence(of: incident, at: now) : nil
        silencedBy = silence?.id.description
        silencedUntil = silence?.endsAt
        findings = incident.findings.map { FindingView($0) }
    }
}

extension IncidentBook {
    /// Incidents as the query service shows them at a time.
    func views(of incidents: [Incident], at now: Timestamp) -> [IncidentView] {
        let consequences = self.consequences
        return incidents.map { IncidentView($0, in: self, consequences: consequences, at: now) }
    }
}

extension SilenceView {
    /// A silence as the query service shows it.
    init(_ silence: Silence) {
        var matcher = Matcher()
        matcher.cluster = silence.matcher.cluster ?? ""
        matcher.subject = silence.matcher.subject ?? ""
        matcher.checkGroup = silence.matcher.checkGroup ?? ""
        matcher.family = silence.matcher.family?.rawValue ?? ""
        matcher.severityAtMost = silence.matcher.severityAtMost?.description ?? ""
        self.init(
            id: silence.id.description, kind: silence.kind.rawValue, matcher: matcher, author: silence.author,
            reason: silence.reason, createdAt: silence.createdAt, startsAt: silence.startsAt, endsAt: silence.endsAt)
        expiredBy = silence.expiredBy
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
    init(_ incident: Incident, in book: IncidentBook, at now: Timestamp) {
        self.init(
            incident: IncidentView(incident, in: book, consequences: book.consequences, at: now),
            ledger: incident.ledger.map { LedgerView($0) },
            timeline: incident.timeline.map {
                TimelineView(at: $0.at, sequence: $0.sequence, kind: $0.kind, author: $0.author, text: $0.text)
            })
    }
}

extension LedgerView {
    /// An entry of the ledger with the parts of its reasoning.
    init(_ entry: LedgerEntry) {
        self.init(
            at: entry.at, severity: entry.severity.description, check: entry.check, rule: entry.rule,
            because: entry.because, sentence: entry.sentence)
        cause = entry.cause
        previous = entry.previous?.description
        previousSince = entry.previousSince
        guard let reasoning = entry.reasoning else { return }
        steps = reasoning.steps.map {
            Step(rule: $0.origin, severity: $0.severity.description, because: $0.because, unmet: $0.unmet)
        }
        figures = reasoning.figures.map {
            Figure(name: $0.name, text: $0.text, selector: $0.source?.selector, at: $0.source?.at)
        }
        wouldBe = reasoning.wouldBe.map {
            Alternative(severity: $0.severity.description, conditions: $0.conditions)
        }
        until = reasoning.until.map { Until(severity: $0.severity.description, at: $0.at, lasted: $0.lasted) }
    }
}
