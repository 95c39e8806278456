import GRDB
import SQLiteFile
import Telemetry

/// A frame as the index knows it.
struct FrameEntry: Sendable {
    var id: Int64
    var isBlock: Bool
    /// Whether it can be read without the frames before it.
    var startsChain: Bool
    var from: Int64
    var to: Int64

    /// The frames of a session and lane in the order in which they came, which is the order of their chains, up to and
    /// without one.
    static func list(
        session: Int64, lane: Int64, before end: Int64, _ database: Database
    ) throws -> [FrameEntry] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, kind, chain_start IS NULL OR chain_start = sequence AS starts, min_millis, max_millis
                FROM frames INDEXED BY frames_by_lane WHERE session_id = ? AND lane = ? AND id < ? ORDER BY id
                """, arguments: [session, lane, end]
        ).map { row in
            let kind: Int = try row.value("kind")
            return FrameEntry(
                id: try row.value("id"), isBlock: kind == FrameKind.sampleBlock.rawValue,
                startsChain: try row.value("starts"),
                from: try row.value("min_millis"), to: try row.value("max_millis"))
        }
    }
}

/// The payloads of frames, a page at a time, each read for itself: a damaged page costs what is on it.
enum FramePage {
    /// Bounds of a page.
    static let framesMax = 64
    static let bytesMax = 8 << 20

    /// The payloads of the first of these frames, one at least; nil for a frame that is gone.
    static func read(
        _ entries: ArraySlice<FrameEntry>, _ database: Database
    ) -> [Result<[UInt8]?, StoreError>] {
        var (payloads, bytes): ([Result<[UInt8]?, StoreError>], Int) = ([], 0)
        for entry in entries.prefix(framesMax) {
            do {
                let payload = try Chunk.payload(of: entry.id, in: "frames", database)
                bytes += payload?.count ?? 0
                payloads.append(.success(payload))
            } catch {
                payloads.append(.failure(StoreError(error)))
            }
            if bytes >= bytesMax { break }
        }
        return payloads
    }
}
