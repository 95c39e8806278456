import Foundation
import GRDB
import SQLiteFile
import SampleLink
import Telemetry

extension SampleStore {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 frames") { database in
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
        migrator.registerMigration("2 chains and lanes") { database in
            // chain_start is NULL for a frame that stands alone. ahead_ranges are frames that are durable although one
            // before them is not; their rows may be gone.
            try database.execute(
                sql: """
                    ALTER TABLE frames ADD COLUMN chain_start INTEGER;
                    CREATE INDEX frames_by_chain ON frames (session_id, chain_start, sequence)
                        WHERE chain_start IS NOT NULL;
                    CREATE TABLE ahead_ranges (
                        session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, first INTEGER NOT NULL,
                        last INTEGER NOT NULL, PRIMARY KEY (session_id, first)) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("3 chunks") { database in
            try database.execute(sql: chunkTables)
        }
        migrator.registerMigration("4 clocks") { database in
            // Times by the agent's clock; to_millis is NULL while the offset holds.
            try database.execute(
                sql: """
                    CREATE TABLE clock_spans (
                        id INTEGER PRIMARY KEY, agent_id INTEGER NOT NULL, from_millis INTEGER NOT NULL,
                        to_millis INTEGER, offset_millis INTEGER NOT NULL);
                    CREATE INDEX clock_spans_by_agent ON clock_spans (agent_id);
                    """)
        }
        migrator.registerMigration("5 losses") { database in
            // newest_millis: the newest sample that came. unsent_…: what the agent could not deliver when it ended,
            // NULL while it has not said. is_replaced: another session of the agent followed. What was there before
            // tells nothing of either.
            try database.execute(
                sql: """
                    ALTER TABLE sessions ADD COLUMN newest_millis INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE sessions ADD COLUMN unsent_samples INTEGER;
                    ALTER TABLE sessions ADD COLUMN unsent_min INTEGER;
                    ALTER TABLE sessions ADD COLUMN unsent_max INTEGER;
                    ALTER TABLE sessions ADD COLUMN is_replaced INTEGER NOT NULL DEFAULT 0;
                    """)
        }
        return migrator
    }
}

extension SampleStore {
    /// Everything that a reader chooses by is in an index, so that a damaged page of payloads is found when a payload
    /// is read, and costs what is on it.
    ///
    /// Payloads come last in their rows, since columns behind them are slow to reach.
    private static let chunkTables = """
        CREATE TABLE old_frames AS SELECT * FROM frames;
        DROP TABLE frames;
        DROP TABLE longest_frame;
        CREATE TABLE frames (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, sequence INTEGER NOT NULL, lane INTEGER NOT NULL,
            kind INTEGER NOT NULL, chain_start INTEGER, is_catalogued INTEGER NOT NULL, min_millis INTEGER NOT NULL,
            max_millis INTEGER NOT NULL, received_at INTEGER NOT NULL, payload BLOB NOT NULL,
            UNIQUE (session_id, sequence));
        INSERT INTO frames SELECT
            id, session_id, sequence, 1, kind, chain_start, 0, min_millis, max_millis, received_at, payload
            FROM old_frames;
        DROP TABLE old_frames;
        CREATE INDEX frames_by_lane ON frames (
            session_id, lane, id, sequence, kind, chain_start, min_millis, max_millis, received_at);
        CREATE INDEX frames_by_chain ON frames (session_id, chain_start, sequence, max_millis)
            WHERE chain_start IS NOT NULL;
        CREATE INDEX frames_by_time ON frames (min_millis, max_millis);
        CREATE INDEX frames_uncatalogued ON frames (session_id) WHERE kind = 1 AND is_catalogued = 0;
        CREATE TABLE agents (
            id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, node TEXT NOT NULL, UNIQUE (cluster, node));
        INSERT INTO agents (cluster, node) SELECT DISTINCT cluster, node FROM sessions;
        CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE series_groups (
            id INTEGER PRIMARY KEY, agent_id INTEGER NOT NULL, size INTEGER NOT NULL, noted_at INTEGER NOT NULL);
        CREATE INDEX series_groups_by_agent ON series_groups (agent_id);
        CREATE TABLE series (
            metric_id INTEGER NOT NULL, agent_id INTEGER NOT NULL, labels BLOB NOT NULL, group_id INTEGER NOT NULL,
            PRIMARY KEY (metric_id, agent_id, labels)) WITHOUT ROWID;
        CREATE TABLE chunks (
            id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, window INTEGER NOT NULL, min_millis INTEGER NOT NULL,
            max_millis INTEGER NOT NULL, samples INTEGER NOT NULL, written_at INTEGER NOT NULL, payload BLOB NOT NULL);
        CREATE INDEX chunks_by_group ON chunks (group_id, window, min_millis, max_millis);
        CREATE INDEX chunks_by_window ON chunks (window, group_id, min_millis, max_millis, samples, written_at);
        CREATE INDEX chunks_by_time ON chunks (max_millis);
        CREATE TABLE gaps (
            id INTEGER PRIMARY KEY, agent_id INTEGER NOT NULL, min_millis INTEGER NOT NULL,
            max_millis INTEGER NOT NULL, noted_at INTEGER NOT NULL, reason TEXT NOT NULL, payload BLOB);
        CREATE INDEX gaps_by_time ON gaps (max_millis);
        """
}

/// A session's row, and what it holds beyond its durable sequence.
struct SessionRow: Sendable {
    let id: Int64
    /// All up to it is durable or known as lost.
    private(set) var durable: UInt64
    /// What is durable although something before it is not.
    private(set) var ahead: SequenceRanges
    private var savedAhead: SequenceRanges
    /// Time of the newest sample that came, in milliseconds; 0 before the first.
    private(set) var newest: Int64

    private init(id: Int64, durable: UInt64, ahead: SequenceRanges, newest: Int64) {
        self.id = id
        self.durable = durable
        self.ahead = ahead
        savedAhead = ahead
        self.newest = newest
    }

    static func find(_ key: SessionKey, _ database: Database) throws -> SessionRow? {
        let statement = try database.cachedStatement(
            sql: "SELECT id, durable, newest_millis FROM sessions WHERE cluster = ? AND node = ? AND session = ?")
        guard
            let row = try Row.fetchOne(statement, arguments: [key.cluster, key.node, Data(key.session)])
        else { return nil }
        let (id, durable): (Int64, Int64) = try (row.value("id"), row.value("durable"))
        let ranges = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT first, last FROM ahead_ranges WHERE session_id = ? ORDER BY first"),
            arguments: [id]
        ).compactMap { row -> ClosedRange<UInt64>? in
            let (first, last): (Int64, Int64) = try (row.value("first"), row.value("last"))
            return first > 0 && first <= last ? UInt64(first)...UInt64(last) : nil
        }
        var session = SessionRow(
            id: id, durable: UInt64(max(0, durable)), ahead: SequenceRanges(ranges),
            newest: try row.value("newest_millis"))
        session.absorb()
        return session
    }

    static func findOrMake(_ key: SessionKey, seenAt: Timestamp, _ database: Database) throws -> SessionRow {
        if let session = try find(key, database) { return session }
        try database.execute(
            sql: "INSERT INTO sessions (cluster, node, session, durable, seen_at) VALUES (?, ?, ?, 0, ?)",
            arguments: [key.cluster, key.node, Data(key.session), seenAt.millis])
        let session = SessionRow(id: database.lastInsertedRowID, durable: 0, ahead: SequenceRanges(), newest: 0)
        _ = try SeriesCatalogue.agent(cluster: key.cluster, node: key.node, database)
        return session
    }

    /// Whether a frame is durable or known as lost.
    func holds(_ sequence: UInt64) -> Bool {
        sequence <= durable || ahead.range(containing: sequence) != nil
    }

    /// Takes a frame for durable, whose newest sample is of `time`.
    mutating func add(_ sequence: UInt64, to time: Timestamp) {
        guard !holds(sequence) else { return }
        newest = max(newest, time.millis)
        if sequence == durable + 1, ahead.ranges.isEmpty {
            durable = sequence
        } else {
            ahead.insert(sequence...sequence)
        }
        absorb()
    }

    /// Records as lost what is missing below `first`, and moves the durable sequence there; returns what is missing.
    mutating func skip(
        to first: UInt64, at now: Timestamp, _ database: Database
    ) throws -> [ClosedRange<UInt64>] {
        var missing: [ClosedRange<UInt64>] = []
        while durable + 1 < first {
            let end = min(first, ahead.range(after: durable)?.lowerBound ?? first) - 1
            try database.execute(
                sql: "INSERT INTO lost_ranges (session_id, first, last, noted_at) VALUES (?, ?, ?, ?)",
                arguments: [id, Int64(durable + 1), Int64(end), now.millis])
            missing.append(durable + 1...end)
            durable = end
            absorb()
        }
        return missing
    }

    /// Moves the durable sequence over what follows it without a gap.
    private mutating func absorb() {
        guard !ahead.ranges.isEmpty else { return }
        durable = ahead.gap(from: durable + 1) - 1
        ahead.remove(before: durable + 1)
    }

    mutating func save(seenAt: Timestamp, _ database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE sessions SET durable = ?, seen_at = max(seen_at, ?), newest_millis = ? WHERE id = ?"
        ).execute(arguments: [Int64(durable), seenAt.millis, newest, id])
        guard ahead != savedAhead else { return }
        let (kept, wanted) = (Set(savedAhead.ranges), Set(ahead.ranges))
        for range in kept.subtracting(wanted) {
            try database.cachedStatement(sql: "DELETE FROM ahead_ranges WHERE session_id = ? AND first = ?")
                .execute(arguments: [id, Int64(range.lowerBound)])
        }
        for range in wanted.subtracting(kept) {
            try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO ahead_ranges (session_id, first, last) VALUES (?, ?, ?)"
            ).execute(arguments: [id, Int64(range.lowerBound), Int64(range.upperBound)])
        }
        savedAhead = ahead
    }
}

/// A frame's row.
enum FrameRow {
    /// Stores a frame with its edges; false when it is there already.
    static func insert(_ frame: IncomingFrame, _ sessionID: Int64, _ database: Database) throws -> Bool {
        try database.cachedStatement(
            sql: """
                INSERT INTO frames (
                    session_id, sequence, lane, kind, chain_start, is_catalogued, min_millis, max_millis, received_at,
                    payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, sequence) DO NOTHING
                """
        ).execute(arguments: [
            sessionID, Int64(frame.sequence), frame.isBackfill ? 2 : 1, frame.kind.rawValue,
            frame.chainStart.map { Int64($0) }, frame.definitions != nil, frame.from.millis, frame.to.millis,
            frame.receivedAt.millis, Data(frame.payload),
        ])
        guard database.changesCount > 0 else { return false }
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
