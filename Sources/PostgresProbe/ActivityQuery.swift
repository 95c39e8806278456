import PostgresClient
import Telemetry

/// The statement of every round: settings, sessions, waits and locks, in one row.
///
/// The runbook's three queries, made right: client backends other than our own; ages of idle sessions don't count;
/// waits are real ones of active sessions. `pg_locks` takes the lock manager's own locks, so it is asked only when
/// somebody waits.
enum ActivityQuery {
    /// The runbook's limit for a long query.
    static let longQuerySeconds = 300

    /// States that always get a sample, so that a state nobody is in reads 0.
    private static let states: [(column: String, state: String)] = [
        ("active", "active"), ("idle", "idle"), ("idle_in_transaction", "idle in transaction"),
        ("idle_in_transaction_aborted", "idle in transaction (aborted)"), ("fastpath", "fastpath function call"),
    ]

    /// Waits for something inside the server.
    ///
    /// Not `Client` and `Activity`: idle sessions wait for their next statement.
    private static let waitTypes = ["Lock", "LWLock", "IO", "BufferPin", "IPC"]

    /// The SQL for a server version (`server_version_num`).
    static func sql(serverVersion: Int) -> String {
        // The start of a lock wait is known since version 14; before that, the session's last change of state is near
        // it.
        let waitStart = serverVersion >= 140_000 ? "l.waitstart" : "a.state_changed"
        let stateCounts = states.map { "count(*) FILTER (WHERE state = '\($0.state)') AS state_\($0.column)" }
        let waitCounts = waitTypes.map {
            "count(*) FILTER (WHERE state = 'active' AND wait = '\($0)') AS wait_\($0.lowercased())"
        }
        return """
            WITH activity AS MATERIALIZED (
              SELECT pid, state, wait_event_type AS wait, wait_event AS event,
                backend_type IS NULL AS hidden, state_change AS state_changed,
                extract(epoch FROM statement_timestamp() - query_start) AS query_age,
                extract(epoch FROM statement_timestamp() - xact_start) AS transaction_age,
                extract(epoch FROM statement_timestamp() - state_change) AS state_age
              FROM pg_stat_activity
              WHERE pid <> pg_backend_pid()
                AND (backend_type = 'client backend'
                  OR backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL)
            ), waiters AS MATERIALIZED (
              SELECT l.pid, coalesce(max(extract(epoch FROM statement_timestamp() - \(waitStart))), 0) AS age
              FROM pg_locks l JOIN activity a ON a.pid = l.pid
              WHERE NOT l.granted AND (SELECT bool_or(wait = 'Lock' OR hidden) FROM activity)
              GROUP BY l.pid
            )
            SELECT
              current_setting('server_version_num') AS server_version,
              pg_is_in_recovery()::int AS in_recovery,
              current_setting('max_connections') AS max_connections,
              current_setting('superuser_reserved_connections')::int
                + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved_connections,
              pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
              count(*) AS clients,
              \((stateCounts + waitCounts).joined(separator: ",\n  ")),
              greatest(0, max(query_age) FILTER (WHERE state = 'active')) AS longest_query,
              greatest(0, max(transaction_age)) AS longest_transaction,
              greatest(0, max(state_age) FILTER (WHERE state LIKE 'idle in transaction%')) AS longest_idle_in_transaction,
              count(*) FILTER (WHERE state = 'active' AND query_age > \(longQuerySeconds)) AS long_queries,
              (SELECT count(*) FROM waiters) AS waiting,
              (SELECT greatest(0, max(age)) FROM waiters) AS longest_wait,
              count(*) FILTER (WHERE event = 'SyncRep') AS commit_waiters
            FROM activity
            """
    }

    /// Column, metric and one further label of each value that any role may see.
    private static let open: [(column: String, metric: String)] = [
        ("server_version", "pg_server_version"), ("in_recovery", "pg_in_recovery"),
        ("max_connections", "pg_settings_max_connections"),
        ("reserved_connections", "pg_settings_reserved_connections"), ("clients", "pg_client_connections"),
        ("waiting", "pg_locks_waiting"), ("longest_wait", "pg_longest_lock_wait_seconds"),
    ]

    /// The same for values that are right only for a role that sees other roles' sessions.
    private static let restricted: [(column: String, metric: String)] = [
        ("longest_query", "pg_longest_query_seconds"), ("longest_transaction", "pg_longest_transaction_seconds"),
        ("longest_idle_in_transaction", "pg_longest_idle_in_transaction_seconds"), ("long_queries", "pg_long_queries"),
        ("commit_waiters", "pg_synchronous_commit_waiters"),
    ]

    /// Series (without identity labels) and values of an answer.
    ///
    /// Without `sees_all` the server hides states and ages of other roles' sessions: those series are left out, because
    /// a zero would be a lie.
    static func values(_ answer: PostgresRows) -> [SeriesValue] {
        var values: [SeriesValue] = []
        func add(_ column: String, _ metric: String, _ labels: LabelSet = LabelSet()) {
            if let number = answer.number(column) { values.append((Series(metric, labels), number)) }
        }
        for (column, metric) in open { add(column, metric) }
        guard answer.flag("sees_all") == true else { return values }
        for (column, metric) in restricted { add(column, metric) }
        for (column, state) in states { add("state_\(column)", "pg_stat_activity_count", ["state": state]) }
        for type in waitTypes { add("wait_\(type.lowercased())", "pg_active_waits", ["wait_event_type": type]) }
        return values
    }
}
