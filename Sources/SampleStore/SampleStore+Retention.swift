import GRDB
package import SQLiteFile
package import Telemetry

extension SampleStore {
    /// How large the store is.
    package struct Sizes: Sendable, Equatable {
        /// Bytes of pages in use.
        package var usedBytes = 0
        /// Bytes of pages that are free for reuse.
        package var freeBytes = 0
        /// Start of the oldest frame; nil when there is none.
        package var oldest: Timestamp?
        /// Start of the newest frame.
        package var newest: Timestamp?
    }

    /// What retention removed.
    package struct RetentionReport: Sendable, Equatable {
        /// Frames removed for age.
        package var framesByAge = 0
        /// Frames removed for size.
        package var framesBySize = 0
        /// Edges removed.
        package var edges = 0
        /// Sessions without frames that were not seen for the whole age.
        package var sessions = 0
        /// The start of the newest frame removed for size: before it, data are incomplete.
        package var incompleteBefore: Timestamp?
    }

    /// How large the store is now.
    package func sizes() async throws(StoreError) -> Sizes {
        try await file.read { database in
            let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let oldest = try Int64.fetchOne(database, sql: "SELECT min(min_millis) FROM frames")
            let newest = try Int64.fetchOne(database, sql: "SELECT max(min_millis) FROM frames")
            return Sizes(
                usedBytes: (pages - free) * pageBytes, freeBytes: free * pageBytes,
                oldest: oldest.map { Timestamp(millis: $0) }, newest: newest.map { Timestamp(millis: $0) })
        }
    }

    /// Removes frames that ended more than `ageMax` ago, then the oldest ones until at most `bytesMax` are in use, and
    /// gives free pages back to the file system.
    ///
    /// Works in transactions of at most `batchFrames` frames, so that appends get between; to be called every minute
    /// or so. Stops early when the task is cancelled.
    package func enforceRetention(
        now: Timestamp, ageMax: Duration, bytesMax: Int, batchFrames: Int = 500
    ) async throws(StoreError) -> RetentionReport {
        let batch = max(1, batchFrames)
        let cutoff = (now - ageMax).millis
        var report = RetentionReport()
        while !Task.isCancelled {
            // A frame that a younger one builds on stays as long as that.
            let removed = try await remove(
                "frames",
                """
                min_millis < ? AND max_millis < ? AND (chain_start IS NULL OR NOT EXISTS (
                    SELECT 1 FROM frames AS other WHERE other.session_id = frames.session_id
                    AND other.chain_start = frames.chain_start AND other.max_millis >= ?)) ORDER BY min_millis
                """, [cutoff, cutoff, cutoff], limit: batch)
            report.framesByAge += removed
            if removed < batch { break }
        }
        while !Task.isCancelled {
            let removed = try await remove("edges", "at_millis < ? ORDER BY at_millis", [cutoff], limit: batch)
            report.edges += removed
            if removed < batch { break }
        }
        try await removeForSize(bytesMax: bytesMax, batch: batch, &report)
        report.sessions = try await remove(
            "sessions", "seen_at < ? AND NOT EXISTS (SELECT 1 FROM frames WHERE session_id = sessions.id)", [cutoff],
            limit: batch)
        try await giveBack()
        return report
    }

    private func removeForSize(bytesMax: Int, batch: Int, _ report: inout RetentionReport) async throws(StoreError) {
        while !Task.isCancelled {
            let sizes = try await sizes()
            guard sizes.usedBytes > bytesMax, sizes.oldest != nil else { return }
            // The last frame of the batch tells how far the edges go with it.
            let last = try await file.read { database in
                try Int64.fetchAll(
                    database, sql: "SELECT min_millis FROM frames ORDER BY min_millis LIMIT ?", arguments: [batch]
                ).last
            }
            guard let last else { return }
            report.framesBySize += try await removeOldestChains(through: last, limit: batch)
            report.edges += try await remove("edges", "at_millis <= ? ORDER BY at_millis", [last], limit: batch)
            report.incompleteBefore = Timestamp(millis: last)
        }
    }

    /// Removes the oldest frames with all that build on them.
    private func removeOldestChains(through millis: Int64, limit: Int) async throws(StoreError) -> Int {
        try await file.write { database in
            let oldest = try Row.fetchAll(
                database,
                sql: "SELECT id, session_id, chain_start FROM frames WHERE min_millis <= ? ORDER BY min_millis LIMIT ?",
                arguments: [millis, limit])
            var removed = 0
            for row in oldest {
                let (id, session, start): (Int64, Int64, Int64?) = (row[0], row[1], row[2])
                if let start {
                    try database.cachedStatement(sql: "DELETE FROM frames WHERE session_id = ? AND chain_start = ?")
                        .execute(arguments: [session, start])
                } else {
                    try database.cachedStatement(sql: "DELETE FROM frames WHERE id = ?").execute(arguments: [id])
                }
                removed += database.changesCount
            }
            return removed
        }
    }

    private func remove(
        _ table: String, _ condition: String, _ values: [Int64], limit: Int
    ) async throws(StoreError) -> Int {
        let arguments = StatementArguments(values + [Int64(limit)])
        return try await file.write { database in
            try database.execute(
                sql: "DELETE FROM \(table) WHERE id IN (SELECT id FROM \(table) WHERE \(condition) LIMIT ?)",
                arguments: arguments)
            return database.changesCount
        }
    }

    /// Shortens the file in steps, then folds the log into it as far as readers allow.
    private func giveBack() async throws(StoreError) {
        var before = Int.max
        while !Task.isCancelled {
            let free = try await file.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA incremental_vacuum(2000)")
                return try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            }
            if free == 0 || free >= before { break }
            before = free
        }
        try await file.writeWithoutTransaction { database in
            _ = try database.checkpoint(.passive)
        }
    }
}
