import DequeModule
import SegmentSpool

/// Records that wait in memory for a disk that takes no writes, in the order of their sequences.
struct UnwrittenRecords {
    private(set) var records = Deque<SpoolRecord>()
    /// Bytes of the payloads.
    private(set) var bytes = 0

    var isEmpty: Bool { records.isEmpty }
    var first: SpoolRecord? { records.first }
    var last: SpoolRecord? { records.last }
    var samples: Int { records.reduce(0) { $0 + Int($1.entry.sampleCount) } }

    /// Takes a record, and gives those back that have to make room for it: the oldest.
    mutating func append(_ record: SpoolRecord, bytesMax: Int) -> [SpoolRecord] {
        records.append(record)
        bytes += Self.size(record)
        var gone: [SpoolRecord] = []
        while bytes > bytesMax, let first = removeFirst() { gone.append(first) }
        return gone
    }

    @discardableResult
    mutating func removeFirst() -> SpoolRecord? {
        guard let record = records.popFirst() else { return nil }
        bytes -= Self.size(record)
        return record
    }

    /// Takes one out, wherever it is.
    mutating func remove(_ sequence: UInt64) -> SpoolRecord? {
        guard let index = records.firstIndex(where: { $0.sequence == sequence }) else { return nil }
        let record = records.remove(at: index)
        bytes -= Self.size(record)
        return record
    }

    mutating func removeAll(through sequence: UInt64) {
        while let first, first.sequence <= sequence { removeFirst() }
    }

    /// Gives them the sequences of another session.
    mutating func renumber(after last: UInt64) {
        for (place, index) in records.indices.enumerated() { records[index].sequence = last + 1 + UInt64(place) }
    }

    /// Consecutive records from the first of a range on; empty when that one is not here.
    func read(_ range: ClosedRange<UInt64>, recordsMax: Int, bytesMax: Int) -> [SpoolRecord] {
        guard let start = records.firstIndex(where: { $0.sequence == range.lowerBound }) else { return [] }
        var taken: [SpoolRecord] = []
        var size = 0
        for record in records[start...].prefix(recordsMax) {
            size += record.entry.payload.count
            guard record.sequence == range.lowerBound + UInt64(taken.count), record.sequence <= range.upperBound,
                taken.isEmpty || size <= bytesMax
            else { break }
            taken.append(record)
        }
        return taken
    }

    /// What a record takes in memory; an empty payload must count as well.
    private static func size(_ record: SpoolRecord) -> Int { record.entry.payload.count + 96 }
}
