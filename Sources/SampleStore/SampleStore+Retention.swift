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
        /// Start of the oldest frame or chunk; nil when there is none.
        package var oldest: Timestamp?
        /// Start of the newest frame, or end of the newest chunk when there is no frame.
        package var newest: Timestamp?
    }

    /// What retention removed.
    package struct RetentionReport: Sendable, Equatable {
        /// Frames removed for age.
        package var framesByAge = 0
        /// Frames removed for size.
        package var framesBySize = 0
        /// Chunks removed for age.
        package var chunksByAge = 0
        /// Chunks removed for size.
        package var chunksBySize = 0
        /// Series that the catalogue forgot, since nothing is left of them.
        package var series = 0
        /// Edges removed.
        package var edges = 0
        /// Sessions without frames that were not seen for the whole age.
        package var sessions = 0
        /// The newest start of a frame or end of a chunk removed for size: before it, data are incomplete.
        package var incompleteBefore: Timestamp?
    }

    /// How large the store is now.
    package func sizes() async throws(StoreError) -> Sizes {
        try await file.read { database in
            let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let oldest = try [
                Int64.fetchOne(database, sql: "SELECT min(min_millis) FROM frames"),
                Int64.fetchOne(
                    database,
                    sql: """
                        SELECT min(min_millis) FROM chunks INDEXED BY chunks_by_window
                        WHERE window = (SELECT min(window) FROM chunks)
                        """),
            ].compactMap { $0 }.min()
            let newest =
                try Int64.fetchOne(database, sql: "SELECT max(min_millis) FROM frames")
                ?? Int64.fetchOne(database, sql: "SELECT max(max_millis) FROM chunks")
            return Sizes(
                usedBytes: (pages - free) * pageBytes, freeBytes: free * pageBytes,
                oldest: oldest.map { Timestamp(millis: $0) }, newest: newest.map { Timestamp(millis: $0) })
        }
    }

    /// Removes frames and chunks that ended more than `ageMax` ago, then the oldest ones until at most `bytesMax` are
    /// in use, and gives free pages back to the file system.
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
            let removed = try await remove("chunks", "max_millis < ? ORDER BY max_millis", [cutoff], limit: batch)
            report.chunksByAge += removed
            if removed < batch { break }
        }
        _ = try await remove("gaps", "max_millis < ?", [cutoff], limit: batch)
        _ = try await remove("clock_spans", "to_millis < ?", [cutoff], limit: batch)
        while !Task.isCancelled {
            let removed = try await remove("edges", "at_millis < ? ORDER BY at_millis", [cutoff], limit: batch)
            report.edges += removed
            if removed < batch { break }
        }
        try await removeForSize(bytesMax: bytesMax, batch: batch, &report)
        report.sessions = try await remove(
            "sessions", "seen_at < ? AND NOT EXISTS (SELECT 1 FROM frames WHERE session_id = sessions.id)", [cutoff],
            limit: batch)
        try await forgetSeries(before: cutoff, limit: batch, &report)
        try await giveBack()
        return report
    }

    private func removeForSize(bytesMax: Int, batch: Int, _ report: inout RetentionReport) async throws(StoreError) {
        while !Task.isCancelled {
            let sizes = try await sizes()
            guard sizes.usedBytes > bytesMax, sizes.oldest != nil else { return }
            let excess = sizes.usedBytes - bytesMax
            if let last = try await removeOldestChunks(bytes: excess, limit: batch, &report) {
                report.edges += try await remove("edges", "at_millis <= ? ORDER BY at_millis", [last], limit: batch)
                report.incompleteBefore = Timestamp(millis: last)
                continue
            }
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
                let (id, session, start): (Int64, Int64, Int64?) = try (
                    row.value(at: 0), row.value(at: 1), row.value(at: 2)
                )
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

    /// Removes the oldest chunks until so many bytes are free; nil when frames are older, or there are no chunks.
    private func removeOldestChunks(
        bytes: Int, limit: Int, _ report: inout RetentionReport
    ) async throws(StoreError) -> Int64? {
        let (removed, last) = try await file.write { database -> (Int, Int64?) in
            let oldestFrame = try Int64.fetchOne(database, sql: "SELECT min(min_millis) FROM frames") ?? .max
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT id, max_millis, length(payload) AS bytes FROM chunks WHERE max_millis <= ?
                    ORDER BY max_millis LIMIT ?
                    """, arguments: [oldestFrame, limit])
            var (freed, removed, last): (Int, Int, Int64?) = (0, 0, nil)
            for row in rows where freed < bytes {
                let (id, end, length): (Int64, Int64, Int) = try (
                    row.value("id"), row.value("max_millis"), row.value("bytes")
                )
                try database.cachedStatement(sql: "DELETE FROM chunks WHERE id = ?").execute(arguments: [id])
                (freed, removed, last) = (freed + length, removed + 1, end)
            }
            return (removed, last)
        }
        report.chunksBySize += removed
        return last
    }

    /// Takes groups of which nothing is left out of the catalogue, and their series.
    ///
    /// Finding the series is a pass through all of them, so a few groups of many wait for more.
    private func forgetSeries(
        before cutoff: Int64, limit: Int, _ report: inout RetentionReport
    ) async throws(StoreError) {
        report.series = try await file.write { database in
            let groups = try Int64.fetchAll(
                database,
                sql: """
                    SELECT id FROM series_groups WHERE noted_at < ?
                    AND NOT EXISTS (SELECT 1 FROM chunks WHERE group_id = series_groups.id)
                    AND NOT EXISTS (
                        SELECT 1 FROM agents
                        JOIN sessions ON sessions.cluster = agents.cluster AND sessions.node = agents.node
                        JOIN frames ON frames.session_id = sessions.id WHERE agents.id = series_groups.agent_id)
                    LIMIT ?
                    """, arguments: [cutoff, limit])
            let total = try Int.fetchOne(database, sql: "SELECT count(*) FROM series_groups") ?? 0
            guard !groups.isEmpty, groups.count >= min(limit, total / 100) else { return 0 }
            let list = groups.map(String.init).joined(separator: ",")
            try database.execute(sql: "DELETE FROM series WHERE group_id IN (\(list))")
            let removed = database.changesCount
            try database.execute(sql: "DELETE FROM series_groups WHERE id IN (\(list))")
            try database.execute(
                sql: "DELETE FROM metrics WHERE NOT EXISTS (SELECT 1 FROM series WHERE metric_id = metrics.id)")
            return removed
        }
        if report.series > 0 { catalogue.forget() }
    }

    private func remove(
        _ table: String, _ condition: String, _ values: [Int64], limit: Int
    ) async throws(StoreError) -> Int {
        let arguments = StatementArguments(values + [Int64(limit)])
        return try await file.write { [sessions] database in
            // In the transaction: an append behind it must not go on with a row that is gone.
            if table == "sessions" { sessions.forget() }
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
            // Whoever still reads goes before: then the log is shortened another time.
            try database.execute(sql: "PRAGMA busy_timeout = 0")
            let result = Result { try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            try database.execute(sql: "PRAGMA busy_timeout = 5000")
            _ = try result.get()
        }
    }
}
