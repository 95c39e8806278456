import Signals
import Telemetry

/// How subjects come by their detectors.
extension DetectorBank {
    /// Makes a subject's entry, without detectors; nil, and counted, when it has no checks or there is no room.
    mutating func makeEntry(for subject: Subject, at time: Timestamp) -> Int? {
        let checks = checks(subject)
        guard !checks.isEmpty else { return nil }
        guard counts.detectors < configuration.detectorsMax else {
            counts.refused += 1
            return nil
        }
        return insert(subject, [], at: time)
    }

    /// Puts detectors, whose checks are of the pool, in an entry of their own.
    mutating func insert(_ subject: Subject, _ detectors: [ThresholdDetector], at time: Timestamp) -> Int {
        let entry = Entry(subject: subject, detectors: detectors, lastPointAt: time, plan: 0)
        counts.detectors += detectors.count
        let index: Int
        if let reused = freeEntries.popLast() {
            index = reused
            entries[index] = entry
        } else {
            index = entries.count
            entries.append(entry)
        }
        indexBySubject[subject] = index
        plan(index, checks(subject))
        return index
    }

    /// Finds out which of an entry's detectors watch what, and what others its subject may come to have.
    mutating func plan(_ index: Int, _ checks: [Check]) {
        let made = entries[index].detectors.map(\.shared)
        var signals = Set(made.map(\.check.signal))
        let unmade = checks.map(\.signal).filter { signals.insert($0).inserted }
        entries[index].plan = pool.plan(for: made, unmade: unmade)
    }

    /// Makes idle detectors for all checks of some signals, in the order of the subject's checks.
    ///
    /// - Returns: false, and counted, when there is no room.
    mutating func makeDetectors(for signals: Set<SignalName>, in index: Int) -> Bool {
        guard let subject = entries[index].subject else { return false }
        let made = Set(entries[index].detectors.map(\.shared.check.signal))
        let checks = checks(subject)
        let wanted = signals.subtracting(made)
        let count = checks.count { wanted.contains($0.signal) }
        guard count > 0, counts.detectors + count <= configuration.detectorsMax else {
            counts.refused += count > 0 ? 1 : 0
            return false
        }
        // Those that are there stay in their order, be they of these checks or of others.
        var known = entries[index].detectors[...]
        var detectors: [ThresholdDetector] = []
        detectors.reserveCapacity(known.count + count)
        for check in checks {
            if wanted.contains(check.signal) {
                detectors.append(ThresholdDetector(subject: subject, shared: pool.shared(check)))
            } else if let place = known.firstIndex(where: { $0.check.name == check.name }) {
                detectors += known[...place]
                known = known[(place + 1)...]
            }
        }
        entries[index].detectors = detectors + known
        counts.detectors += count
        plan(index, checks)
        return true
    }

    /// Where the detector of a check is, made when its subject has none of its signal; nil when there is no such check.
    mutating func position(of check: String, in index: Int) -> Int? {
        func known() -> Int? { entries[index].detectors.firstIndex { $0.check.name == check } }
        if let position = known() { return position }
        guard let subject = entries[index].subject, let wanted = checks(subject).first(where: { $0.name == check }),
            makeDetectors(for: [wanted.signal], in: index)
        else { return nil }
        return known()
    }
}
