import PostgresClient
import Telemetry

/// What a probe remembers between two rounds about its statements beside the first one.
struct StatisticsState {
    /// What the server offers; nil before it was asked in this session.
    var facts: ServerFacts?
    /// When the facts are asked for again.
    var factsUntil: ContinuousClock.Instant?
    var schedule: LookSchedule
    var reader = LookReader()
    /// The last values of the statements that are not asked in every round.
    var kept: [StatisticsLook.Topic: [SeriesValue]] = [:]
    var identity = ServerIdentity()

    init(interval: Duration) {
        schedule = LookSchedule(interval: interval)
    }
}

extension PostgresProbe {
    /// Sessions that wait for locks, from which the dearer statements are left out: the observer backs off first.
    static let waitersForBackOff = 20.0

    /// The statements after the first one: their values, and the edges of what changed.
    func statistics(
        _ activity: PostgresRows, session: PostgresSession, deadline: ContinuousClock.Instant, at time: Timestamp
    ) async -> (values: [SeriesValue], edges: [Edge]) {
        var values = await blocking(activity, session: session, deadline: deadline)
        let facts = await facts(activity, session: session, deadline: deadline)
        var identity = ServerIdentity()
        identity.role = facts.inRecovery ? "standby" : "primary"
        let isStormy = (activity.number("waiting") ?? 0) >= Self.waitersForBackOff
        if isStormy { remarks.append("Many sessions wait for locks: only the cheap statements were asked.") }
        for look in StatisticsLook.all {
            guard let sql = look.sql(facts) else {
                state.kept[look.topic] = nil
                continue
            }
            let hasTime = look.isEveryRound || clock.now + configuration.options.statementTimeout <= deadline
            if session.isIdle, hasTime, look.isEveryRound || !isStormy, state.schedule.isDue(look, now: clock.now) {
                switch await session.query(sql, deadline: deadline) {
                case .success(let rows):
                    state.schedule.succeeded(look, now: clock.now)
                    state.kept[look.topic] = state.reader.values(look, rows, at: time)
                    if look.topic == .server { identity.note(rows) }
                case .failure(let failure):
                    if look.isEveryRound { state.kept[look.topic] = nil }
                    await settle(session, after: failure)
                    state.schedule.failed(look, failure, now: clock.now)
                    remarks.append("No \(look.topic.rawValue) in this round: \(failure.message)")
                }
            } else if look.isEveryRound {
                state.kept[look.topic] = nil
            }
            values += state.kept[look.topic] ?? []
        }
        return (values, state.identity.take(identity, at: time, labels: target.labels))
    }

    private func blocking(
        _ activity: PostgresRows, session: PostgresSession, deadline: ContinuousClock.Instant
    ) async -> [SeriesValue] {
        guard let waiting = activity.number("waiting"), waiting > 0 else { return BlockingQuery.none }
        let sql = BlockingQuery.sql(serverVersion: session.serverVersion)
        switch await session.query(sql, deadline: deadline) {
        case .success(let rows): return BlockingQuery.values(rows)
        case .failure(let failure):
            await settle(session, after: failure)
            remarks.append("Who blocks whom is unknown in this round: \(failure.message)")
            return []
        }
    }

    /// What the server offers: asked at each start of a session, at the slow pace, and when the first statement of the
    /// round shows that it has changed.
    private func facts(
        _ activity: PostgresRows, session: PostgresSession, deadline: ContinuousClock.Instant
    ) async -> ServerFacts {
        var current = ServerFacts(version: session.serverVersion)
        current.inRecovery = activity.number("in_recovery") == 1
        current.seesAll = activity.flag("sees_all") ?? false
        if let facts = state.facts, let until = state.factsUntil, clock.now < until,
            facts.inRecovery == current.inRecovery, facts.seesAll == current.seesAll, facts.version == current.version
        {
            return facts
        }
        guard session.isIdle else { return current }
        switch await session.query(ServerFacts.sql, deadline: deadline) {
        case .success(let rows):
            let facts = ServerFacts(rows) ?? current
            state.facts = facts
            state.factsUntil = clock.now + configuration.statisticsInterval
            missing = facts.missing(role: configuration.options.user)
            return facts
        case .failure(let failure):
            await settle(session, after: failure)
            remarks.append("What the server offers is unknown in this round: \(failure.message)")
            return current
        }
    }
}
