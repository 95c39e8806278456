/// One statement about one topic, how often it is asked, and how its columns become series.
///
/// Each topic has a statement of its own, so that one that fails (a grant, a version, a timeout) takes no other with
/// it.
struct StatisticsLook: Sendable {
    /// What a statement is about; the raw value is the words for it in remarks.
    enum Topic: String, CaseIterable, Sendable {
        case server = "the server's counters"
        case databases = "counters of databases"
        case clients = "sessions by client"
        case receiver = "this standby's replication"
        case standbys = "standbys"
        case slots = "replication slots"
        case sizes = "sizes of databases"
        case ages = "ages of transaction ids"
        case horizon = "what holds up vacuum"
        case maintenance = "vacuum workers and prepared transactions"
        case walFolder = "the WAL folder"
        case tables = "tables that wait for vacuum"
        case statements = "figures by statement"
    }

    /// The topic.
    var topic: Topic
    /// Whether it is asked in every round; else at the configuration's `statisticsInterval`.
    var isEveryRound = false
    /// How its columns become series, as far as that needs no arithmetic (see `LookReader`).
    var mapping: SeriesMapping
    /// The statement, or nil where the server or our role has no such thing.
    var sql: @Sendable (ServerFacts) -> String?

    /// The statements in the order in which they are asked: those of every round first.
    static let all: [StatisticsLook] = [
        server, databases, clients, receiver, standbys, slots, sizes, ages, horizon, maintenance, walFolder, tables,
        statements,
    ]
}

extension StatisticsLook {
    /// Position in the WAL: of a standby, what it has replayed.
    static let hereSQL = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"

    /// Most databases reported; the oldest come first, so the choice is stable.
    static let databasesMax = 100

    /// Start, position, time line, archiver and checkpoints: one row.
    ///
    /// A file of time line history counts as a failure like a segment of WAL. `failing` is the archiver's own view: the
    /// last thing it tried failed, and it tries the same again until it succeeds.
    private static let server = StatisticsLook(
        topic: .server, isEveryRound: true,
        mapping: SeriesMapping([
            "started_at": "pg_postmaster_start_time_seconds", "wal_written": "pg_wal_written_bytes_total",
            "timeline": "pg_timeline", "archived": "pg_stat_archiver_archived_count",
            "failed": "pg_stat_archiver_failed_count", "failing": "pg_archiver_failing",
            "archive_age": "pg_archiver_last_archived_age_seconds",
            "timed": "pg_checkpoints_timed_total", "requested": "pg_checkpoints_requested_total",
            "write_seconds": "pg_checkpoint_write_seconds_total", "sync_seconds": "pg_checkpoint_sync_seconds_total",
            "buffers": "pg_checkpoint_buffers_written_total",
        ]),
        sql: { facts in
            // The counters moved in version 17.
            let (view, columns) =
                facts.version >= 170_000
                ? ("pg_stat_checkpointer", ("num_timed", "num_requested", "write_time", "sync_time", "buffers_written"))
                : (
                    "pg_stat_bgwriter",
                    (
                        "checkpoints_timed", "checkpoints_req", "checkpoint_write_time", "checkpoint_sync_time",
                        "buffers_checkpoint"
                    )
                )
            let archives = facts.archives ? "true" : "false"
            return """
                SELECT extract(epoch FROM pg_postmaster_start_time()) AS started_at,
                  CASE WHEN NOT pg_is_in_recovery()
                    THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END AS wal_written,
                  CASE WHEN pg_is_in_recovery()
                    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                      (SELECT timeline_id FROM pg_control_checkpoint()))
                    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline,
                  (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
                  CASE WHEN \(archives) THEN a.archived_count END AS archived,
                  CASE WHEN \(archives) THEN a.failed_count END AS failed,
                  CASE WHEN \(archives) THEN
                    (coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL))::int
                    END AS failing,
                  CASE WHEN \(archives) AND a.last_archived_time IS NOT NULL THEN
                    greatest(0, extract(epoch FROM statement_timestamp() - a.last_archived_time)) END AS archive_age,
                  c.\(columns.0) AS timed, c.\(columns.1) AS requested, c.\(columns.2) / 1000.0 AS write_seconds,
                  c.\(columns.3) / 1000.0 AS sync_seconds, c.\(columns.4) AS buffers
                FROM pg_stat_archiver a, \(view) c
                """
        })

    private static let databases = StatisticsLook(
        topic: .databases, isEveryRound: true,
        mapping: SeriesMapping(
            labels: ["datname"],
            [
                "xact_commit": "pg_stat_database_xact_commit", "xact_rollback": "pg_stat_database_xact_rollback",
                "deadlocks": "pg_stat_database_deadlocks", "conflicts": "pg_stat_database_conflicts",
                "temp_files": "pg_stat_database_temp_files", "temp_bytes": "pg_stat_database_temp_bytes",
                "blks_hit": "pg_stat_database_blks_hit", "blks_read": "pg_stat_database_blks_read",
                "checksum_failures": "pg_stat_database_checksum_failures",
                "sessions_abandoned": "pg_stat_database_sessions_abandoned",
                "sessions_fatal": "pg_stat_database_sessions_fatal",
                "sessions_killed": "pg_stat_database_sessions_killed",
            ]),
        sql: { facts in
            let sessions = facts.version >= 140_000 ? ", s.sessions_abandoned, s.sessions_fatal, s.sessions_killed" : ""
            return """
                SELECT s.datname AS datname, s.xact_commit, s.xact_rollback, s.deadlocks, s.conflicts, s.temp_files,
                  s.temp_bytes, s.blks_hit, s.blks_read, s.checksum_failures\(sessions)
                FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
                WHERE d.datallowconn AND NOT d.datistemplate
                ORDER BY d.oid LIMIT \(databasesMax)
                """
        })

    /// Most clients reported, those with most sessions.
    private static let clientsMax = 100

    private static let clients = StatisticsLook(
        topic: .clients, isEveryRound: true,
        mapping: SeriesMapping(labels: ["client"], ["sessions": "pg_client_sessions"]),
        sql: { facts in
            guard facts.seesAll else { return nil }
            return """
                SELECT coalesce(host(client_addr), 'local') AS client, count(*) AS sessions
                FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT \(clientsMax)
                """
        })

    /// The server then reads the length of every file of every database.
    ///
    /// A size needs `pg_read_all_stats` or the right to connect; where both lack it is NULL instead of an error.
    private static let sizes = StatisticsLook(
        topic: .sizes, mapping: SeriesMapping(labels: ["datname"], ["size": "pg_database_size_bytes"]),
        sql: { _ in
            """
            SELECT d.datname AS datname, CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
                OR has_database_privilege(current_user, d.oid, 'CONNECT') THEN pg_database_size(d.oid) END AS size
            FROM pg_database d WHERE d.datallowconn AND NOT d.datistemplate
            ORDER BY d.oid LIMIT \(databasesMax)
            """
        })

    /// All databases, those included that nobody can connect to: the server stops for the oldest of them.
    private static let ages = StatisticsLook(
        topic: .ages,
        mapping: SeriesMapping(
            labels: ["datname"], ["xid_age": "pg_database_xid_age", "mxid_age": "pg_database_mxid_age"]),
        sql: { _ in
            """
            SELECT datname, age(datfrozenxid) AS xid_age, mxid_age(datminmxid) AS mxid_age
            FROM pg_database ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC LIMIT \(databasesMax)
            """
        })
}
