package import Telemetry

extension DetectorBank {
    /// The models of all detectors that learn for longer than a restart reads samples back: what is usual, leaks,
    /// levels, courses.
    ///
    /// Of them the models alone count: whether a finding stands is what the incidents' log says.
    package var learned: Snapshot {
        var snapshot = snapshot
        snapshot.items = snapshot.items.compactMap { item in
            var item = item
            item.detectors.removeAll { !$0.check.isLearned || $0.measured == nil }
            return item.detectors.isEmpty ? nil : item
        }
        return snapshot
    }

    /// Gives models to the detectors that learned them, before anything else is given to the bank.
    ///
    /// Cells that a model has seen are passed over when they come again. A detector whose check is gone, or learns
    /// otherwise by now, begins anew.
    ///
    /// - Returns: how many models were taken over, and how many were not.
    package mutating func restore(learned snapshot: Snapshot, at now: Timestamp) -> (taken: Int, left: Int) {
        var (taken, left) = (0, snapshot.unreadable)
        for item in snapshot.items {
            let entry = indexBySubject[item.subject] ?? makeEntry(for: item.subject, at: now)
            for kept in item.detectors {
                guard let entry, let position = position(of: kept.check.name, in: entry),
                    entries[entry].detectors[position].learn(from: kept)
                else {
                    left += 1
                    continue
                }
                taken += 1
            }
        }
        return (taken, left)
    }
}

extension ThresholdDetector {
    /// Takes another's model over; false, and nothing changes, where it is of another signal or measure.
    mutating func learn(from other: ThresholdDetector) -> Bool {
        guard check.isLearned, other.check.isLearned, other.check.measure == check.measure,
            other.check.signal == check.signal, let model = other.measured
        else { return false }
        // Of a quantile what is usual alone: its window is read back.
        if case .quantile(let slow) = model {
            measured = .quantile(slow.emptied)
            return true
        }
        measured = model
        skip(to: other.lastPointAt)
        return true
    }
}

extension Check {
    /// Whether its model grows over hours to weeks, and is worth keeping over a restart.
    var isLearned: Bool {
        switch measure {
        case .timeToExhaustion, .deviation, .shift, .surprise: true
        case .signal: timesUsual != nil
        case .burnRate: false
        }
    }
}

extension DetectorBank.Snapshot {
    /// Each subject's state by itself, so that a writer need not hold all of the text at once.
    package var parts: [DetectorBank.Snapshot] { items.map { DetectorBank.Snapshot(items: [$0]) } }

    /// Joins parts in their order.
    package init(joining parts: [DetectorBank.Snapshot]) {
        self.init(items: parts.flatMap(\.items), unreadable: parts.reduce(0) { $0 + $1.unreadable })
    }

    /// Subjects in it.
    package var subjects: Int { items.count }
}
