package import Telemetry

extension IncidentBook {
    /// What time may do to an incident hangs on.
    struct Unsettled: Hashable, Sendable {
        var heldUntil: Timestamp?
        var root: IncidentID?
    }

    /// Open incidents that time alone may change.
    package var unsettled: Set<IncidentID> { Set(unsettledByID.keys) }

    /// What the time alone leads to: ends that were held back, consequences that outlast their root.
    ///
    /// To be asked at every step of the clock.
    package func settle(now: Timestamp) -> [IncidentEvent.Draft] {
        let due = unsettledByID.filter { isDue($0.value, now: now) }.keys
        return due.sorted().flatMap { id -> [IncidentEvent.Draft] in
            guard let incident = incidents[id] else { return [] }
            var script = Script(incident, now: now)
            if let until = incident.heldUntil, until <= now {
                script.add(.resolved(by: .system, cause: nil))
            } else if let root = incident.root, let reason = reasonToPart(from: root, now: now) {
                script.add(.parted(root: root, because: reason))
            }
            return script.drafts
        }
    }

    /// Whether it is time to look into an incident.
    private func isDue(_ unsettled: Unsettled, now: Timestamp) -> Bool {
        if let until = unsettled.heldUntil, until <= now { return true }
        guard let root = unsettled.root else { return false }
        // A root without an end is open, or no longer in memory.
        guard let end = ends[root] else { return incidents.index(forKey: root) == nil }
        return now - end >= configuration.consequencesOutlast
    }

    private func reasonToPart(from id: IncidentID, now: Timestamp) -> String? {
        guard let root = incidents[id] else { return "\(id) was resolved long ago, and this is still open" }
        guard let end = root.resolvedAt, now - end >= configuration.consequencesOutlast else { return nil }
        return "\(id) has been resolved for \(PlainText.duration(now - end)), and this is still open"
    }

    /// Whether a recovery now is to be doubted: the incident was opened too often lately, or flaps already.
    func flaps(_ incident: Incident, now: Timestamp) -> Bool {
        if incident.flaps > 0 { return true }
        let recent = incident.recentOpenings.count { now - $0 <= configuration.flapWithin }
        return recent >= configuration.flapOpenings
    }
}
