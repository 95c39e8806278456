import GRDB
import SQLiteFile
import SampleCodec

/// Frames of one session and lane, each but the first building upon those before.
struct FrameChain: Sendable {
    /// What could not be read.
    struct Damage: Sendable {
        var from: Int64
        var to: Int64
        var reason: String
    }

    private(set) var frames: [FrameEntry]
    /// Time of the earliest sample.
    private(set) var from: Int64
    /// Time of the latest sample.
    private(set) var to: Int64

    private init(_ frame: FrameEntry) {
        (frames, from, to) = ([frame], frame.from, frame.to)
    }

    /// The chains of an agent's frames that are not compacted yet, in the order in which they came.
    static func list(of agent: QueryPlan.Agent, _ database: Database) throws -> [FrameChain] {
        let sessions = try Row.fetchAll(
            database,
            sql: """
                SELECT DISTINCT sessions.id AS id, lane FROM sessions
                JOIN frames INDEXED BY frames_by_lane ON session_id = sessions.id
                WHERE cluster = ? AND node = ? ORDER BY sessions.id, lane
                """, arguments: [agent.cluster, agent.node])
        var chains: [FrameChain] = []
        for row in sessions {
            var isOpen = false
            let frames = try FrameEntry.list(session: row.value("id"), lane: row.value("lane"), before: .max, database)
            for frame in frames where frame.isBlock {
                if frame.startsChain {
                    chains.append(FrameChain(frame))
                    isOpen = true
                } else if isOpen {
                    // Without a beginning retention took what these build upon.
                    chains[chains.count - 1].append(frame)
                }
            }
        }
        return chains
    }

    private mutating func append(_ frame: FrameEntry) {
        frames.append(frame)
        from = min(from, frame.from)
        to = max(to, frame.to)
    }

    /// Reads block after block up to one that is gone or damaged; gives how many were read, and what could not be.
    ///
    /// - Parameter visit: called after each block that was read.
    func read(
        from file: SQLiteFile, _ visit: (BlockReader) throws(StoreError) -> Void
    ) async throws -> (frames: Int, damage: Damage?) {
        var reader = BlockReader()
        var position = 0
        while position < frames.count {
            let start = position
            let payloads = try await file.read { FramePage.read(frames[start...], $0) }
            for payload in payloads {
                do {
                    // Compacted since it was listed: what it held is read from the chunks, which come after.
                    guard let bytes = try payload.get() else { return (position, nil) }
                    try reader.read(bytes)
                } catch {
                    let what = error is StoreError ? "the frame cannot be read" : "the block cannot be decoded"
                    let end = frames.last?.to ?? frames[position].to
                    return (position, Damage(from: frames[position].from, to: end, reason: "\(what): \(error)"))
                }
                position += 1
                try visit(reader)
            }
        }
        return (position, nil)
    }
}
