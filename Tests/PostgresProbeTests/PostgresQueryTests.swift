import PostgresClient
import PostgresProbe
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// The operator's own statements and the login table, on one real cluster.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PostgresQueryTests {
    private static let shared = Task {
        let cluster = try await ProbeBench.cluster()
        try await cluster.execute("CREATE TABLE bets (currency text, stake numeric); GRANT SELECT ON bets TO tocsin")
        try await cluster.execute("INSERT INTO bets VALUES ('EUR', 10), ('EUR', 20.5), ('SEK', 100), (NULL, 1)")
        try await cluster.execute("CREATE TABLE secrets (value text)")
        try await cluster.execute("CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO tocsin")
        try await cluster.execute("GRANT INSERT, DELETE ON bets TO tocsin")
        return cluster
    }

    private func round(_ queries: [CustomQuery]) async throws -> (report: ProbeReport, remarks: [String]) {
        let cluster = try await Self.shared.value
        let probe = ProbeBench.queryProbe(cluster, queries: queries)
        let report = await probe.round()
        #expect(report.outcome == .success)
        let remarks = await probe.remarks
        // Whatever the query did, the session is as it was.
        #expect(await probe.round().outcome == .success)
        await probe.close()
        return (report, remarks)
    }

    @Test func columnsBecomeLabelsAndValues() async throws {
        let plain = CustomQuery(
            name: "open_bets",
            sql: "SELECT currency, count(*) AS bets, sum(stake) AS stake FROM bets GROUP BY currency -- all of them\n;",
            labels: ["currency"], values: ["bets", "stake"])
        let (good, none) = try await round([plain])
        #expect(none == [])
        #expect(good.value("sql_open_bets_bets", ["currency": "EUR"]) == 2)
        #expect(good.value("sql_open_bets_stake", ["currency": "EUR"]) == 30.5)
        #expect(good.value("sql_open_bets_stake") == 1)
        #expect(good.value("sql_query_rows", ["query": "open_bets"]) == 3)
        #expect(good.value("sql_query_up", ["query": "open_bets"]) == 1)
        #expect((good.value("sql_query_duration_seconds", ["query": "open_bets"]) ?? 0) > 0)
    }

    @Test(
        "each mistake is named and costs nothing else",
        arguments: [
            ("SELECT 1 AS n FROM nowhere", "42P01", "a table that it names does not exist"),
            ("SELECT 1 AS m", "42703", "a column that it"),
            ("SELECT value AS n FROM secrets", "42501", "GRANT SELECT ON"),
            ("SELECT 'many' AS n", "22P02", "is not a number"),
            ("SELEC 1 AS n", "42601", "not a statement"),
            ("SELECT pg_sleep(60), 1 AS n", "57014", "longer than its timeout, 300 ms"),
            ("SELECT nextval('counter') AS n", "25006", "it writes"),
            ("WITH gone AS (DELETE FROM bets RETURNING 1) SELECT count(*) AS n FROM gone", "0A000", "such as write"),
            ("SELECT 1 AS n) AS q; DROP TABLE bets; --", "42601", "not a statement"),
        ])
    func mistakes(sql: String, state: String, words: String) async throws {
        let query = CustomQuery(name: "wrong", sql: sql, values: ["n"], timeout: .milliseconds(300))
        let good = CustomQuery(name: "good", sql: "VALUES (7)", values: ["column1"])
        let (report, remarks) = try await round([query, good])
        #expect(remarks.count == 1)
        #expect(remarks.first?.contains("Query \"wrong\"") == true)
        #expect(remarks.first?.contains(state) == true && remarks.first?.contains(words) == true, "\(remarks)")
        #expect(report.value("sql_query_up", ["query": "wrong"]) == 0)
        #expect(report.value("sql_good_column1") == 7)
        #expect(report.value("pg_up") == 1)
        let cluster = try await Self.shared.value
        #expect(try await cluster.execute("SELECT count(*) FROM bets") == ["4"])
    }

    /// What a statement sets, it sets for itself.
    @Test func settingsDoNotOutliveTheirStatement() async throws {
        let cluster = try await Self.shared.value
        let unlock = CustomQuery(
            name: "unlock",
            sql: "SELECT count(set_config('default_transaction_read_only', 'off', false)) AS n", values: ["n"],
            interval: .milliseconds(1))
        let after = CustomQuery(
            name: "after",
            sql: """
                SELECT (current_setting('default_transaction_read_only') = 'on')::int AS locked,
                  (current_setting('transaction_read_only') = 'on')::int AS reads
                """, values: ["locked", "reads"], interval: .milliseconds(1))
        let probe = ProbeBench.queryProbe(cluster, queries: [unlock, after])
        for _ in 0..<2 {
            let report = await probe.round()
            #expect(report.value("sql_unlock_n") == 1)
            #expect(report.value("sql_after_locked") == 1)
            #expect(report.value("sql_after_reads") == 1)
        }
        await probe.close()
    }

    @Test func rowsLabelsAndRepetitionsAreBounded() async throws {
        let many = CustomQuery(
            name: "many", sql: "SELECT i::text AS key, i AS n FROM generate_series(1, 100000) i ORDER BY i",
            labels: ["key"], values: ["n"], rowsMax: 3)
        let (report, remarks) = try await round([many])
        #expect(remarks == ["Query \"many\" gives more than 3 rows: the rest is left out."])
        #expect(report.samples.filter { $0.series.metric == "sql_many_n" }.map(\.value) == [1, 2, 3])
        let long = CustomQuery(
            name: "long", sql: "SELECT repeat('ä', 100000) AS key, 1 AS n UNION ALL SELECT repeat('ä', 100000), 2",
            labels: ["key"], values: ["n"])
        let (cut, repeated) = try await round([long])
        #expect(cut.value("sql_long_n", ["key": String(repeating: "ä", count: 100)]) == 1)
        #expect(repeated.count == 1 && repeated[0].contains("1 rows whose labels other rows have"))
    }

    // MARK: Logins

    private func auditCluster() async throws -> PostgresCluster {
        let cluster = try await Self.shared.value
        // The runbook's columns: action, result, client_ip, created_at.
        try await cluster.execute(
            """
            DROP TABLE IF EXISTS audit_logs;
            CREATE TABLE audit_logs (id bigserial PRIMARY KEY, action varchar(32), result varchar(16), username text,
              client_ip inet, created_at timestamp NOT NULL DEFAULT now());
            CREATE INDEX ON audit_logs (created_at); GRANT SELECT ON audit_logs TO tocsin
            """)
        return cluster
    }

    private func log(_ cluster: PostgresCluster, _ rows: String...) async throws {
        try await cluster.execute(
            "INSERT INTO audit_logs (action, result, username, client_ip, created_at) VALUES "
                + rows.joined(separator: ", "))
    }

    @Test func loginsBecomeEdgesEachOnceInTheirOrder() async throws {
        let cluster = try await auditCluster()
        try await log(cluster, "('LOGIN', 'FAILURE', 'old', '10.0.0.1', now() - interval '1 hour')")
        let workload: LabelSet = ["namespace": "oddsmaker", "workload": "Deployment/oddsmaker-control"]
        let audit = LoginAudit(accountColumn: "username", interval: .milliseconds(1), labels: workload)
        let probe = ProbeBench.queryProbe(cluster, audit: audit)
        #expect(await probe.round().edges == [])
        try await log(
            cluster, "('LOGIN', 'FAILURE', 'alice', '203.0.113.7', clock_timestamp())",
            "('LOGIN', 'FAILURE', 'alice', '203.0.113.7', clock_timestamp())",
            "('EXPORT', 'FAILURE', 'alice', '203.0.113.7', clock_timestamp())",
            "('LOGIN', 'SUCCESS', 'alice', '203.0.113.7', clock_timestamp())",
            "('LOGIN', 'FAILURE', 'bob', NULL, clock_timestamp())")
        let report = await probe.round()
        #expect(report.edges.map(\.kind) == [.loginFailed, .loginSucceeded, .loginFailed])
        #expect(report.edges.map(\.count) == [2, 1, 1])
        #expect(report.edges.first?.attributes == ["account": "alice", "address": "203.0.113.7"])
        #expect(report.edges.last?.attributes == ["account": "bob"])
        #expect(report.edges.allSatisfy { $0.labels == workload })
        #expect(report.plainValue("login_failures_total", workload) == 3)
        #expect(report.plainValue("login_successes_total", workload) == 1)
        #expect(report.plainValue("login_account_failures_total", workload.merging(["account": "alice"])) == 2)
        #expect(report.plainValue("login_tracking_error_max", workload) == 0)
        #expect(await probe.round().edges == [])
        await probe.close()
    }

    /// A transaction that began before others may commit after them.
    @Test func aRowThatIsCommittedLateIsNotMissed() async throws {
        let cluster = try await auditCluster()
        let probe = ProbeBench.queryProbe(
            cluster, audit: LoginAudit(accountColumn: "username", interval: .milliseconds(1)))
        _ = await probe.round()
        let slow = try await cluster.openSession()
        try await slow.run("BEGIN")
        try await slow.run(
            "INSERT INTO audit_logs (action, result, username) VALUES ('LOGIN', 'FAILURE', 'early')")
        try await log(cluster, "('LOGIN', 'FAILURE', 'later', '10.0.0.2', clock_timestamp())")
        let first = await probe.round()
        #expect(first.edges.map { $0.attributes["account"] } == ["later"])
        try await slow.run("COMMIT")
        let second = await probe.round()
        #expect(second.edges.map { $0.attributes["account"] } == ["early"])
        #expect(await probe.round().edges == [])
        try await slow.close()
        await probe.close()
    }

    @Test func aFloodIsReadInPagesAndNothingCountsTwice() async throws {
        let cluster = try await auditCluster()
        let probe = ProbeBench.queryProbe(
            cluster, audit: LoginAudit(accountColumn: "username", interval: .milliseconds(1)))
        _ = await probe.round()
        try await cluster.execute(
            """
            INSERT INTO audit_logs (action, result, username, client_ip, created_at)
            SELECT 'LOGIN', 'FAILURE', 'user' || (i % 3000), '198.51.100.9', clock_timestamp()
            FROM generate_series(1, 23000) i
            """)
        var edges: [Edge] = []
        var report = await probe.round()
        try await ProbeBench.eventually("all are read", within: .seconds(60)) {
            edges += report.edges
            if report.value("login_failures_total") == 23_000 { return true }
            report = await probe.round()
            return false
        }
        report = await probe.round()
        #expect(report.edges == [])
        #expect(report.value("login_failures_total") == 23_000)
        let unreported = try #require(report.value("login_events_unreported_total"))
        #expect(Double(edges.reduce(0) { $0 + $1.count }) + unreported == 23_000)
        #expect(report.value("login_address_failures_total", ["address": "198.51.100.9"]) == 23_000)
        // 3000 accounts in 512 places: the bound is stated.
        #expect(report.value("login_tracking_error_max") == Double(23_000 / 512))
        await probe.close()
    }

    @Test func aTableThatLacksOrMayNotBeReadIsNamed() async throws {
        let cluster = try await auditCluster()
        try await cluster.execute("REVOKE SELECT ON audit_logs FROM tocsin")
        for (audit, words) in [
            (LoginAudit(accountColumn: "username"), "GRANT SELECT ON audit_logs TO tocsin;"),
            (LoginAudit(table: "no_such_table", accountColumn: "username"), "there is no table no_such_table"),
        ] {
            let probe = ProbeBench.queryProbe(cluster, audit: audit)
            _ = await probe.round()
            #expect(await probe.round().outcome == .success)
            let remarks = await probe.remarks
            #expect(remarks.count == 1 && remarks[0].contains(words), "\(remarks)")
            await probe.close()
        }
    }
}
