extension StatisticsLook {
    /// Who keeps the oldest snapshot: vacuum removes nothing that died after it.
    static let horizon = StatisticsLook(
        topic: .horizon, mapping: SeriesMapping(labels: ["holder"], ["age": "pg_oldest_xmin_age"]),
        sql: { _ in
            """
            SELECT 'session' AS holder, coalesce(max(greatest(age(backend_xmin), age(backend_xid))), 0) AS age
              FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
            UNION ALL SELECT 'standby', coalesce(max(age(backend_xmin)), 0) FROM pg_stat_replication
            UNION ALL SELECT 'slot', coalesce(max(greatest(age(xmin), age(catalog_xmin))), 0) FROM pg_replication_slots
            UNION ALL SELECT 'prepared', coalesce(max(age(transaction)), 0) FROM pg_prepared_xacts
            """
        })

    static let maintenance = StatisticsLook(
        topic: .maintenance,
        mapping: SeriesMapping([
            "prepared": "pg_prepared_transactions", "oldest_prepared": "pg_oldest_prepared_transaction_seconds",
            "vacuums": "pg_vacuums_running", "workers": "pg_settings_autovacuum_max_workers",
        ]),
        sql: { _ in
            """
            SELECT count(*) AS prepared,
              coalesce(greatest(0, extract(epoch FROM statement_timestamp() - min(prepared))), 0) AS oldest_prepared,
              (SELECT count(*) FROM pg_stat_progress_vacuum) AS vacuums,
              current_setting('autovacuum_max_workers') AS workers
            FROM pg_prepared_xacts
            """
        })

    /// Size of the WAL on disk, and segments that wait for the archiver.
    static let walFolder = StatisticsLook(
        topic: .walFolder,
        mapping: SeriesMapping(["bytes": "pg_wal_folder_bytes", "ready": "pg_archiver_ready_files"]),
        sql: { facts in
            guard facts.readsWALFolder else { return nil }
            let ready =
                facts.archives
                ? "(SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')" : "NULL::bigint"
            return "SELECT sum(size) AS bytes, \(ready) AS ready FROM pg_ls_waldir()"
        })

    /// Tables reported, and dead rows below which a table is not: it is vacuumed in no time.
    static let tablesMax = 20
    private static let deadRowsMin = 1000

    /// The tables of our session's database that are furthest beyond the number of dead rows at which autovacuum starts
    /// (PostgreSQL documentation, 25.1.6), settings of the table itself considered; debt 1 is when it starts.
    ///
    /// Sizes are those of the last vacuum or analyze: asking for the present ones would take a lock on the table.
    static let tables = StatisticsLook(
        topic: .tables,
        mapping: SeriesMapping(
            labels: ["datname", "schema", "table"],
            [
                "debt": "pg_table_vacuum_debt", "dead": "pg_table_dead_rows", "dead_share": "pg_table_dead_ratio",
                "bytes": "pg_table_bytes", "vacuum_age": "pg_table_last_vacuum_age_seconds",
            ]),
        sql: { facts in
            // A limit for large tables is there since version 18; -1 switches it off.
            let atMost =
                facts.version >= 180_000
                ? """
                coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                    WHERE option_name = 'autovacuum_vacuum_max_threshold'),
                  current_setting('autovacuum_vacuum_max_threshold')::float8)
                """ : "-1.0"
            return """
                WITH dirty AS MATERIALIZED (
                  SELECT s.schemaname, s.relname, s.n_dead_tup, s.n_live_tup, s.last_vacuum, s.last_autovacuum,
                    c.relpages, greatest(c.reltuples, 0) AS rows, \(atMost) AS at_most,
                    coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                        WHERE option_name = 'autovacuum_vacuum_threshold'),
                      current_setting('autovacuum_vacuum_threshold')::float8) AS base,
                    coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                        WHERE option_name = 'autovacuum_vacuum_scale_factor'),
                      current_setting('autovacuum_vacuum_scale_factor')::float8) AS scale
                  FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
                  WHERE s.n_dead_tup >= \(deadRowsMin)
                )
                SELECT current_database() AS datname, schemaname AS schema, relname AS table, n_dead_tup AS dead,
                  n_dead_tup / greatest(1, CASE WHEN at_most >= 0 THEN least(at_most, base + scale * rows)
                    ELSE base + scale * rows END) AS debt,
                  n_dead_tup::float8 / (n_dead_tup + n_live_tup) AS dead_share,
                  relpages * current_setting('block_size')::bigint AS bytes,
                  extract(epoch FROM statement_timestamp() - greatest(last_vacuum, last_autovacuum)) AS vacuum_age
                FROM dirty ORDER BY debt DESC, 2, 3 LIMIT \(tablesMax)
                """
        })

    /// Statements reported, those that took most time since the server's statistics began.
    static let statementsMax = 20

    /// Counters by statement, without its text: that stays on the server, where `queryid` finds it.
    static let statements = StatisticsLook(
        topic: .statements,
        mapping: SeriesMapping(
            labels: ["queryid", "datname", "user"],
            [
                "calls": "pg_stat_statements_calls_total", "seconds": "pg_stat_statements_seconds_total",
                "rows": "pg_stat_statements_rows_total", "hit": "pg_stat_statements_blocks_hit_total",
                "read": "pg_stat_statements_blocks_read_total",
                "temp": "pg_stat_statements_temp_blocks_written_total",
            ]),
        sql: { facts in
            guard let schema = facts.statementsSchema, facts.loadsStatements, facts.seesAll else { return nil }
            let time = facts.version >= 130_000 ? "total_exec_time" : "total_time"
            return """
                WITH statements AS MATERIALIZED (
                  SELECT queryid, dbid, userid, sum(calls) AS calls, sum(\(time)) / 1000 AS seconds, sum(rows) AS rows,
                    sum(shared_blks_hit) AS hit, sum(shared_blks_read) AS read, sum(temp_blks_written) AS temp
                  FROM \(schema).pg_stat_statements(false) WHERE queryid IS NOT NULL
                  GROUP BY queryid, dbid, userid ORDER BY seconds DESC LIMIT \(statementsMax)
                )
                SELECT s.queryid, d.datname, pg_get_userbyid(s.userid) AS user, s.calls, s.seconds, s.rows, s.hit,
                  s.read, s.temp
                FROM statements s JOIN pg_database d ON d.oid = s.dbid
                """
        })
}
