import PostgresClient
import Telemetry

/// Turns answers into series where that needs arithmetic or the memory of earlier looks: values only, time is a
/// parameter.
struct LookReader {
    /// Age of the oldest transaction id at which the server takes no more writes: half the circle of 2³² less a reserve
    /// of three million (`SetTransactionIdLimit` in PostgreSQL's varsup.c; one million before version 14).
    static let wraparoundAge = 2_147_483_647.0 - 3_000_000
    /// Size from which the share of dead rows of a table matters (Coroot: more than half of a table beyond 1 GB).
    static let largeTableBytes = 1_073_741_824.0

    private var clock = WALClock()
    private var progress = ReplicationProgress()
    private var contactAt: Timestamp?
    private var idleSlots: [String: Timestamp] = [:]

    /// Series (without identity labels) and values of an answer.
    mutating func values(_ look: StatisticsLook, _ rows: PostgresRows, at time: Timestamp) -> [SeriesValue] {
        let values = look.mapping.values(rows)
        switch look.topic {
        case .server:
            if let position = rows.number("wal_written") { clock.note(position, at: time) }
            return values
        case .receiver: return values + receiver(rows, at: time)
        case .standbys: return values + standbys(rows, mapping: look.mapping, at: time)
        case .slots: return values + slots(rows, at: time)
        case .ages: return values + wraparound(rows)
        case .tables: return values + largeTables(rows)
        default: return values
        }
    }

    // MARK: Replication

    /// The standby's own lag, under the same names as a primary's view of it.
    private mutating func receiver(_ rows: PostgresRows, at time: Timestamp) -> [SeriesValue] {
        var values: [SeriesValue] = []
        let receives = rows.flag("receives") ?? false
        let streams = rows.flag("streams")
        if let streams, streams || receives { values.append((Series("pg_replication_receiving"), receives ? 1 : 0)) }
        if receives { contactAt = time - .milliseconds(Int64((rows.number("message_age") ?? 0) * 1000)) }
        guard let received = rows.number("received"), let replayed = rows.number("replayed") else { return values }
        clock.note(max(received, replayed), at: time)
        let step = progress.step("", replayed: replayed, end: received, at: time)
        var lag = seconds(step, replayed: replayed, reported: rows.number("replay_age"), at: time)
        if streams == true, !receives {
            // What the primary wrote since contact was lost is unknown; that there was none is.
            let since = contactAt ?? time
            contactAt = since
            lag = max(lag, (time - since).inSeconds)
        } else if streams == false, !receives {
            // Fed from an archive: what is not there yet can't be known, and the last commit's age says nothing alone.
            return values
        }
        values += [
            (Series("pg_replication_lag_bytes"), max(0, received - replayed)),
            (Series("pg_replication_lag_seconds"), lag),
            (Series("pg_replication_stalled_seconds"), step.stalledSeconds),
        ]
        return values
    }

    /// - Parameter reported: what the server itself says of the lag; it is never less than the truth where given.
    private func seconds(
        _ step: ReplicationProgress.Step, replayed: Double, reported: Double?, at time: Timestamp
    ) -> Double {
        guard step.isBehind else { return 0 }
        guard let age = clock.age(of: replayed, at: time) else { return max(0, reported ?? step.stalledSeconds) }
        guard let reported else { return age.seconds }
        return max(0, age.isKnown ? min(age.seconds, reported) : max(age.seconds, reported))
    }

    private mutating func standbys(
        _ rows: PostgresRows, mapping: SeriesMapping, at time: Timestamp
    ) -> [SeriesValue] {
        var values: [SeriesValue] = [(Series("pg_replication_standbys"), Double(rows.rows.count))]
        var worstLag = 0.0
        var worstStall = 0.0
        // "" is the standby that this server is itself.
        var seen: Set<String> = [""]
        for row in rows.rows.indices {
            guard let here = rows.number("here", row: row), let replayed = rows.number("replayed", row: row) else {
                continue
            }
            let labels = mapping.labelSet(rows, row: row)
            seen.insert(labels.description)
            let step = progress.step(labels.description, replayed: replayed, end: here, at: time)
            // The primary measures only what is confirmed: of a standby that stands still it repeats an old figure.
            let reported = step.hasMoved ? rows.number("reported", row: row) : nil
            let lag = seconds(step, replayed: replayed, reported: reported, at: time)
            worstLag = max(worstLag, lag)
            worstStall = max(worstStall, step.stalledSeconds)
            values.append((Series("pg_replication_lag_seconds", labels), lag))
            values.append((Series("pg_replication_stalled_seconds", labels), step.stalledSeconds))
        }
        progress.keep(seen)
        // Also without standbys, so that what was said of one that is gone ends.
        values.append((Series("pg_standbys_worst_lag_seconds"), worstLag))
        values.append((Series("pg_standbys_worst_stalled_seconds"), worstStall))
        return values
    }

    private mutating func slots(_ rows: PostgresRows, at time: Timestamp) -> [SeriesValue] {
        var values: [SeriesValue] = []
        var idle: [String: Timestamp] = [:]
        var worstInactive = 0.0
        var worstRetained = 0.0
        for row in rows.rows.indices {
            guard let name = rows.text("slot", row: row), let active = rows.number("active", row: row) else { continue }
            let labels: LabelSet = ["slot": name, "kind": rows.text("kind", row: row) ?? ""]
            var inactive = 0.0
            if active == 0 {
                let since = idleSlots[name] ?? time
                idle[name] = since
                inactive = rows.number("inactive", row: row) ?? max(0, (time - since).inSeconds)
            }
            worstInactive = max(worstInactive, inactive)
            worstRetained = max(worstRetained, rows.number("retained", row: row) ?? 0)
            values.append((Series("pg_replication_slot_inactive_seconds", labels), max(0, inactive)))
        }
        idleSlots = idle
        values.append((Series("pg_slots_worst_inactive_seconds"), worstInactive))
        values.append((Series("pg_slots_worst_retained_bytes"), worstRetained))
        return values
    }

    // MARK: Maintenance

    private func wraparound(_ rows: PostgresRows) -> [SeriesValue] {
        let ages = rows.rows.indices.flatMap { row in
            ["xid_age", "mxid_age"].compactMap { rows.number($0, row: row) }
        }
        return ages.max().map { [(Series("pg_wraparound_ratio"), $0 / Self.wraparoundAge)] } ?? []
    }

    /// The worst of the large tables: a small one is rewritten in no time.
    private func largeTables(_ rows: PostgresRows) -> [SeriesValue] {
        let shares = rows.rows.indices.compactMap { row -> Double? in
            guard let bytes = rows.number("bytes", row: row), bytes >= Self.largeTableBytes else { return nil }
            return rows.number("dead_share", row: row)
        }
        return [(Series("pg_large_table_dead_ratio"), shares.max() ?? 0)]
    }
}
