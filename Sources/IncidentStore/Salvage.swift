import Foundation
import GRDB
import Runbook
import SQLiteFile

/// What was taken over from a damaged log.
package struct SalvageReport: Sendable, Equatable {
    /// Events.
    package var events = 0
    /// Events that were there and are not taken over.
    ///
    /// These are the holes between those that are, and rows that are not what was written; what is missing after the
    /// last one nobody can tell.
    package var eventsMissing = 0
    /// Notices of the outbox.
    package var notices = 0
    /// Audit records.
    package var auditRecords = 0

    /// Nothing.
    package init() {}
}

/// Takes over what can still be read from a damaged log.
enum Salvage {
    /// Copies the sound rows; a file that cannot be read at all has none.
    static func run(from path: String, into pool: DatabasePool) throws -> SalvageReport {
        var report = SalvageReport()
        var configuration = Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { database in
            // With it SQLite reads what is there of a file that ends too early; without it nothing.
            try database.execute(sql: "PRAGMA writable_schema = ON")
        }
        guard let old = try? DatabaseQueue(path: path, configuration: configuration) else { return report }
        let rows = DamagedTable(file: old) { database, condition, arguments in
            try EventRow.fetch(database, condition, arguments).map { ($0.sequence, $0) }
        }.rows()
        let sound = rows.filter { $0.event != nil }
        let last = sound.last?.sequence ?? 0
        let setAside = (try? old.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM corrupt_events") }) ?? 0
        report.events = sound.count
        report.eventsMissing = max(0, Int(last) - sound.count - setAside) + rows.count { $0.sequence > last }
        let audit = DamagedTable(file: old) { database, condition, arguments in
            try Row.fetchAll(
                database, sql: "SELECT sequence, body, checksum FROM audit WHERE \(condition)", arguments: arguments
            ).map { row in (try row.value("sequence", as: Int64.self), try? AuditTable.read(row)) }
        }.rows().compactMap { $0 }.filter(\.isIntact)
        report.auditRecords = audit.count
        let notices = OutboxTable.readable(old)
        report.notices = notices.count
        try pool.write { database in
            for row in sound { try row.insert(into: "events", database) }
            for stored in audit { try AuditTable.insert(stored.record, database) }
            for row in notices { try OutboxTable.insert(row, database) }
        }
        return report
    }
}

/// A table whose rows have rising sequences, in a file with damaged pages: it is read around them.
private struct DamagedTable<Element> {
    /// Rows at once; one at a time beside damage.
    private static var batchRows: Int { 50 }
    /// Sequences between the readable ends of the table that are each asked for.
    private static var askedForMax: Int64 { 100_000 }
    /// Those asked for where the table cannot be read from its end.
    private static var askedForBlindly: Int64 { 10_000 }

    let file: DatabaseQueue
    /// The rows that a condition, with order and limit, names, each with its sequence.
    let fetch: (Database, String, StatementArguments) throws -> [(Int64, Element)]

    /// All that can be read, by sequence.
    func rows() -> [Element] {
        var found: [Int64: Element] = [:]
        if let reached = walk(ascending: true, &found) {
            let end = walk(ascending: false, &found) ?? reached
            let bound = end == .max ? reached + Self.askedForBlindly : min(end, reached + Self.askedForMax)
            var sequence = max(reached, 0) + 1
            while sequence < bound {
                for (number, row) in read("sequence = ?", [sequence]) ?? [] where number == sequence {
                    found[number] = row
                }
                sequence += 1
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Reads from one end, and gives the last sequence before a page that cannot be read; nil for a sound table.
    private func walk(ascending: Bool, _ found: inout [Int64: Element]) -> Int64? {
        var last: Int64 = ascending ? .min : .max
        var limit = Self.batchRows
        while true {
            let condition = ascending ? "sequence > ? ORDER BY sequence" : "sequence < ? ORDER BY sequence DESC"
            guard let batch = read(condition + " LIMIT \(limit)", [last]) else {
                if limit == 1 { return last == .min ? 0 : last }
                limit = 1
                continue
            }
            guard let end = batch.last?.0 else { return nil }
            for (sequence, row) in batch { found[sequence] = row }
            // A damaged page may lead backwards.
            guard ascending ? end > last : end < last else { return last }
            last = end
        }
    }

    private func read(_ condition: String, _ arguments: StatementArguments) -> [(Int64, Element)]? {
        try? file.read { try fetch($0, condition, arguments) }
    }
}
