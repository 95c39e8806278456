import GRDB
package import SQLiteFile
package import Telemetry

extension CellStore {
    /// What retention removed.
    package struct RetentionReport: Sendable, Equatable {
        /// Rows removed for age.
        package var rowsByAge = 0
        /// Rows removed for size.
        package var rowsBySize = 0
    }

    /// Removes what ended more than `ageMax` ago, then the oldest until at most `bytesMax` are in use, and gives free
    /// pages back to the file system.
    ///
    /// A chain goes as a whole, when its last block may: what is left is always the end of what was stored. To be
    /// called every minute or so.
    package func enforceRetention(
        now: Timestamp, ageMax: Duration, bytesMax: Int
    ) async throws(StoreError) -> RetentionReport {
        var report = RetentionReport()
        let cutoff = (now - ageMax).millis
        report.rowsByAge = try await file.write { database in
            let kept = try Int64.fetchOne(
                database, sql: "SELECT min(chain) FROM records WHERE to_millis >= ?", arguments: [cutoff])
            // Nothing is young enough: all goes but the last row, which tells where a gap begins.
            let last = try Int64.fetchOne(database, sql: "SELECT max(chain) FROM records")
            return try Self.remove(before: kept ?? last ?? 0, database)
        }
        while !Task.isCancelled {
            let excess = try await sizes().usedBytes - bytesMax
            guard excess > 0 else { break }
            let removed = try await file.write { database in try Self.removeOldest(bytes: excess, database) }
            report.rowsBySize += removed
            if removed == 0 { break }
        }
        if report.rowsByAge + report.rowsBySize > 0 {
            try await file.writeWithoutTransaction { try $0.execute(sql: "PRAGMA incremental_vacuum") }
        }
        return report
    }

    private static func remove(before sequence: Int64, _ database: Database) throws -> Int {
        try database.execute(sql: "DELETE FROM records WHERE sequence < ?", arguments: [sequence])
        return database.changesCount
    }

    /// Removes whole chains from the oldest on; the last chain stays.
    private static func removeOldest(bytes: Int, _ database: Database) throws -> Int {
        var freed = 0
        let cursor = try Row.fetchCursor(
            database, sql: "SELECT sequence, chain, length(body) AS bytes FROM records ORDER BY sequence LIMIT 2000")
        var border: Int64 = 0
        while let row = try cursor.next() {
            let (sequence, chain): (Int64, Int64) = try (row.value("sequence"), row.value("chain"))
            if sequence == chain { border = sequence }
            if freed >= bytes, sequence == chain { break }
            freed += try row.value("bytes")
        }
        return try remove(before: border, database)
    }
}
