import Foundation
import GRDB
import Incidents
package import Runbook
package import SQLiteFile
package import Telemetry

/// The table of notices, beside the events that caused them: both are stored in one transaction, or neither.
enum OutboxTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE outbox (
                    key TEXT NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL, ended INTEGER, body BLOB NOT NULL,
                    PRIMARY KEY (key, channel)) WITHOUT ROWID;
                CREATE INDEX outbox_by_state ON outbox (state, ended);
                """)
    }

    /// A key that is there already is left as it is: what was put on its way once is not put there again.
    static func insert(_ row: OutboxRow, _ database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO outbox (key, channel, state, ended, body) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [row.key, row.channel, row.state, row.ended, row.body])
    }

    /// The rows of a damaged file from either end up to the first page that cannot be read.
    static func readable(_ file: DatabaseQueue) -> [OutboxRow] {
        var found: [String: OutboxRow] = [:]
        for order in ["ASC", "DESC"] {
            try? file.read { database in
                let rows = try Row.fetchCursor(
                    database, sql: "SELECT body FROM outbox ORDER BY key \(order), channel \(order)")
                while let row = try rows.next() {
                    guard let body = Data.fromDatabaseValue(row["body"]),
                        let entry = try? JSONDecoder().decode(OutboxEntry.self, from: body)
                    else { continue }
                    found["\(entry.channel) \(entry.notice.key)"] = try OutboxRow(entry)
                }
            }
        }
        return Array(found.values)
    }

    static func update(_ row: OutboxRow, _ database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE outbox SET state = ?, ended = ?, body = ? WHERE key = ? AND channel = ?"
        ).execute(arguments: [row.state, row.ended, row.body, row.key, row.channel])
    }
}

/// An entry as stored.
struct OutboxRow: Sendable {
    var key: String
    var channel: String
    var state: String
    var ended: Int64?
    var body: Data

    init(_ entry: OutboxEntry) throws(StoreError) {
        key = entry.notice.key
        channel = entry.channel
        state = entry.state.rawValue
        ended = entry.endedAt?.millis
        do {
            body = try JSONEncoder().encode(entry)
        } catch {
            throw StoreError(.invalid, "the notice \(entry.notice.key) cannot be encoded")
        }
    }
}

/// Notices of the outbox by state.
package struct OutboxCounts: Sendable, Hashable {
    /// Notices that wait to be sent.
    package var waiting = 0
    /// Notices that were given up.
    package var dead = 0
}

extension IncidentStore {
    /// Stores how sends ended, and the members of a digest before it is first sent.
    package func update(_ entries: [OutboxEntry]) async throws(StoreError) {
        guard !entries.isEmpty else { return }
        var rows: [OutboxRow] = []
        for entry in entries { rows.append(try OutboxRow(entry)) }
        try await file.write { [rows] database in
            for row in rows { try OutboxTable.update(row, database) }
        }
    }

    /// What was put on its way and neither delivered nor given up, by key; for start-up.
    ///
    /// A row that cannot be read is left where it is and counted.
    package func waitingEntries() async throws(StoreError) -> (entries: [OutboxEntry], unreadable: Int) {
        try await read("state = 'waiting' ORDER BY key, channel", [])
    }

    /// The notices that were given up last, at most `limit`.
    package func deadEntries(limit: Int) async throws(StoreError) -> [OutboxEntry] {
        try await read("state = 'dead' ORDER BY ended DESC LIMIT ?", [max(0, limit)]).entries
    }

    /// How many notices wait and how many were given up.
    package func outboxCounts() async throws(StoreError) -> OutboxCounts {
        try await file.read { database in
            let sql = "SELECT count(*) FROM outbox WHERE state = ?"
            return OutboxCounts(
                waiting: try Int.fetchOne(database, sql: sql, arguments: ["waiting"]) ?? 0,
                dead: try Int.fetchOne(database, sql: sql, arguments: ["dead"]) ?? 0)
        }
    }

    /// Forgets notices that were delivered or given up before `before`.
    package func pruneOutbox(before: Timestamp) async throws(StoreError) {
        try await file.write { database in
            try database.execute(
                sql: "DELETE FROM outbox WHERE state <> 'waiting' AND ended < ?", arguments: [before.millis])
        }
    }

    private func read(
        _ condition: String, _ arguments: StatementArguments
    ) async throws(StoreError) -> (entries: [OutboxEntry], unreadable: Int) {
        let bodies = try await file.read { database in
            try Data.fetchAll(database, sql: "SELECT body FROM outbox WHERE \(condition)", arguments: arguments)
        }
        var entries: [OutboxEntry] = []
        var unreadable = 0
        for body in bodies {
            do {
                entries.append(try JSONDecoder().decode(OutboxEntry.self, from: body))
            } catch {
                unreadable += 1
            }
        }
        return (entries, unreadable)
    }
}
