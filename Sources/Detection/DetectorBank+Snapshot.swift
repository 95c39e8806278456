import Telemetry

extension DetectorBank {
    /// The detectors' state as it is kept over a restart; the checks in it are those in force when it was taken.
    ///
    /// Its form has a version. A later version of Tocsin reads every earlier form; detectors that it cannot read (of a
    /// measure that is gone) begin anew, and are counted. A form that is newer than this Tocsin is refused whole.
    package struct Snapshot: Sendable, Hashable {
        /// One subject's state.
        struct Item: Sendable, Hashable {
            var subject: Subject
            var lastPointAt: Timestamp
            var detectors: [ThresholdDetector]
        }

        /// The form that this Tocsin writes.
        package static let version = 1

        var items: [Item]
        /// Detectors that could not be read.
        package private(set) var unreadable = 0
    }

    /// The state now, ascending by subject.
    package var snapshot: Snapshot {
        Snapshot(
            items: indexBySubject.sorted { $0.key < $1.key }.map { subject, index in
                let entry = entries[index]
                return Snapshot.Item(
                    subject: subject, lastPointAt: entry.lastPointAt, detectors: entry.detectors)
            })
    }

    /// Puts a snapshot in place of all state.
    ///
    /// Definitions of checks that have changed since are taken over by the next `replaceChecks`, which also makes the
    /// detectors that are missing.
    package mutating func restore(_ snapshot: Snapshot) {
        entries = []
        freeEntries = []
        indexBySubject = [:]
        counts.detectors = 0
        pool = CheckPool()
        for item in snapshot.items {
            var detectors = item.detectors
            for position in detectors.indices {
                detectors[position].share(pool.shared(detectors[position].check))
            }
            _ = insert(item.subject, detectors, at: item.lastPointAt)
        }
    }
}

extension DetectorBank.Snapshot: Codable {
    private enum CodingKeys: CodingKey {
        case version, items
    }

    /// Reads a snapshot of this or an earlier version.
    ///
    /// Throws `DecodingError` when the version is newer than this Tocsin's, and when a subject cannot be read; a
    /// detector that cannot be read is left out and counted in `unreadable`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let version = try container.decodeIfPresent(Int.self, forKey: .version) ?? 1
        guard version <= Self.version else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: container,
                debugDescription: "detector state of version \(version), this Tocsin knows up to \(Self.version)")
        }
        let kept = try container.decode([KeptItem].self, forKey: .items)
        items = kept.map(\.item)
        unreadable = kept.reduce(0) { $0 + $1.unreadable }
    }

    /// Writes the form of the current version; throws only what the encoder does.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode(items.map { KeptItem(item: $0) }, forKey: .items)
    }
}

/// A subject's state in a snapshot.
private struct KeptItem: Codable {
    var item: DetectorBank.Snapshot.Item
    var unreadable = 0

    private enum CodingKeys: CodingKey {
        case subject, lastPointAt, wasComplete, detectors
    }

    init(item: DetectorBank.Snapshot.Item) {
        self.item = item
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let read = try container.decode([ReadDetector].self, forKey: .detectors)
        let complete = try container.decode([Bool].self, forKey: .wasComplete)
        guard read.count == complete.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .wasComplete, in: container,
                debugDescription: "\(complete.count) of \(read.count) detectors")
        }
        let detectors = zip(read, complete).compactMap { read, isComplete -> ThresholdDetector? in
            var detector = read.detector
            detector?.wasComplete = isComplete
            return detector
        }
        item = DetectorBank.Snapshot.Item(
            subject: try container.decode(Subject.self, forKey: .subject),
            lastPointAt: try container.decode(Timestamp.self, forKey: .lastPointAt),
            detectors: detectors)
        unreadable = read.count - detectors.count
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(item.subject, forKey: .subject)
        try container.encode(item.lastPointAt, forKey: .lastPointAt)
        try container.encode(item.detectors.map(\.wasComplete), forKey: .wasComplete)
        try container.encode(item.detectors, forKey: .detectors)
    }
}

/// A detector of a snapshot, nil where this version cannot read it.
private struct ReadDetector: Decodable {
    let detector: ThresholdDetector?

    init(from decoder: any Decoder) throws {
        do {
            detector = try ThresholdDetector(from: decoder)
        } catch {
            // Its loss is counted by whoever reads the list.
            detector = nil
        }
    }
}
