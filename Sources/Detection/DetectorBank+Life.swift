package import Telemetry

extension DetectorBank {
    /// Makes detectors for findings that stood before a restart, so that they neither open anew nor resolve unseen.
    ///
    /// - Returns: those that no check in force is named for, or that found no room; their incidents are the caller's to
    ///   end.
    package mutating func restore(open findings: [OpenFinding], at now: Timestamp) -> [OpenFinding] {
        var orphans: [OpenFinding] = []
        for finding in findings {
            guard let index = indexBySubject[finding.subject] ?? makeEntry(for: finding.subject, at: now),
                let position = position(of: finding.check, in: index)
            else {
                orphans.append(finding)
                continue
            }
            let known = entries[index].detectors[position]
            entries[index].detectors[position] = ThresholdDetector(
                subject: finding.subject, shared: known.shared, openSince: finding.onsetAt)
            entries[index].detectors[position].wasComplete = known.wasComplete
            _ = entries[index].detectors[position].learn(from: known)
        }
        return orphans
    }

    /// Takes over the onsets that have been told of findings that stand.
    package mutating func keepOnsets(of findings: [OpenFinding]) {
        for finding in findings {
            guard let index = indexBySubject[finding.subject],
                let position = entries[index].detectors.firstIndex(where: { $0.check.name == finding.check })
            else { continue }
            entries[index].detectors[position].keepOnset(finding.onsetAt)
        }
    }

    /// Closes findings of subjects that are gone and drops detectors nobody needs; call it about once a minute.
    package mutating func advance(to now: Timestamp) -> [Finding] {
        if let sweptAt, now - sweptAt < .seconds(10) { return [] }
        sweptAt = now
        var findings: [Finding] = []
        // Hardly any subject has something to do: all are asked every ten seconds, and few are put in order.
        let due = indexBySubject.filter { _, index in
            entries[index].hasOpen || now - entries[index].lastPointAt >= configuration.forgetAfter
        }
        for (subject, index) in due.sorted(by: { $0.key < $1.key }) {
            for position in entries[index].detectors.indices {
                if let finding = abandonIfGone(index, position, now) {
                    counts.abandoned += 1
                    findings.append(finding)
                }
            }
            if !entries[index].hasOpen, now - entries[index].lastPointAt >= configuration.forgetAfter {
                evict(subject, index)
            }
        }
        return findings
    }

    private mutating func abandonIfGone(_ index: Int, _ position: Int, _ now: Timestamp) -> Finding? {
        guard entries[index].detectors[position].isOpen else { return nil }
        let detector = entries[index].detectors[position]
        // One that was restored and never had a point waits from the moment it was restored, like a silent one.
        let last = detector.lastPointAt ?? entries[index].lastPointAt
        let quiet = now - last
        let time = FigureText.time(last, day: now)
        if detector.wasComplete, quiet >= configuration.goneAfter {
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
        let lastPointAt = entries[index].lastPointAt
        entries[index] = Entry(subject: nil, detectors: [], lastPointAt: lastPointAt, plan: 0)
        indexBySubject[subject] = nil
        freeEntries.append(index)
    }

    /// Puts other checks in force.
    ///
    /// Detectors of checks that keep their name go on with the new definition; findings of checks that are no longer
    /// there close, and say so.
    package mutating func replaceChecks(at now: Timestamp, _ changed: @escaping ChecksOfSubject) -> [Finding] {
        checks = changed
        pool = CheckPool()
        var findings: [Finding] = []
        for (subject, index) in indexBySubject.sorted(by: { $0.key < $1.key }) {
            var old = entries[index].detectors
            var detectors: [ThresholdDetector] = []
            let checks = changed(subject)
            // What the subject has shown, and what a check that it has watches from now on.
            let signals = Set(old.map(\.check.signal)).union(
                checks.filter { check in old.contains { $0.check.name == check.name } }.map(\.signal))
            for check in checks where signals.contains(check.signal) {
                let shared = pool.shared(check)
                if let position = old.firstIndex(where: { $0.check.name == check.name }) {
                    var detector = old.remove(at: position)
                    detector.replaceCheck(shared)
                    detectors.append(detector)
                } else {
                    detectors.append(ThresholdDetector(subject: subject, shared: shared))
                }
            }
            for position in old.indices {
                let reason = "The check \(old[position].check.name) is no longer configured."
                if let finding = old[position].abandon(at: now, because: reason) {
                    counts.abandoned += 1
                    findings.append(finding)
                }
            }
            counts.detectors += detectors.count - entries[index].detectors.count
            entries[index].detectors = detectors
            plan(index, checks)
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

extension DetectorBank.Entry {
    /// Whether any finding stands; copies no detector.
    fileprivate var hasOpen: Bool {
        detectors.withUnsafeBufferPointer { detectors in
            detectors.indices.contains { detectors[$0].phase == .open || detectors[$0].phase == .leaving }
        }
    }
}
