import Foundation
import PostgresClient
import PostgresProbe
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// What the suites against real servers share: a loop, options for a cluster, readers of reports.
enum ProbeBench {
    /// The loop of all suites; ends with the process.
    static let loop: PostgresEventLoop = {
        let loop = PostgresEventLoop()
        do { try loop.start() } catch { fatalError("\(error)") }
        return loop
    }()

    static func options(_ cluster: PostgresCluster, user: String = "tocsin") -> PostgresOptions {
        var options = PostgresOptions(host: cluster.host, port: cluster.port, user: user, tlsMode: .disable)
        options.statementTimeout = .seconds(1)
        return options
    }

    static func configuration(
        _ options: PostgresOptions, interval: Duration = .seconds(2), deadline: Duration = .seconds(2),
        connectTimeout: Duration = .milliseconds(500), statisticsInterval: Duration = .seconds(60)
    ) -> PostgresProbe.Configuration {
        PostgresProbe.Configuration(
            name: "orders-db", options: options, interval: interval, deadline: deadline, connectTimeout: connectTimeout,
            statisticsInterval: statisticsInterval)
    }

    /// A probe that asks all its statements in every round and has time for them.
    static func thoroughProbe(_ cluster: PostgresCluster, user: String = "tocsin") -> PostgresProbe {
        PostgresProbe(
            configuration(
                options(cluster, user: user), interval: .seconds(20), deadline: .seconds(20),
                connectTimeout: .seconds(5),
                statisticsInterval: .zero), loop: loop)
    }

    /// A probe with statements of the operator's.
    static func queryProbe(
        _ cluster: PostgresCluster, queries: [CustomQuery] = [], audit: LoginAudit? = nil
    ) -> PostgresProbe {
        var configuration = configuration(
            options(cluster), interval: .seconds(20), deadline: .seconds(20), connectTimeout: .seconds(5))
        configuration.queries = queries
        configuration.audit = audit
        return PostgresProbe(configuration, loop: loop)
    }

    /// A cluster with the role `tocsin`, which may see everything.
    static func cluster(
        _ configuration: PostgresCluster.Configuration = PostgresCluster.Configuration()
    ) async throws -> PostgresCluster {
        let cluster = try await PostgresCluster.start(configuration)
        try await cluster.execute("CREATE ROLE tocsin LOGIN; GRANT pg_monitor TO tocsin")
        return cluster
    }

    static func now() -> Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    /// Sessions of ours that the server knows, as a session of another seat sees them.
    static func ourSessions(_ witness: PostgresCluster.Session) async throws -> Int {
        let rows = try await witness.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin'")
        return rows.first.flatMap(Int.init) ?? -1
    }

    /// The same, asked again and again.
    static func ourSessions(_ witness: PostgresCluster.Session, times: Int) async throws -> [Int] {
        var counts: [Int] = []
        for _ in 0..<times { counts.append(try await ourSessions(witness)) }
        return counts
    }

    /// Looks until `condition` holds; for what a server does in its own time.
    ///
    /// Fails the test when it has not within a generous time.
    static func eventually(
        _ what: String, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("never: \(what)", sourceLocation: sourceLocation)
    }
}

extension PostgresProbe {
    /// One round at the present time.
    func round() async -> ProbeReport { await run(startedAt: ProbeBench.now()) }
}

extension ProbeReport {
    /// The value of the one sample with this metric and these labels beside `instance`.
    func value(_ metric: String, _ labels: LabelSet = LabelSet()) -> Double? {
        plainValue(metric, labels.merging(["instance": "orders-db"]))
    }

    /// The value of the one sample with this metric and these labels.
    func plainValue(_ metric: String, _ labels: LabelSet) -> Double? {
        let series = Series(metric, labels)
        let found = samples.filter { $0.series == series }
        return found.count == 1 ? found[0].value : nil
    }

    var message: String {
        if case .failure(_, let message) = outcome { message } else { "" }
    }
}
