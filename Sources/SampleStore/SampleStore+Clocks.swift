import GRDB
package import SQLiteFile
package import Telemetry

/// An agent by name.
package struct AgentName: Hashable, Comparable, Sendable {
    /// Its cluster.
    package var cluster: String
    /// Its node.
    package var node: String

    /// Makes a name.
    package init(cluster: String, node: String) {
        self.cluster = cluster
        self.node = node
    }

    /// By cluster and node.
    package static func < (lhs: AgentName, rhs: AgentName) -> Bool {
        (lhs.cluster, lhs.node) < (rhs.cluster, rhs.node)
    }
}

/// How far an agent's clock was ahead of the coordinator's, and for which of its samples that holds.
package struct ClockSpan: Hashable, Sendable {
    /// First time by the agent's clock.
    package var from: Timestamp
    /// Last time by the agent's clock; of the span that still holds, a minute after the agent was last heard of.
    package var to: Timestamp
    /// The agent's clock less the coordinator's, as it was taken off when the samples came.
    package var offset: Duration

    /// Makes a span.
    package init(from: Timestamp, to: Timestamp, offset: Duration) {
        self.from = from
        self.to = to
        self.offset = offset
    }

    func covers(_ time: Timestamp) -> Bool { time >= from && time <= to }
}

/// The spans of an agent's clock, in the order in which they were noted.
package struct ClockHistory: Hashable, Sendable {
    /// Each with its offset; of a time that several cover the last one counts.
    package var spans: [ClockSpan]

    /// Makes a history.
    package init(spans: [ClockSpan]) {
        self.spans = spans
    }

    /// What is to be taken off a time of the agent's: by the last span that covers it, else nothing.
    package func offset(at time: Timestamp) -> Duration { spans.last { $0.covers(time) }?.offset ?? .zero }

    /// The stretches of the agent's time that may hold what is from `from` to `to` by the coordinator's.
    package func stretches(from: Timestamp, to: Timestamp) -> [ClosedRange<Timestamp>] {
        var found: [ClosedRange<Timestamp>] = []
        for span in spans + [ClockSpan(from: from, to: to, offset: .zero)] {
            let first = max(span.from, from + span.offset)
            let last = min(span.to, to + span.offset)
            if first <= last { found.append(first...last) }
        }
        // Joined where they meet, so that nothing is read twice.
        return found.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, next in
            guard let last = joined.last, next.lowerBound <= last.upperBound else { return joined.append(next) }
            joined[joined.count - 1] = last.lowerBound...max(last.upperBound, next.upperBound)
        }
    }
}

extension SampleStore {
    /// The clocks of the agents that were ever off by more than the dead band, as far back as there are samples.
    ///
    /// Stored samples keep the agent's times; who replays them takes off what was taken off when they came.
    package func clockHistories() async throws(StoreError) -> [AgentName: ClockHistory] {
        try await file.read { database in
            var histories: [AgentName: ClockHistory] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT cluster, node, from_millis, to_millis, offset_millis,
                        (SELECT max(seen_at) FROM sessions
                            WHERE sessions.cluster = agents.cluster AND sessions.node = agents.node) AS seen_at
                    FROM clock_spans JOIN agents ON agents.id = agent_id ORDER BY clock_spans.id
                    """)
            for row in rows {
                let name = try AgentName(cluster: row.value("cluster"), node: row.value("node"))
                let (from, offset): (Int64, Int64) = try (row.value("from_millis"), row.value("offset_millis"))
                let (to, seenAt): (Int64?, Int64?) = try (row.value("to_millis"), row.value("seen_at"))
                // What holds reaches no further than the agent: of later times an earlier span may tell.
                let end = to ?? seenAt.map { $0 + offset + 60_000 } ?? .max
                histories[name, default: ClockHistory(spans: [])].spans.append(
                    ClockSpan(
                        from: Timestamp(millis: from), to: Timestamp(millis: max(from, end)),
                        offset: .milliseconds(offset)))
            }
            return histories
        }
    }
}

/// The clock of an agent as it was last noted.
struct ClockNote: Sendable, Hashable {
    /// Row of the span that holds; nil when none was ever needed.
    var span: Int64?
    var offsetMillis: Int64 = 0
    /// The newest time by the agent's clock.
    var newest: Int64 = .min

    /// The agent's last span, where there is one.
    static func read(agent: Int64, _ database: Database) throws -> ClockNote {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT id, offset_millis FROM clock_spans WHERE agent_id = ? ORDER BY id DESC LIMIT 1"),
            arguments: [agent])
        guard let row else { return ClockNote() }
        return try ClockNote(span: row.value("id"), offsetMillis: row.value("offset_millis"))
    }

    /// Takes a frame of the fresh lane: a changed offset ends the span that was and begins another.
    mutating func take(_ frame: IncomingFrame, agent: Int64, _ database: Database) throws {
        let millis = frame.clockOffset.wholeMilliseconds
        defer { newest = max(newest, frame.to.millis) }
        guard millis != offsetMillis else { return }
        if let span {
            // After a restart it is not known how far it went; the next one then begins where this one ends.
            let end = newest == .min ? frame.from.millis - 1 : newest
            try database.execute(
                sql: "UPDATE clock_spans SET to_millis = ? WHERE id = ?", arguments: [end, span])
        }
        try database.execute(
            sql: "INSERT INTO clock_spans (agent_id, from_millis, offset_millis) VALUES (?, ?, ?)",
            arguments: [agent, frame.from.millis, millis])
        span = database.lastInsertedRowID
        offsetMillis = millis
        newest = .min
    }
}
