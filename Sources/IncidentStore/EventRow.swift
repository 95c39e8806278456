import Foundation
import GRDB
import Incidents
import SQLiteFile
import Telemetry

/// The tables of the event log.
enum EventTable {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 events") { database in
            try database.execute(
                sql: """
                    CREATE TABLE events (
                        sequence INTEGER PRIMARY KEY, incident INTEGER NOT NULL, at INTEGER NOT NULL,
                        body BLOB NOT NULL, checksum INTEGER NOT NULL);
                    CREATE INDEX events_by_incident ON events (incident, sequence);
                    CREATE TABLE corrupt_events (sequence, incident, at, body, checksum);
                    """)
        }
        migrator.registerMigration("2 outbox") { try OutboxTable.create($0) }
        migrator.registerMigration("3 audit") { try AuditTable.create($0) }
        return migrator
    }
}

/// One event as stored: its kind as JSON, and a checksum over all columns.
struct EventRow: Sendable {
    var sequence: Int64
    var incident: Int64
    var at: Int64
    var body: Data
    var checksum: Int64

    init(_ event: IncidentEvent) throws(StoreError) {
        guard let sequence = Int64(exactly: event.sequence), sequence > 0 else {
            throw StoreError(.invalid, "\(event.sequence) is no sequence")
        }
        self.sequence = sequence
        incident = Int64(event.incident.rawValue)
        at = event.at.millis
        do {
            body = try Self.encoder.encode(event.kind)
        } catch {
            throw StoreError(.invalid, "event \(event.sequence) cannot be encoded")
        }
        checksum = 0
        checksum = Int64(computedChecksum)
    }

    /// Reads columns as they are: a damaged row may hold values of any type.
    private init(_ row: Row) {
        sequence = Int64.fromDatabaseValue(row["sequence"]) ?? -1
        incident = Int64.fromDatabaseValue(row["incident"]) ?? -1
        at = Int64.fromDatabaseValue(row["at"]) ?? -1
        body = Data.fromDatabaseValue(row["body"]) ?? Data()
        checksum = Int64.fromDatabaseValue(row["checksum"]) ?? -1
    }

    /// The rows that a condition (with order and limit) names.
    static func fetch(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [EventRow] {
        let sql = "SELECT sequence, incident, at, body, checksum FROM events WHERE \(condition)"
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { EventRow($0) }
    }

    func insert(into table: String, _ database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO \(table) (sequence, incident, at, body, checksum) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [sequence, incident, at, body, checksum])
    }

    /// The event, or nil when the row is damaged or of a form that this version does not know.
    var event: IncidentEvent? {
        guard checksum == Int64(computedChecksum) else { return nil }
        do {
            return IncidentEvent(
                sequence: UInt64(sequence), incident: IncidentID(rawValue: Int(incident)), at: Timestamp(millis: at),
                kind: try Self.decoder.decode(IncidentEvent.Kind.self, from: body))
        } catch {
            return nil
        }
    }

    private var computedChecksum: UInt32 {
        var sum = Checksum()
        sum.add(sequence)
        sum.add(incident)
        sum.add(at)
        sum.add(body)
        return sum.value
    }

    // JSON has no infinities; a finding's worst value may be one.
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}
