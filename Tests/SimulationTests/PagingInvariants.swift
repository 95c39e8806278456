import Incidents
import Runbook
import Telemetry

/// What must hold of the pages whatever happens, judged from the events alone.
struct PagingInvariants {
    /// Who was told what of one incident's current episode.
    private struct Told {
        var severity: Severity?
        var acknowledged: Severity?
        /// Last sign of a person after an acknowledgement.
        var heardAt: Timestamp?
        var wasAnnounced = false
        var ends = 0
        var isOpen = true
    }

    private let policy: EscalationPolicy
    private var told: [IncidentID: Told] = [:]
    private var keys: Set<String> = []

    init(policy: EscalationPolicy) {
        self.policy = policy
    }

    /// Judges an event; `isHeld` says whether a silence or a root holds the incident's pages at that moment.
    mutating func take(_ event: IncidentEvent, isHeld: Bool) -> String? {
        guard event.incident != .none else { return nil }
        var state = told[event.incident] ?? Told()
        defer { told[event.incident] = state }
        switch event.kind {
        case .reopened:
            if let reason = unfinished(state) { return reason }
            state = Told()
        case .severityChanged(_, let to, _): state.severity = to
        case .acknowledged(_, let severity): (state.acknowledged, state.heardAt) = (severity, event.at)
        case .noted, .stateChanged: state.heardAt = event.at
        case .resolved: state.isOpen = false
        case .paged(let page):
            if !keys.insert(page.key).inserted { return "page \(page.key) is called twice" }
            if page.reason != .resolved, isHeld { return "page \(page.key) is called although it is held" }
            return judge(page, &state, at: event.at)
        default: break
        }
        return nil
    }

    private func judge(_ page: Page, _ state: inout Told, at time: Timestamp) -> String? {
        switch page.reason {
        case .resolved:
            state.ends += 1
            if state.isOpen { return "told of an end that is none" }
            if !state.wasAnnounced { return "told of the end of what nobody was told of" }
            return state.ends > 1 ? "told of its end twice" : nil
        case .retriggered:
            guard let acknowledged = state.acknowledged, let heardAt = state.heardAt else {
                return "nobody fell silent"
            }
            guard let wait = policy[page.severity].retriggerAfter, time - heardAt >= wait else {
                return "called again before silence lasted, acknowledged at \(acknowledged)"
            }
            state.acknowledged = nil
        case .opened, .raised, .escalated:
            if let acknowledged = state.acknowledged, page.severity <= acknowledged {
                return "\(page.reason.rawValue) at \(page.severity), acknowledged at \(acknowledged)"
            }
        case .promiseMissed: break
        }
        if !state.isOpen { return "\(page.reason.rawValue) after the end" }
        if page.severity != state.severity { return "called at \(page.severity), which is not its level" }
        state.wasAnnounced = true
        return nil
    }

    private func unfinished(_ state: Told) -> String? {
        state.wasAnnounced && state.ends != 1 ? "an announced episode has \(state.ends) ends" : nil
    }

    /// An announced episode without its end although all has recovered.
    var unfinished: String? {
        told.sorted { $0.key < $1.key }.lazy.compactMap { id, state in unfinished(state).map { "\(id): \($0)" } }.first
    }
}
