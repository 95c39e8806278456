extension StatisticsLook {
    /// Most standbys and most slots reported.
    private static let peersMax = 50

    /// A standby's own view.
    ///
    /// `latest_end_lsn` is what the primary said last of its own position; between two of its
    /// messages our own received position may be ahead of it.
    static let receiver = StatisticsLook(
        topic: .receiver, isEveryRound: true, mapping: SeriesMapping(["paused": "pg_replay_paused"]),
        sql: { facts in
            guard facts.inRecovery else { return nil }
            let streams = facts.readsSettings ? "(current_setting('primary_conninfo') <> '')" : "NULL::bool"
            return """
                SELECT \(streams) AS streams, r.pid IS NOT NULL AS receives,
                  greatest(pg_wal_lsn_diff(r.latest_end_lsn, '0/0'), pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0'))
                    AS received,
                  pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS replayed,
                  extract(epoch FROM statement_timestamp() - pg_last_xact_replay_timestamp()) AS replay_age,
                  extract(epoch FROM statement_timestamp() - r.last_msg_receipt_time) AS message_age,
                  CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused()::int END AS paused
                FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver r ON true
                """
        })

    /// The servers that stream from this one, base backups left out; of several with one name and address the one
    /// furthest behind.
    ///
    /// Without `pg_read_all_stats` positions are NULL, and so there are no samples.
    static let standbys = StatisticsLook(
        topic: .standbys, isEveryRound: true,
        mapping: SeriesMapping(
            labels: ["standby", "client"],
            [
                "behind": "pg_replication_lag_bytes", "unflushed": "pg_replication_flush_lag_bytes",
                "streaming": "pg_replication_streaming", "synchronous": "pg_replication_synchronous",
            ]),
        sql: { facts in
            guard facts.seesAll else { return nil }
            return """
                WITH here AS MATERIALIZED (
                  SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                    ELSE pg_current_wal_lsn() END, '0/0') AS at
                )
                SELECT coalesce(nullif(r.application_name, ''), 'unnamed') AS standby,
                  coalesce(host(r.client_addr), 'local') AS client, h.at AS here,
                  min(pg_wal_lsn_diff(r.replay_lsn, '0/0')) AS replayed,
                  greatest(0, h.at - min(pg_wal_lsn_diff(r.replay_lsn, '0/0'))) AS behind,
                  greatest(0, h.at - min(pg_wal_lsn_diff(r.flush_lsn, '0/0'))) AS unflushed,
                  extract(epoch FROM max(r.replay_lag)) AS reported,
                  bool_and(r.state = 'streaming')::int AS streaming,
                  bool_or(r.sync_state IN ('sync', 'quorum'))::int AS synchronous
                FROM pg_stat_replication r, here h
                WHERE r.state IS DISTINCT FROM 'backup'
                GROUP BY 1, 2, 3 ORDER BY 1, 2 LIMIT \(peersMax)
                """
        })

    /// Slots that stay, with what they hold back.
    ///
    /// `inactive` is known to the server since version 17; before, the
    /// reader counts from when it saw the slot without a consumer.
    static let slots = StatisticsLook(
        topic: .slots, isEveryRound: true,
        mapping: SeriesMapping(
            labels: ["slot", "kind"],
            [
                "active": "pg_replication_slot_active", "retained": "pg_replication_slot_retained_bytes",
                "lost": "pg_replication_slot_lost", "safe": "pg_replication_slot_safe_bytes",
                "xmin_age": "pg_replication_slot_xmin_age",
            ]),
        sql: { facts in
            let inactive =
                facts.version >= 170_000
                ? "CASE WHEN NOT active THEN extract(epoch FROM statement_timestamp() - inactive_since) END"
                : "NULL::numeric"
            let health =
                facts.version >= 130_000 ? "(wal_status = 'lost')::int AS lost, safe_wal_size AS safe," : ""
            return """
                SELECT slot_name AS slot, slot_type AS kind, active::int AS active, \(health)
                  \(inactive) AS inactive,
                  CASE WHEN restart_lsn IS NOT NULL
                    THEN greatest(0, pg_wal_lsn_diff(\(hereSQL), restart_lsn)) END AS retained,
                  greatest(age(xmin), age(catalog_xmin)) AS xmin_age
                FROM pg_replication_slots WHERE NOT temporary
                ORDER BY pg_wal_lsn_diff(\(hereSQL), restart_lsn) DESC NULLS LAST, slot_name LIMIT \(peersMax)
                """
        })
}
