import PostgresClient
import Probing
import Telemetry

/// What a probe remembers between two rounds about the operator's own statements.
struct QueryState {
    /// One statement with its pace and what it gave last, repeated until it gives something new.
    struct Custom {
        var query: CustomQuery
        var pace: QueryPace
        var values: [SeriesValue] = []
        var remarks: [String] = []
    }

    /// The login table with its pace; no tally before the server said what time it is.
    struct Audit {
        var audit: LoginAudit
        var pace: QueryPace
        var tally: LoginTally?
        var remarks: [String] = []
    }

    var custom: [Custom]
    var audit: Audit?

    init(queries: [CustomQuery], audit: LoginAudit?) {
        custom = queries.map { Custom(query: $0, pace: QueryPace(interval: $0.interval)) }
        self.audit = audit.map { Audit(audit: $0, pace: QueryPace(interval: $0.interval)) }
    }
}

extension PostgresProbe {
    /// Time that a statement's begin, settings and end may take beside its own.
    private static let transactionMargin = Duration.milliseconds(200)
    /// Pages of the login table in one round.
    private static let auditPagesMax = 4

    /// Runs the operator's statements that are due and fit into the round.
    func customQueries(session: PostgresSession, deadline: ContinuousClock.Instant, at time: Timestamp) async
        -> [Sample]
    {
        var values: [SeriesValue] = []
        for index in queries.custom.indices {
            await run(index, session: session, deadline: deadline)
            values += queries.custom[index].values
            remarks += queries.custom[index].remarks
        }
        return samples(values, at: time)
    }

    private func run(_ index: Int, session: PostgresSession, deadline: ContinuousClock.Instant) async {
        let query = queries.custom[index].query
        let start = clock.now
        guard queries.custom[index].pace.isDue(now: start), session.isIdle,
            start + query.timeout + Self.transactionMargin <= deadline
        else { return }
        let answer = await session.queryReadOnly(
            query.statement, settings: query.settings, limits: query.limits, deadline: deadline)
        var values: [SeriesValue] = []
        var isUp = true
        switch answer {
        case .success(let rows):
            let reading = query.reading(rows)
            values = reading.values
            queries.custom[index].remarks = reading.remarks
            queries.custom[index].pace.succeeded(now: clock.now)
        case .failure(let failure):
            isUp = false
            await settle(session, after: failure)
            queries.custom[index].remarks = [query.sentence(failure, role: configuration.options.user)]
            queries.custom[index].pace.failed(now: clock.now)
        }
        let labels: LabelSet = ["query": query.name]
        values.append((Series("sql_query_up", labels), isUp ? 1 : 0))
        values.append((Series("sql_query_duration_seconds", labels), (clock.now - start).inSeconds))
        queries.custom[index].values = values
    }

    /// Reads the logins since the last look.
    func logins(session: PostgresSession, deadline: ContinuousClock.Instant, at time: Timestamp) async
        -> (samples: [Sample], edges: [Edge])
    {
        guard let state = queries.audit else { return ([], []) }
        let labels = state.audit.labels.labels.isEmpty ? target.labels : state.audit.labels
        var edges: [Edge] = []
        if state.pace.isDue(now: clock.now) {
            edges = await readLogins(session: session, deadline: deadline, labels: labels)
        }
        remarks += queries.audit?.remarks ?? []
        let values = queries.audit?.tally?.values ?? []
        return (
            values.map { Sample(Series($0.series.metric, labels.merging($0.series.labels)), time, $0.value) }, edges
        )
    }

    private func readLogins(
        session: PostgresSession, deadline: ContinuousClock.Instant, labels: LabelSet
    ) async -> [Edge] {
        guard let audit = queries.audit?.audit else { return [] }
        var edges: [Edge] = []
        for _ in 0..<Self.auditPagesMax {
            guard session.isIdle, clock.now + audit.timeout + Self.transactionMargin <= deadline else { break }
            guard let tally = queries.audit?.tally else {
                await startTally(session: session, deadline: deadline)
                break
            }
            let answer = await session.queryReadOnly(
                audit.statement, audit.parameters(since: tally.since), settings: audit.settings, limits: audit.limits,
                deadline: deadline)
            switch answer {
            case .success(let rows):
                let step = queries.audit?.tally?.take(rows, labels: labels)
                edges += step?.edges ?? []
                queries.audit?.remarks = []
                queries.audit?.pace.succeeded(now: clock.now)
                if step?.hasMore != true { return edges }
            case .failure(let failure):
                await settle(session, after: failure)
                queries.audit?.remarks = [audit.sentence(failure, role: configuration.options.user)]
                queries.audit?.pace.failed(now: clock.now)
                return edges
            }
        }
        return edges
    }

    /// Logins count from now on, by the server's clock.
    private func startTally(session: PostgresSession, deadline: ContinuousClock.Instant) async {
        let sql = "SELECT extract(epoch FROM statement_timestamp()) AS now"
        switch await session.query(sql, deadline: deadline) {
        case .success(let rows):
            if let now = rows.number("now") { queries.audit?.tally = LoginTally(startingAt: now) }
        case .failure(let failure): await settle(session, after: failure)
        }
    }
}
