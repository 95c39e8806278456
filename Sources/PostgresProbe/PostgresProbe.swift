package import PostgresClient
package import Probing
package import Telemetry

/// Looks at one PostgreSQL server through one session that stays open from round to round.
///
/// There is never a second session: one that hangs is waited for, and replaced only when patience with it ends.
package actor PostgresProbe: Probe {
    package nonisolated let target: Target
    /// What a person should know of the last round although it succeeded: one sentence each.
    package internal(set) var remarks: [String] = []
    /// What the role and the server lack.
    var missing: [MissingCapability] = []
    var state: StatisticsState
    var queries: QueryState

    let configuration: Configuration
    let clock = ContinuousClock()
    private let loop: PostgresEventLoop
    private var policy: ReconnectPolicy
    private var session: PostgresSession?

    /// Makes a probe; it connects in its first round.
    package init(_ configuration: Configuration, loop: PostgresEventLoop) {
        self.configuration = configuration
        self.loop = loop
        policy = ReconnectPolicy(interval: configuration.interval)
        state = StatisticsState(interval: configuration.statisticsInterval)
        queries = QueryState(queries: configuration.queries, audit: configuration.audit)
        target = Target(
            kind: .postgresql, name: configuration.name, address: configuration.options.address,
            labels: configuration.labels.merging([LabelName.instance: configuration.name]),
            interval: configuration.interval, deadline: configuration.deadline)
    }

    /// The SQL that would give the role what it lacks, such as `GRANT pg_monitor TO tocsin;`; empty when nothing lacks.
    package var missingGrants: [String] { missing.filter(\.isGrant).map(\.sql) }

    /// One round of statements in the one session; a failure is in the report.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        let start = clock.now
        if let failure = policy.pause(now: start) { return report(failure, isLogin: true, at: startedAt) }
        // A little earlier than the target's, so that the report is there at the deadline.
        let deadline = start + configuration.deadline - min(.milliseconds(50), configuration.deadline / 20)
        let wasOpen = session?.isIdle ?? false
        var round = await look(deadline: deadline, at: startedAt)
        if wasOpen, session == nil, round.outcome.failureClass == .refused || round.outcome.failureClass == .unavailable
        {
            // The session of the last round was ended by the other side: what the server is now, only a login tells.
            round = await look(deadline: deadline, at: startedAt)
        }
        return round
    }

    /// Ends the session.
    package func close() async {
        await session?.close()
        session = nil
    }

    // MARK: One round

    private func look(deadline: ContinuousClock.Instant, at time: Timestamp) async -> ProbeReport {
        let session: PostgresSession
        do throws(PostgresFailure) {
            session = try await openSession(deadline: deadline)
        } catch {
            return report(error, isLogin: true, at: time)
        }
        if session.isInTransaction, case .failure(let failure) = await session.rollBack(deadline: deadline) {
            await settle(session, after: failure)
            return report(failure, isLogin: false, at: time)
        }
        let sql = ActivityQuery.sql(serverVersion: session.serverVersion)
        switch await session.query(sql, deadline: deadline) {
        case .success(let answer):
            policy.succeeded()
            return await complete(answer, session: session, deadline: deadline, at: time)
        case .failure(let failure):
            await settle(session, after: failure)
            return report(failure, isLogin: false, at: time)
        }
    }

    /// The session, ready for a statement: the one from the last round, or a new one.
    private func openSession(deadline: ContinuousClock.Instant) async throws(PostgresFailure) -> PostgresSession {
        do throws(PostgresFailure) {
            let open: PostgresSession
            if let session, !session.isClosed {
                open = session
            } else {
                open = try PostgresSession.open(configuration.options, on: loop)
                session = open
            }
            let patience = min(deadline, clock.now + configuration.connectTimeout)
            if let failure = await open.ready(deadline: patience) { throw failure }
            return open
        } catch {
            policy.connectFailed(error, now: clock.now)
            if let session { await settle(session, after: error) }
            throw error
        }
    }

    /// After a failure: keeps a session that can be used again or on which the server may still answer, closes any
    /// other.
    func settle(_ failed: PostgresSession, after failure: PostgresFailure) async {
        if failed.isIdle { return }
        if !failed.isClosed, failure.connected, policy.keepsStuckSession(now: clock.now) { return }
        await failed.close()
        session = nil
    }

    private func complete(
        _ answer: PostgresRows, session: PostgresSession, deadline: ContinuousClock.Instant, at time: Timestamp
    ) async -> ProbeReport {
        remarks = []
        let (statistics, edges) = await statistics(answer, session: session, deadline: deadline, at: time)
        remarks = missing.map(\.sentence) + remarks
        let values: [SeriesValue] =
            [(Series("pg_up"), 1), (Series("pg_connection_slots_exhausted"), 0)] + ActivityQuery.values(answer)
            + statistics
        let logins = await logins(session: session, deadline: deadline, at: time)
        let custom = await customQueries(session: session, deadline: deadline, at: time)
        return ProbeReport(
            outcome: .success, samples: samples(values, at: time) + logins.samples + custom,
            edges: edges + logins.edges, remarks: remarks)
    }

    // MARK: Reports

    private func report(_ failure: PostgresFailure, isLogin: Bool, at time: Timestamp) -> ProbeReport {
        var values: [SeriesValue] = []
        if let isUp = Self.isUp(failure, isLogin: isLogin) {
            values.append((Series("pg_up"), isUp ? 1 : 0))
            values.append((Series("pg_connection_slots_exhausted"), failure.failureClass == .exhausted ? 1 : 0))
        }
        return ProbeReport(
            outcome: .failure(failure.failureClass, failure.message), samples: samples(values, at: time), edges: [])
    }

    /// Whether the failure says that the server is up (true) or down (false); nil when it says nothing about the
    /// server.
    static func isUp(_ failure: PostgresFailure, isLogin: Bool) -> Bool? {
        switch failure.failureClass {
        case .exhausted: true
        case .unavailable, .refused, .silent: false
        // A statement that the server itself cancelled was answered.
        case .timeout: failure.serverAnswered
        case .dns, .tls, .internal, .status: nil
        case .auth, .body: isLogin ? nil : true
        }
    }

    func samples(_ values: [SeriesValue], at time: Timestamp) -> [Sample] {
        values.map { value in
            Sample(Series(value.series.metric, target.labels.merging(value.series.labels)), time, value.value)
        }
    }
}
