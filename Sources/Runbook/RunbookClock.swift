import Detection
package import Incidents
import Signals
package import Telemetry

/// A line of the runbook's "First 5 Minutes" or "First 15 Minutes", and whether it is done.
package struct ChecklistItem: Hashable, Sendable {
    /// The step.
    package var step: RunbookClock.Step
    /// When it has to be done.
    package var dueAt: Timestamp
    /// When the evidence came; nil while there is none.
    package var doneAt: Timestamp?
    /// What shows that it is done; nil while nothing does.
    package var evidence: String?
    /// Whether it was done too late, or is not done and its time has passed.
    package var isLate: Bool
}

/// The runbook's checklists of one episode: steps tick when the event log holds their evidence.
package struct RunbookClock: Hashable, Sendable {
    /// The lines of the two lists, in their order.
    package enum Step: String, Sendable, CaseIterable {
        case acknowledge
        case assessSeverity
        case notifyOnCall
        case createTicket
        case gatherInformation
        case identifyComponents
        case determineScope
        case tellStakeholders

        /// The runbook's own words.
        package var title: String {
            switch self {
            case .acknowledge: "Acknowledge the alert"
            case .assessSeverity: "Assess severity level"
            case .notifyOnCall: "Notify on-call team"
            case .createTicket: "Create incident ticket"
            case .gatherInformation: "Gather initial information"
            case .identifyComponents: "Identify affected components"
            case .determineScope: "Determine scope of impact"
            case .tellStakeholders: "Communicate status to stakeholders"
            }
        }

        /// Minutes of the list it stands in: 5 or 15.
        package var listMinutes: Int {
            switch self {
            case .acknowledge, .assessSeverity, .notifyOnCall, .createTicket: 5
            case .gatherInformation, .identifyComponents, .determineScope, .tellStakeholders: 15
            }
        }
    }

    private struct Tick: Hashable, Sendable {
        var at: Timestamp
        var evidence: String
    }

    private var ticks: [Step: Tick] = [:]

    /// Makes a clock without evidence.
    package init() {}

    /// Folds one event of the incident.
    package mutating func apply(_ event: IncidentEvent) {
        let at = event.at
        switch event.kind {
        case .detected:
            start(event)
        case .reopened:
            ticks = [:]
            start(event)
        case .findingOpened(let finding, _), .findingUpdated(let finding, _):
            tick(.gatherInformation, at, "check \(finding.check): \(finding.explanation)")
            if let worst = finding.contributors.first {
                tick(.identifyComponents, at, worst.contributor)
            } else if finding.subject.kind != .workload {
                tick(.identifyComponents, at, finding.subject.path)
            }
            if finding.total > 0 { tick(.determineScope, at, "\(finding.affected) of \(finding.total) in breach") }
        case .severityChanged(_, let to, let entry):
            tick(.assessSeverity, at, "\(to) by \(entry.rule)")
        case .acknowledged(let author, let severity):
            tick(.acknowledge, at, "\(author) at \(severity)")
        case .delivered(let key, let channel):
            tick(.notifyOnCall, at, "\(channel) took \(key)")
        case .messageSent(let message):
            // A report is for the review, when all is over.
            guard message.kind != .report else { return }
            tick(.tellStakeholders, at, "\(message.author) sent the \(message.kind.rawValue) message")
        case .findingClosed, .noted, .stateChanged, .resolved, .paged, .joined, .parted, .impactChanged, .recoveryHeld,
            .silenceAdded, .silenceExpired:
            break
        }
    }

    /// The two lists at `now`.
    ///
    /// Their clock is that of the level's escalation: the steps of a P3 are late only after its response time. Of an
    /// incident that is over, what was never done counts as late when its time passed before the end.
    func checklist(of chain: EscalationChain, policy: EscalationPolicy, now: Timestamp) -> [ChecklistItem] {
        let level = policy[chain.severity ?? .p4]
        let start = level.clock == .detected ? chain.openedAt : chain.openedAt + level.respondWithin
        let last = chain.endedAt.map { min($0, now) } ?? now
        return Step.allCases.map { step in
            let dueAt = start + .seconds(60 * step.listMinutes)
            let tick = ticks[step]
            return ChecklistItem(
                step: step, dueAt: dueAt, doneAt: tick?.at, evidence: tick?.evidence,
                isLate: (tick?.at ?? last) > dueAt)
        }
    }

    private mutating func start(_ event: IncidentEvent) {
        // The incident is the ticket.
        tick(.createTicket, event.at, "\(event.incident)")
    }

    /// The first evidence counts.
    private mutating func tick(_ step: Step, _ at: Timestamp, _ evidence: String) {
        if ticks[step] == nil { ticks[step] = Tick(at: at, evidence: evidence) }
    }
}
