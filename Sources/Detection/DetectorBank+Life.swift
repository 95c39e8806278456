package import Telemetry

extension DetectorBank {
    /// The detectors' state, for a snapshot; the checks in it are those in force when it was taken.
    package struct Snapshot: Sendable, Codable, Hashable {
        /// One subject's state.
        struct Item: Sendable, Codable, Hashable {
            var subject: Subject
            var lastPointAt: Timestamp
            var wasComplete: [Bool]
            var detectors: [ThresholdDetector]
        }

        var items: [Item]
    }

    /// The state now, ascending by subject.
    package var snapshot: Snapshot {
        Snapshot(
            items: indexBySubject.sorted { $0.key < $1.key }.map { subject, index in
                let entry = entries[index]
                return Snapshot.Item(
                    subject: subject, lastPointAt: entry.lastPointAt, wasComplete: entry.wasComplete,
                    detectors: entry.detectors)
            })
    }

    /// Puts a snapshot in place of all state.
    ///
    /// Definitions of checks that have changed since are taken over by the next `replaceChecks`.
    package mutating func restore(_ snapshot: Snapshot) {
        entries = []
        freeEntries = []
        indexBySubject = [:]
        counts.detectors = 0
        for item in snapshot.items where item.wasComplete.count == item.detectors.count {
            let index = insert(item.subject, item.detectors, at: item.lastPointAt)
            entries[index].wasComplete = item.wasComplete
        }
    }

    /// Makes detectors for findings that stood before a restart, so that they neither open anew nor resolve unseen.
    ///
    /// - Returns: those that no check in force is named for, or that found no room; their incidents are the caller's to
    ///   end.
    package mutating func restore(open findings: [OpenFinding], at now: Timestamp) -> [OpenFinding] {
        var orphans: [OpenFinding] = []
        for finding in findings {
            guard let index = entryForRestoring(finding.subject, at: now),
                let position = entries[index].detectors.firstIndex(where: { $0.check.name == finding.check })
            else {
                orphans.append(finding)
                continue
            }
            let check = entries[index].detectors[position].check
            entries[index].detectors[position] = ThresholdDetector(
                subject: finding.subject, check: check, openSince: finding.onsetAt)
        }
        return orphans
    }

    private mutating func entryForRestoring(_ subject: Subject, at now: Timestamp) -> Int? {
        if let index = indexBySubject[subject] { return index }
        let checks = checks(subject)
        guard !checks.isEmpty, counts.detectors + checks.count <= configuration.detectorsMax else { return nil }
        return insert(subject, checks.map { ThresholdDetector(subject: subject, check: $0) }, at: now)
    }

    /// Closes findings of subjects that are gone and drops detectors nobody needs; call it about once a minute.
    package mutating func advance(to now: Timestamp) -> [Finding] {
        if let sweptAt, now - sweptAt < .seconds(10) { return [] }
        sweptAt = now
        var findings: [Finding] = []
        for (subject, index) in indexBySubject.sorted(by: { $0.key < $1.key }) {
            for position in entries[index].detectors.indices {
                if let finding = abandonIfGone(index, position, now) {
                    counts.abandoned += 1
                    findings.append(finding)
                }
            }
            let isNeeded = entries[index].detectors.contains(where: \.isOpen)
            if !isNeeded, now - entries[index].lastPointAt >= configuration.forgetAfter { evict(subject, index) }
        }
        return findings
    }

    private mutating func abandonIfGone(_ index: Int, _ position: Int, _ now: Timestamp) -> Finding? {
        let detector = entries[index].detectors[position]
        guard detector.isOpen else { return nil }
        // One that was restored and never had a point waits from the moment it was restored, like a silent one.
        let last = detector.lastPointAt ?? entries[index].lastPointAt
        let quiet = now - last
        let time = FigureText.time(last, day: now)
        if entries[index].wasComplete[position], quiet >= configuration.goneAfter {
            return entries[index].detectors[position].abandon(
                at: now, because: "Gone: all that reported it ended, the last at \(time).")
        }
        guard quiet >= configuration.silentAfter else { return nil }
        let duration = FigureText.duration(quiet)
        return entries[index].detectors[position].abandon(
            at: now, because: "No data for \(duration), since \(time): closed without proof of a recovery.")
    }

    private mutating func evict(_ subject: Subject, _ index: Int) {
        counts.evicted += entries[index].detectors.count
        counts.detectors -= entries[index].detectors.count
        entries[index].detectors = []
        entries[index].wasComplete = []
        indexBySubject[subject] = nil
        freeEntries.append(index)
    }

    /// Puts other checks in force.
    ///
    /// Detectors of checks that keep their name go on with the new definition; findings of checks that are no longer
    /// there close, and say so.
    package mutating func replaceChecks(at now: Timestamp, _ changed: @escaping ChecksOfSubject) -> [Finding] {
        checks = changed
        var findings: [Finding] = []
        for (subject, index) in indexBySubject.sorted(by: { $0.key < $1.key }) {
            var old = entries[index]
            var entry = Entry(detectors: [], lastPointAt: old.lastPointAt, wasComplete: [])
            for check in changed(subject) {
                if let position = old.detectors.firstIndex(where: { $0.check.name == check.name }) {
                    var detector = old.detectors.remove(at: position)
                    detector.replaceCheck(check)
                    entry.detectors.append(detector)
                    entry.wasComplete.append(old.wasComplete.remove(at: position))
                } else {
                    entry.detectors.append(ThresholdDetector(subject: subject, check: check))
                    entry.wasComplete.append(false)
                }
            }
            for position in old.detectors.indices {
                let reason = "The check \(old.detectors[position].check.name) is no longer configured."
                if let finding = old.detectors[position].abandon(at: now, because: reason) {
                    counts.abandoned += 1
                    findings.append(finding)
                }
            }
            counts.detectors += entry.detectors.count - entries[index].detectors.count
            entries[index] = entry
        }
        return findings
    }

    /// The findings that stand, ascending by subject, as `restore(open:at:)` takes them.
    package var openFindings: [OpenFinding] {
        indexBySubject.sorted { $0.key < $1.key }.flatMap { subject, index in
            entries[index].detectors.filter(\.isOpen).compactMap { detector in
                detector.onsetAt.map { OpenFinding(subject: subject, check: detector.check.name, onsetAt: $0) }
            }
        }
    }
}
