package import Telemetry

extension IncidentBook {
    /// What the time alone leads to: ends that were held back, consequences that outlast their root.
    ///
    /// To be asked at every step of the clock.
    package func settle(now: Timestamp) -> [IncidentEvent.Draft] {
        unsettled.sorted().flatMap { id -> [IncidentEvent.Draft] in
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
