import Foundation
import GRDB
import Telemetry

extension SampleStore {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 frames") { database in
            // frames_by_time holds all that a query needs to choose frames, so that a damaged payload page is found
            // when its frame is read and costs that frame alone.
            try database.execute(
                sql: """
                    CREATE TABLE sessions (
                        id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, node TEXT NOT NULL, session BLOB NOT NULL,
                        durable INTEGER NOT NULL, seen_at INTEGER NOT NULL, UNIQUE (cluster, node, session));
                    CREATE TABLE lost_ranges (
                        session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, first INTEGER NOT NULL,
                        last INTEGER NOT NULL, noted_at INTEGER NOT NULL, PRIMARY KEY (session_id, first)) WITHOUT ROWID;
                    CREATE TABLE frames (
                        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
                        kind INTEGER NOT NULL, min_millis INTEGER NOT NULL, max_millis INTEGER NOT NULL,
                        received_at INTEGER NOT NULL, payload BLOB NOT NULL, UNIQUE (session_id, sequence));
                    CREATE INDEX frames_by_time ON frames (min_millis, id, max_millis, session_id, kind);
                    CREATE TABLE edges (
                        id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, at_millis INTEGER NOT NULL,
                        kind TEXT NOT NULL, labels TEXT NOT NULL, attributes TEXT NOT NULL, count INTEGER NOT NULL);
                    CREATE INDEX edges_by_time ON edges (at_millis);
                    CREATE TABLE longest_frame (id INTEGER PRIMARY KEY CHECK (id = 1), millis INTEGER NOT NULL);
                    INSERT INTO longest_frame VALUES (1, 0);
                    """)
        }
        return migrator
    }
}

/// A session's row.
struct SessionRow {
    let id: Int64
    private(set) var durable: UInt64

    static func find(_ key: SessionKey, _ database: Database) throws -> SessionRow? {
        try Row.fetchOne(
            database, sql: "SELECT id, durable FROM sessions WHERE cluster = ? AND node = ? AND session = ?",
            arguments: [key.cluster, key.node, Data(key.session)]
        ).map { row in
            let durable: Int64 = row["durable"]
            return SessionRow(id: row["id"], durable: UInt64(max(0, durable)))
        }
    }

    static func findOrMake(_ key: SessionKey, seenAt: Timestamp, _ database: Database) throws -> SessionRow {
        if let session = try find(key, database) { return session }
        try database.execute(
            sql: "INSERT INTO sessions (cluster, node, session, durable, seen_at) VALUES (?, ?, ?, 0, ?)",
            arguments: [key.cluster, key.node, Data(key.session), seenAt.millis])
        return SessionRow(id: database.lastInsertedRowID, durable: 0)
    }

    /// Records as lost what is missing below `first`, and moves the durable sequence there.
    mutating func skip(to first: UInt64, at now: Timestamp, _ database: Database) throws {
        guard first > durable + 1 else { return }
        var next = durable + 1
        let present = try Int64.fetchAll(
            database,
            sql: "SELECT sequence FROM frames WHERE session_id = ? AND sequence >= ? AND sequence < ? ORDER BY 1",
            arguments: [id, Int64(next), Int64(first)])
        for sequence in present.map({ UInt64($0) }) + [first] {
            if sequence > next {
                try database.execute(
                    sql: "INSERT INTO lost_ranges (session_id, first, last, noted_at) VALUES (?, ?, ?, ?)",
                    arguments: [id, Int64(next), Int64(sequence - 1), now.millis])
            }
            next = sequence + 1
        }
        durable = first - 1
    }

    /// Moves the durable sequence over the frames that follow it without a gap.
    mutating func advance(seenAt: Timestamp, _ database: Database) throws {
        let sequences = try Int64.fetchCursor(
            database, sql: "SELECT sequence FROM frames WHERE session_id = ? AND sequence > ? ORDER BY sequence",
            arguments: [id, Int64(durable)])
        while let sequence = try sequences.next(), UInt64(sequence) == durable + 1 { durable += 1 }
        try database.execute(
            sql: "UPDATE sessions SET durable = ?, seen_at = max(seen_at, ?) WHERE id = ?",
            arguments: [Int64(durable), seenAt.millis, id])
    }
}

/// A frame's row.
enum FrameRow {
    /// Stores a frame with its edges; false when it is there already.
    static func insert(_ frame: IncomingFrame, _ sessionID: Int64, _ database: Database) throws -> Bool {
        try database.cachedStatement(
            sql: """
                INSERT INTO frames (session_id, sequence, kind, min_millis, max_millis, received_at, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, sequence) DO NOTHING
                """
        ).execute(arguments: [
            sessionID, Int64(frame.sequence), frame.kind.rawValue, frame.from.millis, frame.to.millis,
            frame.receivedAt.millis, Data(frame.payload),
        ])
        guard database.changesCount > 0 else { return false }
        let span = (frame.to - frame.from).wholeMilliseconds
        try database.cachedStatement(sql: "UPDATE longest_frame SET millis = ? WHERE millis < ?")
            .execute(arguments: [span, span])
        for edge in frame.edges { try insert(edge, sessionID, database) }
        return true
    }

    private static func insert(_ edge: Edge, _ sessionID: Int64, _ database: Database) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try database.cachedStatement(
            sql: "INSERT INTO edges (session_id, at_millis, kind, labels, attributes, count) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            sessionID, edge.at.millis, edge.kind.rawValue,
            String(decoding: try encoder.encode(edge.labels), as: UTF8.self),
            String(decoding: try encoder.encode(edge.attributes), as: UTF8.self), edge.count,
        ])
    }
}
