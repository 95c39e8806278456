package import Incidents
package import Telemetry

/// Escalation of all incidents: folds the event log, and says which pages are due.
///
/// A page becomes true by being recorded: the caller appends a `paged` event for each page and applies it. So a restart
/// that folds the log knows who was called, and what came due meanwhile is due now.
package struct EscalationMachine: Hashable, Sendable {
    /// Matrix, clocks and intervals; may be replaced at any time.
    package var policy: EscalationPolicy {
        didSet { for id in live { schedule(id) } }
    }
    /// Incidents whose escalation is over and that are still remembered for their checklist.
    ///
    /// Default 1000; beyond, the one with the lowest number goes.
    package let finishedMax: Int
    private var chains: [IncidentID: EscalationChain] = [:]
    private var clocks: [IncidentID: RunbookClock] = [:]
    private var live: Set<IncidentID> = []
    /// The next page of each live chain, by the policy in force.
    private var next = DueList()

    /// Makes a machine that knows no incident.
    package init(policy: EscalationPolicy, finishedMax: Int = 1000) {
        self.policy = policy
        self.finishedMax = max(0, finishedMax)
    }

    /// The calls of an incident; nil when it is unknown or long over.
    package func chain(of incident: IncidentID) -> EscalationChain? { chains[incident] }

    /// Folds one event.
    package mutating func apply(_ event: IncidentEvent) {
        let id = event.incident
        if chains[id] == nil {
            guard let chain = EscalationChain(event) else { return }
            chains[id] = chain
            clocks[id] = RunbookClock()
        } else {
            chains[id]?.apply(event)
        }
        clocks[id]?.apply(event)
        if chains[id]?.isOver == true {
            next.set(id, nil)
            if live.remove(id) != nil { forget() }
        } else {
            live.insert(id)
            if EscalationChain.isMoved(by: event.kind) { schedule(id) }
        }
    }

    private mutating func schedule(_ id: IncidentID) {
        next.set(id, chains[id]?.next(policy))
    }

    /// Pages that are due at `now` and not recorded yet, in the order in which they came due.
    ///
    /// - Parameter isHeld: incidents whose pages wait: a silence covers them, or another incident is their root. A
    ///   held page is due as soon as it is held no more, if its reason lasts. Ends are never held: who was told that it
    ///   began is told that it is over.
    package func due(at now: Timestamp, isHeld: (IncidentID) -> Bool = { _ in false }) -> [(IncidentID, Page)] {
        var pages: [(IncidentID, Page)] = []
        for entry in next.due(at: now) {
            let id = entry.incident
            // Asked for in each step as long as it is held: before its chain is copied.
            let held = isHeld(id)
            guard !held || entry.isEnd, var chain = chains[id] else { continue }
            while let page = chain.next(policy), page.dueAt <= now, !held || page.reason == .resolved {
                pages.append((id, page))
                let event = IncidentEvent(sequence: 0, incident: id, at: now, kind: .paged(page: page))
                chain.apply(event)
            }
        }
        return pages.sorted { ($0.1.dueAt, $0.0, $0.1.step) < ($1.1.dueAt, $1.0, $1.1.step) }
    }

    /// What will come for an incident unless something happens.
    package func pending(of incident: IncidentID) -> [Page] {
        guard let chain = chains[incident] else { return [] }
        return chain.pending(policy)
    }

    /// The runbook's two lists for an incident at `now`; empty when it is unknown.
    package func checklist(of incident: IncidentID, at now: Timestamp) -> [ChecklistItem] {
        guard let chain = chains[incident], let clock = clocks[incident] else { return [] }
        return clock.checklist(of: chain, policy: policy, now: now)
    }

    private mutating func forget() {
        let excess = chains.count - live.count - finishedMax
        guard excess > 0 else { return }
        for id in chains.keys.filter({ !live.contains($0) }).sorted().prefix(excess) {
            chains[id] = nil
            clocks[id] = nil
        }
    }
}
