import Incidents
import QueryWire
import Runbook
import Telemetry

extension IncidentDetailView {
    /// Adds what escalation and the runbook's clock say of the incident at `now`.
    mutating func add(_ escalation: EscalationMachine, of id: IncidentID, at now: Timestamp) {
        self.escalation = escalation.pending(of: id).map { page in
            PendingPageView(
                key: page.key, reason: page.reason.rawValue, severity: page.severity.description, step: page.step,
                roles: page.roles, dueAt: page.dueAt)
        }
        checklist = escalation.checklist(of: id, at: now).map { item in
            var view = ChecklistView(
                step: item.step.rawValue, title: item.step.title, listMinutes: item.step.listMinutes,
                dueAt: item.dueAt, isLate: item.isLate)
            (view.doneAt, view.evidence) = (item.doneAt, item.evidence)
            return view
        }
        respondBy = escalation.chain(of: id)?.respondBy(escalation.policy)
    }
}

extension DeadLetterView {
    /// A notice that was given up.
    init(_ entry: OutboxEntry) {
        self.init(
            key: entry.notice.key, channel: entry.channel, incident: entry.notice.incident.description,
            title: entry.notice.title, reason: entry.failure ?? "", attempts: entry.attempts,
            createdAt: entry.createdAt, givenUpAt: entry.endedAt ?? entry.createdAt)
    }
}
