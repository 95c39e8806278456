import Foundation
import GRDB
package import Incidents
package import Runbook
package import SQLiteFile
import Telemetry

/// The log of all incidents' events, in a database file of its own, so that nothing that happens to samples can touch
/// an incident.
///
/// An append is one transaction that is on the disk when the call returns. Every row has a checksum. Only one process
/// may use a file.
package final class IncidentStore: Sendable {
    /// What opening found.
    package struct OpenReport: Sendable, Equatable {
        /// Where a damaged file was moved to; nil when the file was sound.
        package var quarantinedPath: String?
        /// What could not be read of the log beside the file; nil when it was sound.
        package var damagedLog: SQLiteFile.DamagedLog?
        /// What was read back from the damaged file and written to the new one.
        package var salvage = SalvageReport()
    }

    /// What loading found.
    package struct LoadReport: Sendable, Equatable {
        /// Events handed out.
        package var events = 0
        /// Rows that were damaged or of an unknown form; they are kept in a table of their own.
        package var corruptRows = 0
        /// Sequences of the first such rows, at most 100.
        package var corruptSequences: [UInt64] = []
    }

    /// Name of the database file.
    package static let fileName = "incidents.sqlite"
    /// Most events in one append.
    package static let appendEventsMax = 10_000

    /// What opening found.
    package let openReport: OpenReport
    let file: SQLiteFile

    /// Opens the log in a folder that exists, or makes it.
    ///
    /// Blocks; for start-up.
    ///
    /// A damaged file is set aside, what can still be read from it is taken over, and the report says so; it never
    /// fails the opening. Throws `.newerSchema`, `.io`, `.full`, `.busy` or `.other`.
    package init(directory: String) throws(StoreError) {
        file = try SQLiteFile(
            .init(path: directory + "/" + Self.fileName, quarantineMax: 5, checksPages: true),
            migrator: EventTable.migrator)
        var report = OpenReport(quarantinedPath: file.quarantinedPath, damagedLog: file.damagedLog)
        if let damaged = file.quarantinedPath {
            do {
                report.salvage = try Salvage.run(from: damaged, into: file.pool)
            } catch {
                throw StoreError(error)
            }
        }
        openReport = report
    }

    /// Appends events, with the notices that follow from them and the record of who asked for them, in one
    /// transaction: all of them are on the disk when this returns, or none is.
    ///
    /// A notice whose key and channel are there already is not stored again.
    /// Their sequences must rise and be above all stored ones, else `.conflict`. Throws `.full` when the disk is: the
    /// log is unchanged, and the same call may be tried again.
    package func append(
        _ events: [IncidentEvent], outbox: [OutboxEntry] = [], audit: AuditRecord? = nil
    ) async throws(StoreError) {
        guard !events.isEmpty || !outbox.isEmpty || audit != nil else { return }
        guard events.count <= Self.appendEventsMax else {
            throw StoreError(.invalid, "\(events.count) events at once; at most \(Self.appendEventsMax)")
        }
        var rows: [EventRow] = []
        for event in events { rows.append(try EventRow(event)) }
        var notices: [OutboxRow] = []
        for entry in outbox { notices.append(try OutboxRow(entry)) }
        try await file.write { [rows, notices] database in
            for row in notices { try OutboxTable.insert(row, database) }
            if let audit { try AuditTable.insert(audit, database) }
            var last = try Int64.fetchOne(database, sql: "SELECT max(sequence) FROM events") ?? 0
            for row in rows {
                guard row.sequence > last else {
                    throw StoreError(.conflict, "event \(row.sequence) does not follow event \(last)")
                }
                last = row.sequence
                try row.insert(into: "events", database)
            }
        }
    }

    /// Hands out all events in order, in batches, for the fold.
    ///
    /// A damaged row is skipped, reported and moved to a table of its own, which frees its sequence. What `body`
    /// throws ends the loading and is thrown on.
    package func load(
        batchEvents: Int = 1000, _ body: ([IncidentEvent]) async throws -> Void
    ) async throws -> LoadReport {
        var report = LoadReport()
        var last: Int64 = 0
        var corrupt: [EventRow] = []
        while true {
            let rows = try await file.read { [last] database in
                try EventRow.fetch(
                    database, "sequence > ? ORDER BY sequence LIMIT ?", [last, max(1, batchEvents)])
            }
            guard let end = rows.last else { break }
            last = end.sequence
            var events: [IncidentEvent] = []
            for row in rows {
                if let event = row.event { events.append(event) } else { corrupt.append(row) }
            }
            report.events += events.count
            if !events.isEmpty { try await body(events) }
        }
        report.corruptRows = corrupt.count
        report.corruptSequences = corrupt.prefix(100).map { UInt64(bitPattern: $0.sequence) }
        if !corrupt.isEmpty { try await setAside(corrupt) }
        return report
    }

    /// All events of one incident in order; damaged rows are left out.
    ///
    /// Empty when there is no such incident.
    package func events(of incident: IncidentID) async throws(StoreError) -> [IncidentEvent] {
        let rows = try await file.read { database in
            try EventRow.fetch(database, "incident = ? ORDER BY sequence", [incident.rawValue])
        }
        return rows.compactMap(\.event)
    }

    /// Ids of the newest incidents in the log that are below `before`, highest first, at most `limit`.
    package func incidentIDs(before: IncidentID?, limit: Int) async throws(StoreError) -> [IncidentID] {
        let bound = before?.rawValue ?? Int.max
        let numbers = try await file.read { database in
            try Int.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT incident FROM events WHERE incident > 0 AND incident < ?
                    ORDER BY incident DESC LIMIT ?
                    """, arguments: [bound, max(0, limit)])
        }
        return numbers.map { IncidentID(rawValue: $0) }
    }

    private func setAside(_ rows: [EventRow]) async throws(StoreError) {
        try await file.write { database in
            for row in rows {
                try row.insert(into: "corrupt_events", database)
                try database.execute(sql: "DELETE FROM events WHERE sequence = ?", arguments: [row.sequence])
            }
        }
    }
}
