extension PostgresSession {
    /// Runs one statement in a transaction of its own that can't write, and undoes it, its settings included.
    ///
    /// After a failure that leaves the session busy the transaction stays open: `isInTransaction` says so once the
    /// server has answered, and `rollBack` ends it.
    ///
    /// - Parameter settings: settings for this transaction alone, such as `statement_timeout`.
    package func queryReadOnly(
        _ sql: String, _ parameters: [String?] = [], settings: [(name: String, value: String)] = [],
        limits: PostgresLimits = PostgresLimits(), deadline: ContinuousClock.Instant
    ) async -> Result<PostgresRows, PostgresFailure> {
        if case .failure(let failure) = await query("BEGIN TRANSACTION READ ONLY", deadline: deadline) {
            return .failure(failure)
        }
        var answer = Result<PostgresRows, PostgresFailure>.success(PostgresRows())
        if !settings.isEmpty {
            let calls = settings.indices.map { "set_config($\(2 * $0 + 1), $\(2 * $0 + 2), true)" }
            answer = await query(
                "SELECT " + calls.joined(separator: ", "), settings.flatMap { [$0.name, $0.value] },
                deadline: deadline)
        }
        if case .success = answer {
            answer = await query(sql, parameters, limits: limits, deadline: deadline)
        }
        if isIdle, case .failure(let failure) = await rollBack(deadline: deadline), case .success = answer {
            return .failure(failure)
        }
        return answer
    }

    /// Ends a transaction; nothing of it stays.
    package func rollBack(deadline: ContinuousClock.Instant) async -> Result<PostgresRows, PostgresFailure> {
        await query("ROLLBACK", deadline: deadline)
    }
}
