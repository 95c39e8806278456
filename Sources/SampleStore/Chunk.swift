import Foundation
import GRDB
import SampleCodec
import Telemetry

/// Samples of one group in one window, as a block that stands alone.
struct Chunk: Sendable {
    /// Whose samples.
    struct Key: Hashable, Sendable {
        var group: Int64
        /// Start of the window.
        var window: Int64
    }

    /// Length of a window: a chunk never crosses a border, so that the chunks of a window can be merged by themselves.
    ///
    /// Six hours of 48 series every ten seconds are about 100 KiB, of which SQLite's last page wastes two hundredths.
    static let windowMillis: Int64 = 6 * 3_600_000
    /// Most samples of one chunk.
    static let samplesMax = 200_000

    var key: Key
    var from: Int64
    var to: Int64
    var samples: Int
    var payload: [UInt8]

    /// The window that a moment is in.
    static func window(of millis: Int64) -> Int64 {
        let into = ((millis % windowMillis) + windowMillis) % windowMillis
        return millis.subtractingReportingOverflow(into).partialValue
    }

    func insert(at now: Timestamp, _ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO chunks (group_id, window, min_millis, max_millis, samples, written_at, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [key.group, key.window, from, to, samples, now.millis, Data(payload)])
    }

    /// The payload of a chunk; nil when the row is gone.
    ///
    /// Throws what reading a damaged page throws.
    static func payload(of id: Int64, in table: StaticString, _ database: Database) throws -> [UInt8]? {
        let statement = try database.cachedStatement(sql: "SELECT payload FROM \(table) WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id]).map { row in
            try row.withUnsafeData(atIndex: 0) { $0.map { Array($0) } ?? [] }
        }
    }
}

/// Writes columns as chunks.
struct ChunkEncoder {
    private var encoder = SampleBlockChainEncoder(blocksPerChain: 1)
    private var scratch = SampleColumns()
    private var interned: [UInt32] = []

    private static let unknown = UInt32.max

    /// The chunks of some samples of one group and window, whose series are numbers in `series`.
    ///
    /// One chunk, or several where a block cannot hold so much. Throws when not even one sample fits.
    mutating func encode(
        _ columns: SampleColumns, key: Chunk.Key, series: [Series]
    ) throws(SampleBlockError) -> [Chunk] {
        guard let from = columns.times.min(), let to = columns.times.max() else { return [] }
        if columns.count <= Chunk.samplesMax {
            do {
                let payload = try block(columns, series)
                return [Chunk(key: key, from: from, to: to, samples: columns.count, payload: payload)]
            } catch {
                guard columns.count > 1 else { throw error }
            }
        }
        let middle = columns.count / 2
        return try encode(columns.slice(0..<middle), key: key, series: series)
            + encode(columns.slice(middle..<columns.count), key: key, series: series)
    }

    private mutating func block(_ columns: SampleColumns, _ series: [Series]) throws(SampleBlockError) -> [UInt8] {
        encoder.forgetSeries()
        scratch.removeAll()
        if interned.count < series.count {
            interned.append(contentsOf: repeatElement(Self.unknown, count: series.count - interned.count))
        }
        let (numbers, times) = (columns.series, columns.times)
        defer { for number in numbers { interned[Int(number)] = Self.unknown } }
        for position in numbers.indices {
            let number = Int(numbers[position])
            if interned[number] == Self.unknown { interned[number] = try encoder.intern(series[number]) }
            scratch.append(series: interned[number], millis: times[position], value: columns.value(at: position))
        }
        return try encoder.encode(scratch)
    }
}

extension SampleColumns {
    /// Some of the samples.
    func slice(_ range: Range<Int>) -> SampleColumns {
        var part = SampleColumns()
        let (numbers, times) = (series, times)
        for position in range {
            part.append(series: numbers[position], millis: times[position], value: value(at: position))
        }
        return part
    }
}
