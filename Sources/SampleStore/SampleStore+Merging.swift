import GRDB
import SQLiteFile
import SampleCodec
import Synchronization
import Telemetry

extension SampleStore {
    /// Groups merged in one step.
    private static let stepGroupsMax = 16
    /// A window with more samples of one group than this keeps its chunks as they are.
    private static let mergeSamplesMax = 4_000_000

    /// Merges the chunks of groups in windows that have ended.
    func mergeChunks(now: Timestamp, policy: CompactionPolicy) throws -> CompactionReport {
        let windows = try file.readBlocking { database in
            try Int64.fetchAll(database, sql: "SELECT DISTINCT window FROM chunks ORDER BY window")
        }
        let settled = compactor.settled.withLock { settled in
            // Retention ends windows.
            settled.formIntersection(windows)
            return settled
        }
        let before = (now - policy.windowAge).millis
        for window in windows where !settled.contains(window) && window + Chunk.windowMillis <= before {
            let keys = try file.readBlocking { try Self.mergeable(window, writtenBefore: before, $0) }
            guard !keys.isEmpty else {
                let isQuiet = try file.readBlocking { try Self.isQuiet(window, since: before, $0) }
                if isQuiet { compactor.settled.withLock { _ = $0.insert(window) } }
                continue
            }
            var report = CompactionReport()
            for key in keys { report.add(try merge(key, now: now)) }
            return report
        }
        return CompactionReport()
    }

    private static func mergeable(
        _ window: Int64, writtenBefore: Int64, _ database: Database
    ) throws -> [Chunk.Key] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT group_id FROM chunks INDEXED BY chunks_by_window WHERE window = ? GROUP BY group_id
                HAVING count(*) > max(1, 2 * (sum(samples) / ?)) AND sum(samples) <= ? AND max(written_at) <= ?
                LIMIT ?
                """, arguments: [window, Chunk.samplesMax / 2, mergeSamplesMax, writtenBefore, stepGroupsMax]
        ).map { Chunk.Key(group: try $0.value("group_id"), window: window) }
    }

    private static func isQuiet(_ window: Int64, since: Int64, _ database: Database) throws -> Bool {
        let last = try Int64.fetchOne(
            database, sql: "SELECT max(written_at) FROM chunks INDEXED BY chunks_by_window WHERE window = ?",
            arguments: [window])
        return (last ?? 0) <= since
    }

    private func merge(_ key: Chunk.Key, now: Timestamp) throws -> CompactionReport {
        let (agent, entries) = try file.readBlocking { database in
            let agent = try Int64.fetchOne(
                database, sql: "SELECT agent_id FROM series_groups WHERE id = ?", arguments: [key.group])
            return (agent ?? 0, try ChunkEntry.list(group: key.group, window: key.window, database))
        }
        var merger = ChunkMerger()
        var gaps: [GapRow] = []
        for entry in entries {
            let payload = try file.readBlocking { entry.read($0) }
            do {
                guard let bytes = try payload.get() else {
                    throw StoreError(.conflict, "a chunk went away while it was read: tried again")
                }
                try merger.take(bytes)
            } catch let error as StoreError where error.code != .corrupt {
                throw error
            } catch {
                let bytes = try? payload.get()
                gaps.append(
                    GapRow(agent: agent, from: entry.from, to: entry.to, reason: "\(error)", payload: bytes))
            }
        }
        let chunks = try merger.chunks(key)
        try file.writeBlocking { database in
            for entry in entries {
                try database.cachedStatement(sql: "DELETE FROM chunks WHERE id = ?").execute(arguments: [entry.id])
                guard database.changesCount == 1 else {
                    throw StoreError(.conflict, "a chunk went away while it was merged: tried again")
                }
            }
            for chunk in chunks { try chunk.insert(at: now, database) }
            for gap in gaps { try gap.insert(at: now, database) }
        }
        var report = CompactionReport()
        report.merged = entries.count
        report.chunks = chunks.count
        report.samples = chunks.reduce(0) { $0 + $1.samples }
        report.damaged = gaps.count
        return report
    }
}

/// A chunk as the index knows it.
struct ChunkEntry: Sendable {
    var id: Int64
    var window: Int64
    var from: Int64
    var to: Int64

    /// The chunks of a group and window, in the order in which they were written.
    static func list(group: Int64, window: Int64, _ database: Database) throws -> [ChunkEntry] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, window, min_millis, max_millis FROM chunks INDEXED BY chunks_by_group
                WHERE group_id = ? AND window = ? ORDER BY id
                """, arguments: [group, window]
        ).map {
            try ChunkEntry(id: $0.value("id"), window: window, from: $0.value("min_millis"), to: $0.value("max_millis"))
        }
    }

    func read(_ database: Database) -> Result<[UInt8]?, StoreError> {
        Result { try Chunk.payload(of: id, in: "chunks", database) }.mapError { StoreError($0) }
    }
}

/// The samples of several chunks of one group as one.
struct ChunkMerger {
    private var reader = BlockReader()
    private var series: [Series] = []
    private var numbers: [Series: UInt32] = [:]
    private var gathered = SampleColumns()
    /// By series: the time of its last sample.
    private var last: [Int64] = []
    private var isOrdered = true

    mutating func take(_ payload: [UInt8]) throws(SampleBlockError) {
        try reader.read(payload)
        let translation = reader.series.map { one -> UInt32 in
            if let number = numbers[one] { return number }
            let number = UInt32(series.count)
            numbers[one] = number
            series.append(one)
            last.append(.min)
            return number
        }
        let (blockNumbers, times) = (reader.columns.series, reader.columns.times)
        for position in blockNumbers.indices {
            let number = translation[Int(blockNumbers[position])]
            if times[position] <= last[Int(number)] { isOrdered = false }
            last[Int(number)] = times[position]
            gathered.append(series: number, millis: times[position], value: reader.columns.value(at: position))
        }
    }

    /// What was taken; of samples of one series and time the last one taken stays.
    mutating func chunks(_ key: Chunk.Key) throws(SampleBlockError) -> [Chunk] {
        var encoder = ChunkEncoder()
        return try encoder.encode(isOrdered ? gathered : ordered(), key: key, series: series)
    }

    private func ordered() -> SampleColumns {
        let (numbers, times) = (gathered.series, gathered.times)
        // The standard library's sort keeps the order of equals.
        let order = numbers.indices.sorted { times[$0] < times[$1] }
        var place = [Int](repeating: -1, count: series.count)
        var chosen: [Int?] = []
        for position in order {
            let number = Int(numbers[position])
            if place[number] >= 0, let before = chosen[place[number]], times[before] == times[position] {
                chosen[place[number]] = nil
            }
            place[number] = chosen.count
            chosen.append(position)
        }
        var columns = SampleColumns()
        for case let position? in chosen {
            columns.append(series: numbers[position], millis: times[position], value: gathered.value(at: position))
        }
        return columns
    }
}
