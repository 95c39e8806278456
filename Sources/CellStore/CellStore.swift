import Foundation
import GRDB
package import SQLiteFile
import SampleCodec
package import Telemetry

/// The cells that the detectors saw, in a database file of its own: blocks in their order, now and then the state of
/// the detectors, and what is missing.
///
/// An append is one transaction that is on the disk when the call returns. Every row has a checksum over all its
/// columns. Only one process may write a file.
package final class CellStore: Sendable {
    /// Name of the database file.
    package static let fileName = "cells.sqlite"
    /// Bytes of bodies that `rows` reads at once, beside the first row's.
    private static let batchBytes = 4 << 20

    /// A row as it was read.
    package struct Entry: Sendable, Hashable {
        /// Rises from row to row.
        package var sequence: Int64
        /// What it holds; nil when the row is not what was written.
        package var record: StoredRecord?
        /// The end of what it is about, as far as can be read.
        package var to: Timestamp
    }

    /// How large the store is.
    package struct Sizes: Sendable, Hashable {
        /// Bytes of pages in use.
        package var usedBytes = 0
        /// What the oldest row is about begins here; nil when there is none.
        package var oldest: Timestamp?
        /// What the newest row is about ends here.
        package var newest: Timestamp?
    }

    /// Where a damaged file was moved to while opening; nil when the file was sound.
    package var quarantinedPath: String? { file.quarantinedPath }

    let file: SQLiteFile

    /// Opens the store in a folder that exists, or makes it.
    ///
    /// Blocks; for start-up.
    ///
    /// A damaged file is set aside (the last one is kept) and a new one is made; it never fails the opening. Throws
    /// `.newerSchema`, `.io`, `.full`, `.busy` or `.other`.
    package init(directory: String, fileBytesMax: Int? = nil) throws(StoreError) {
        file = try SQLiteFile(
            .init(
                path: directory + "/" + Self.fileName, quarantineMax: 1, checksPages: false, fileBytesMax: fileBytesMax),
            migrator: Self.migrator)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 records") { database in
            // chain is the sequence of the first block of a block's chain, of other rows their own.
            try database.execute(
                sql: """
                    CREATE TABLE records (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, chain INTEGER NOT NULL,
                        from_millis INTEGER NOT NULL, to_millis INTEGER NOT NULL, cells INTEGER NOT NULL,
                        note TEXT NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL);
                    CREATE INDEX records_by_end ON records (to_millis, chain);
                    CREATE INDEX records_by_kind ON records (kind, sequence, chain, from_millis);
                    """)
        }
        return migrator
    }

    // MARK: Writing

    /// Appends rows in their order in one transaction; for threads of their own, which it blocks.
    ///
    /// Throws `.full` when the disk is, `.corrupt` for a damaged file: nothing of them is stored then.
    package func append(_ records: [StoredRecord]) throws(StoreError) {
        guard !records.isEmpty else { return }
        try file.writeBlocking { database in
            for record in records {
                var chain =
                    try Int64.fetchOne(
                        database, sql: "SELECT chain FROM records WHERE kind = 0 ORDER BY sequence DESC LIMIT 1") ?? 0
                try database.cachedStatement(
                    sql: """
                        INSERT INTO records (kind, chain, from_millis, to_millis, cells, note, checksum, body)
                        VALUES (?, ?, ?, ?, ?, ?, 0, ?)
                        """
                ).execute(arguments: [
                    record.kind.rawValue, chain, record.from.millis, record.to.millis, record.cells, record.note,
                    Data(record.body),
                ])
                let sequence = database.lastInsertedRowID
                if record.startsChain || record.kind != .block { chain = sequence }
                try database.cachedStatement(sql: "UPDATE records SET chain = ?, checksum = ? WHERE sequence = ?")
                    .execute(arguments: [chain, Self.checksum(record, sequence, chain), sequence])
            }
        }
    }

    /// Sets a damaged file aside and goes on with an empty one; returns where the damaged one is.
    ///
    /// Blocks. For when a write failed with `.corrupt`.
    package func replaceDamagedFile() throws(StoreError) -> String { try file.replace() }

    private static func checksum(_ record: StoredRecord, _ sequence: Int64, _ chain: Int64) -> Int64 {
        let numbers = [
            sequence, chain, record.kind.rawValue, record.startsChain ? 1 : 0, record.from.millis, record.to.millis,
            Int64(record.cells),
        ]
        let head = numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
        return Int64(CRC32.checksum(record.body[...], continuing: CRC32.checksum(head + Array(record.note.utf8))))
    }

    // MARK: Reading

    /// The row to begin with for a range: the last anchor not later than `time`, else the first row that stands alone.
    ///
    /// Nil when there is none.
    package func start(for time: Timestamp) async throws(StoreError) -> Int64? {
        try await file.read { database in
            try Int64.fetchOne(
                database,
                sql: "SELECT sequence FROM records WHERE kind = 1 AND from_millis <= ? ORDER BY sequence DESC LIMIT 1",
                arguments: [time.millis])
                ?? Int64.fetchOne(database, sql: "SELECT min(sequence) FROM records WHERE chain = sequence")
        }
    }

    /// Some rows from a sequence on, in their order; none: there are no more.
    package func rows(from sequence: Int64) async throws(StoreError) -> [Entry] {
        try await file.read { database in
            var rows: [Entry] = []
            var bytes = 0
            let cursor = try GRDB.Row.fetchCursor(
                database,
                sql: """
                    SELECT sequence, kind, chain, from_millis, to_millis, cells, note, checksum, body FROM records
                    WHERE sequence >= ? ORDER BY sequence LIMIT 100
                    """, arguments: [sequence])
            while bytes < Self.batchBytes, let row = try cursor.next() {
                rows.append(Self.entry(row))
                bytes += rows.last?.record?.body.count ?? 0
            }
            return rows
        }
    }

    /// Reads columns as they are: a damaged row may hold values of any type.
    private static func entry(_ row: GRDB.Row) -> Entry {
        func number(_ column: String) -> Int64 { Int64.fromDatabaseValue(row[column]) ?? -1 }
        let sequence = number("sequence")
        var found = Entry(sequence: sequence, record: nil, to: Timestamp(millis: number("to_millis")))
        guard let kind = StoredRecord.Kind(rawValue: number("kind")), let cells = Int(exactly: number("cells")) else {
            return found
        }
        let record = StoredRecord(
            kind: kind, startsChain: number("chain") == sequence, from: Timestamp(millis: number("from_millis")),
            to: found.to, cells: cells, body: [UInt8](Data.fromDatabaseValue(row["body"]) ?? Data()),
            note: String.fromDatabaseValue(row["note"]) ?? "")
        if number("checksum") == checksum(record, sequence, number("chain")) { found.record = record }
        return found
    }

    /// How large the store is now.
    package func sizes() async throws(StoreError) -> Sizes {
        try await file.read { database in
            func millis(_ sql: String) throws -> Timestamp? {
                try Int64.fetchOne(database, sql: sql).map { Timestamp(millis: $0) }
            }
            let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            return Sizes(
                usedBytes: (pages - free) * pageBytes,
                oldest: try millis("SELECT from_millis FROM records ORDER BY sequence LIMIT 1"),
                newest: try millis("SELECT to_millis FROM records ORDER BY sequence DESC LIMIT 1"))
        }
    }
}
