import PostgresClient
import Telemetry

/// The statement for who waits for whom, asked only while somebody waits.
///
/// `pg_blocking_pids` takes the lock manager's own locks for each call, so it is asked for the longest waits alone.
enum BlockingQuery {
    /// Longest waits looked at.
    static let waitersMax = 50
    /// Roots reported with who they are, those with most victims.
    static let rootsMax = 5
    /// Pairs of victim and blocker read; many holders of a shared lock make many pairs.
    private static let pairsMax = 900

    /// The SQL for a server version (`server_version_num`).
    static func sql(serverVersion: Int) -> String {
        // The start of a lock wait is known since version 14; before that, the session's last change of state is near.
        let waitStart = serverVersion >= 140_000 ? "l.waitstart" : "a.state_change"
        return """
            WITH waiters AS MATERIALIZED (
              SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
              WHERE NOT l.granted GROUP BY l.pid ORDER BY min(\(waitStart)), l.pid LIMIT \(waitersMax)
            ), pairs AS MATERIALIZED (
              SELECT DISTINCT w.pid AS victim, b.pid AS blocker
              FROM waiters w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b(pid) LIMIT \(pairsMax)
            )
            SELECT p.victim, p.blocker, a.usename AS user, a.application_name AS application,
              coalesce(host(a.client_addr), 'local') AS client, a.state
            FROM pairs p LEFT JOIN pg_stat_activity a ON a.pid = p.blocker
            """
    }

    /// The series of nobody waiting.
    static let none: [SeriesValue] = [
        (Series("pg_lock_blockers"), 0), (Series("pg_lock_victims"), 0), (Series("pg_lock_chain_depth"), 0),
    ]

    /// Series (without identity labels) and values of an answer.
    static func values(_ answer: PostgresRows) -> [SeriesValue] {
        var waits: [BlockingTree.Wait] = []
        var labels: [Int: LabelSet] = [:]
        for row in answer.rows.indices {
            guard let victim = answer.number("victim", row: row), let blocker = answer.number("blocker", row: row)
            else { continue }
            waits.append(BlockingTree.Wait(victim: Int(victim), blocker: Int(blocker)))
            labels[Int(blocker)] = who(answer, row: row, pid: Int(blocker))
        }
        let tree = BlockingTree(waits)
        var values: [SeriesValue] = [
            (Series("pg_lock_blockers"), Double(tree.roots.count)), (Series("pg_lock_victims"), Double(tree.victims)),
            (Series("pg_lock_chain_depth"), Double(tree.depth)),
        ]
        for root in tree.roots.prefix(rootsMax) {
            values.append((Series("pg_lock_root_victims", labels[root.pid] ?? LabelSet()), Double(root.victims)))
        }
        return values
    }

    /// Process id 0 is a prepared transaction, which has no session.
    private static func who(_ answer: PostgresRows, row: Int, pid: Int) -> LabelSet {
        guard pid != 0 else { return ["pid": "prepared"] }
        var labels: LabelSet = ["pid": String(pid)]
        for name in ["user", "application", "client", "state"] { labels[name] = answer.text(name, row: row) }
        return labels
    }
}
