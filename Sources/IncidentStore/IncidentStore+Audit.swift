import Foundation
import GRDB
package import SQLiteFile
package import Telemetry

/// One attempt to change something: who, from where, what, and what came of it.
package struct AuditRecord: Hashable, Sendable, Codable {
    /// What came of an attempt.
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// It took effect; the record was stored with the events, or neither was.
        case done
        /// The caller's role allowed it, its subject did not.
        case refused
        /// The caller's role does not allow it.
        case denied
        /// It could not be stored, and had no effect.
        case failed
    }

    /// Most characters kept of a text.
    package static let textMax = 1000

    /// When it was decided.
    package var at: Timestamp
    /// The name in the certificate, or what is known of it.
    package var user: String
    /// The role in the certificate; empty when there was none.
    package var role: String
    /// The other side's address as the transport gives it, such as "ipv4:10.0.0.7:51312".
    package var peer: String
    /// The call's name, such as "AcknowledgeIncident".
    package var call: String
    /// What it was about, such as "INC-7" or "SIL-3"; empty when it was not known yet.
    package var subject: String
    /// What came of it.
    package var outcome: Outcome
    /// Why not; empty when it was done.
    package var reason = ""
    /// The subject before; empty when there was none.
    package var before = ""
    /// The subject after; empty when nothing changed.
    package var after = ""

    /// Makes a record; texts are cut at `textMax`.
    package init(
        at: Timestamp, user: String, role: String, peer: String, call: String, subject: String, outcome: Outcome,
        reason: String = "", before: String = "", after: String = ""
    ) {
        func short(_ text: String) -> String { String(text.prefix(Self.textMax)) }
        self.at = at
        self.user = short(user)
        self.role = short(role)
        self.peer = short(peer)
        self.call = short(call)
        self.subject = short(subject)
        self.outcome = outcome
        self.reason = short(reason)
        self.before = short(before)
        self.after = short(after)
    }
}

/// An audit record with its place in the log.
package struct StoredAuditRecord: Hashable, Sendable {
    /// Rises by one from record to record.
    package var sequence: UInt64
    /// What happened.
    package var record: AuditRecord
    /// Whether the row still has the checksum that it was stored with.
    package var isIntact: Bool
}

/// The audit log: rows are added, and the database itself refuses to change or delete one.
enum AuditTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE audit (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, user TEXT NOT NULL,
                    subject TEXT NOT NULL, body BLOB NOT NULL, checksum INTEGER NOT NULL);
                CREATE INDEX audit_by_time ON audit (at);
                CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
                    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
                CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit
                    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
                """)
    }

    static func insert(_ record: AuditRecord, _ database: Database) throws {
        let body = try encoder.encode(record)
        try database.cachedStatement(
            sql: "INSERT INTO audit (at, user, subject, body, checksum) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [record.at.millis, record.user, record.subject, body, checksum(body)])
    }

    static func read(_ row: Row) throws -> StoredAuditRecord {
        let body = Data.fromDatabaseValue(row["body"]) ?? Data()
        return StoredAuditRecord(
            sequence: UInt64(clamping: try row.value("sequence", as: Int64.self)),
            record: try JSONDecoder().decode(AuditRecord.self, from: body),
            isIntact: Int64.fromDatabaseValue(row["checksum"]) == checksum(body))
    }

    private static func checksum(_ body: Data) -> Int64 {
        var sum = Checksum()
        sum.add(body)
        return Int64(sum.value)
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension IncidentStore {
    /// Which records are asked for.
    package struct AuditQuery: Hashable, Sendable {
        /// From this time on.
        package var since: Timestamp?
        /// By this user.
        package var user: String?
        /// About this subject.
        package var subject: String?
        /// At most so many, the latest.
        package var limit: Int

        /// Makes a query.
        package init(since: Timestamp? = nil, user: String? = nil, subject: String? = nil, limit: Int = 100) {
            self.since = since
            self.user = user
            self.subject = subject
            self.limit = limit
        }
    }

    /// Adds a record of an attempt that changed nothing; those that did are stored with their events.
    package func append(audit record: AuditRecord) async throws(StoreError) {
        try await file.write { try AuditTable.insert(record, $0) }
    }

    /// The latest records that match, oldest first, and how many rows could not be read.
    package func auditRecords(
        _ query: AuditQuery
    ) async throws(StoreError) -> (records: [StoredAuditRecord], unreadable: Int) {
        var conditions: [String] = ["true"]
        var arguments: StatementArguments = []
        if let since = query.since {
            conditions.append("at >= ?")
            arguments += [since.millis]
        }
        if let user = query.user {
            conditions.append("user = ?")
            arguments += [user]
        }
        if let subject = query.subject {
            conditions.append("subject = ?")
            arguments += [subject]
        }
        arguments += [max(0, query.limit)]
        let sql = """
            SELECT sequence, body, checksum FROM audit WHERE \(conditions.joined(separator: " AND "))
            ORDER BY sequence DESC LIMIT ?
            """
        let bound = arguments
        return try await file.read { database in
            var records: [StoredAuditRecord] = []
            var unreadable = 0
            for row in try Row.fetchAll(database, sql: sql, arguments: bound) {
                do {
                    records.append(try AuditTable.read(row))
                } catch {
                    unreadable += 1
                }
            }
            return (records.reversed(), unreadable)
        }
    }
}
