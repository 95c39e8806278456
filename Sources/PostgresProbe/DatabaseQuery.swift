import PostgresClient
import Telemetry

/// The statement for the counters of each database and, at a slower cadence, its size.
enum DatabaseQuery {
    /// Most databases reported; the oldest come first, so the choice is stable.
    static let databasesMax = 100

    /// Parameter 1 is `true` when sizes are wanted: the server then reads the length of every file of every database.
    ///
    /// A size needs `pg_read_all_stats` or the right to connect; where both lack it is NULL instead of an error.
    static let sql = """
        SELECT s.datname AS datname, s.xact_commit, s.xact_rollback, s.deadlocks, s.temp_bytes, s.blks_hit, s.blks_read,
          CASE WHEN $1::bool AND (pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
              OR has_database_privilege(current_user, d.oid, 'CONNECT'))
            THEN pg_database_size(d.oid) END AS size
        FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
        WHERE d.datallowconn AND NOT d.datistemplate
        ORDER BY d.oid LIMIT \(databasesMax)
        """

    private static let counters = ["xact_commit", "xact_rollback", "deadlocks", "temp_bytes", "blks_hit", "blks_read"]

    /// Series (without identity labels) and values of an answer, sizes left out.
    static func counters(_ answer: PostgresRows) -> [(series: Series, value: Double)] {
        answer.rows.indices.flatMap { row -> [(series: Series, value: Double)] in
            guard let name = answer.text("datname", row: row) else { return [] }
            return counters.compactMap { column in
                answer.number(column, row: row).map { (Series("pg_stat_database_\(column)", ["datname": name]), $0) }
            }
        }
    }

    /// Sizes in bytes by database, where the answer has them.
    static func sizes(_ answer: PostgresRows) -> [(name: String, bytes: Double)] {
        answer.rows.indices.compactMap { row in
            guard let name = answer.text("datname", row: row), let bytes = answer.number("size", row: row) else {
                return nil
            }
            return (name, bytes)
        }
    }
}
