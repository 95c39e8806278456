import GRDB
import SQLiteFile
import Telemetry

extension SampleStore {
    /// Answers a query: agent by agent and window by window, and `receive` is awaited for each part of a series, so
    /// that a slow reader slows the query and not the memory.
    ///
    /// Of an agent the frames that are not compacted yet are decoded, and of its chunks those that hold a named
    /// series. What cannot be read is skipped and reported as a gap. Throws `StoreError` (`.invalid` for a bad range or
    /// step, `.tooLarge` for too many series, steps or samples at once), what `receive` throws, and
    /// `CancellationError`.
    @concurrent
    package func query(
        _ query: SampleQuery, receive: @Sendable (SeriesChunk) async throws -> Void
    ) async throws -> QueryReport {
        try query.check()
        var run = QueryRun(query, plan: try await file.read { try QueryPlan.make(query, $0) }, file: file)
        try await run.lookThroughUncatalogued()
        for unit in run.plan.units() { try await run.answer(unit, receive) }
        try await run.noteGaps()
        return run.report
    }
}

/// One query on its way.
struct QueryRun {
    private let query: SampleQuery
    private(set) var plan: QueryPlan
    private(set) var report = QueryReport()
    private let file: SQLiteFile
    /// By agent; those of agents that are done are forgotten when they are many.
    private var tails: [Int64: AgentTail] = [:]

    init(_ query: SampleQuery, plan: QueryPlan, file: SQLiteFile) {
        (self.query, self.plan, self.file) = (query, plan, file)
    }

    /// Finds the series that only frames have.
    mutating func lookThroughUncatalogued() async throws {
        for agent in plan.agents.values where agent.hasUncatalogued {
            for key in try await tail(of: agent.id).points.keys {
                try plan.add(key, agent: agent.id, group: nil, query)
            }
        }
    }

    /// Reads a unit and hands it out.
    ///
    /// Frames are read before chunks: what is compacted in between is then seen twice, which is harmless, and never
    /// missed.
    mutating func answer(
        _ unit: QueryPlan.Unit, _ receive: @Sendable (SeriesChunk) async throws -> Void
    ) async throws {
        var recent: [SeriesKey: [SamplePoint]] = [:]
        for agent in unit.agents {
            let tail = try await tail(of: agent)
            for key in unit.keys {
                recent[key, default: []] += tail.points[key]
            }
        }
        if unit.agents.count > 1 { for key in recent.keys { recent[key]?.sortByTime() } }
        var outlets = unit.keys.map { SeriesOutlet($0, query, recent: recent[$0] ?? []) }
        for window in try await windows(of: unit.groups) {
            try Task.checkCancellation()
            let points = try await read(window, of: unit)
            for position in outlets.indices {
                let key = outlets[position].key
                let end = window + Chunk.windowMillis
                let part = outlets[position].take(points[key], before: end)
                try await deliver(part, receive)
            }
        }
        for position in outlets.indices {
            try await deliver(outlets[position].finish(), receive)
            report.series += outlets[position].hasSamples ? 1 : 0
        }
    }

    /// Adds the stretches that compaction found damaged.
    mutating func noteGaps() async throws {
        let agents = Set(plan.places.values.joined().map(\.agent))
        let rows = try await file.read { [query] database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT agent_id, min_millis, max_millis, reason FROM gaps INDEXED BY gaps_by_time
                    WHERE max_millis >= ? AND min_millis <= ? ORDER BY min_millis LIMIT 10000
                    """, arguments: [query.from.millis, query.to.millis]
            ).map {
                try GapRow(agent: $0.value(at: 0), from: $0.value(at: 1), to: $0.value(at: 2), reason: $0.value(at: 3))
            }
        }
        for row in rows where agents.contains(row.agent) || row.agent == GapRow.everyAgent {
            let agent = plan.agents[row.agent] ?? QueryPlan.Agent(id: row.agent, cluster: "", node: "every node")
            report.note(agent, from: row.from, to: row.to, reason: row.reason)
        }
    }

    private mutating func deliver(
        _ part: SeriesChunk?, _ receive: @Sendable (SeriesChunk) async throws -> Void
    ) async throws {
        guard let part else { return }
        report.values += part.values.count
        try await receive(part)
    }

    private mutating func tail(of agent: Int64) async throws -> AgentTail {
        if let tail = tails[agent] { return tail }
        guard let row = plan.agents[agent] else { return AgentTail() }
        if tails.values.reduce(0, { $0 + $1.samples }) > query.samplesMax / 4 { tails = [:] }
        let tail = try await AgentTail.read(row, query, file, &report)
        tails[agent] = tail
        return tail
    }

    private func windows(of groups: [Int64]) async throws -> [Int64] {
        let (from, to) = (query.dataFrom, query.to.millis)
        return try await file.read { database in
            var windows: Set<Int64> = []
            for group in groups {
                windows.formUnion(
                    try Int64.fetchAll(
                        database,
                        sql: """
                            SELECT DISTINCT window FROM chunks INDEXED BY chunks_by_group
                            WHERE group_id = ? AND window > ? AND window <= ?
                            """, arguments: [group, from - Chunk.windowMillis, to]))
            }
            return windows.sorted()
        }
    }

    /// The points of a window's chunks by series.
    ///
    /// All payloads come from one snapshot, so that a merge on the way changes nothing.
    private mutating func read(_ window: Int64, of unit: QueryPlan.Unit) async throws -> PointTable {
        let (from, to) = (query.dataFrom, query.to.millis)
        var points = PointTable()
        for group in unit.groups {
            let chunks = try await file.read { database in
                try ChunkEntry.list(group: group, window: window, database)
                    .filter { $0.from <= to && $0.to >= from }.map { ($0, $0.read(database)) }
            }
            guard let agent = plan.agent(of: group, in: unit) else { continue }
            var picker = SeriesPicker(query: query, cluster: agent.cluster)
            var reader = BlockReader()
            for (entry, payload) in chunks {
                do {
                    try reader.read(try payload.get() ?? [])
                    report.chunks += 1
                    _ = picker.pick(from: reader, into: &points)
                } catch {
                    report.note(agent, from: entry.from, to: entry.to, reason: "the chunk cannot be read: \(error)")
                }
            }
        }
        return points
    }
}

extension QueryPlan {
    /// Whose group it is.
    func agent(of group: Int64, in unit: Unit) -> Agent? {
        for key in unit.keys {
            if let place = places[key]?.first(where: { $0.group == group }) { return agents[place.agent] }
        }
        return nil
    }
}

/// One series on its way out, in order of time.
struct SeriesOutlet {
    let key: SeriesKey
    private(set) var hasSamples = false
    private var recent: ArraySlice<SamplePoint>
    private var walker: StepWalker?

    init(_ key: SeriesKey, _ query: SampleQuery, recent: [SamplePoint]) {
        self.key = key
        self.recent = recent[...]
        walker = query.step.map { StepWalker(query, step: $0) }
    }

    /// Takes the points of a window from chunks, and with them the recent ones before `end`.
    mutating func take(_ points: [SamplePoint], before end: Int64) -> SeriesChunk? {
        let count = recent.firstIndex { $0.time >= end } ?? recent.endIndex
        var points = points
        points += recent[recent.startIndex..<count]
        recent = recent[count...]
        points.sortByTime()
        return chunk(through(points))
    }

    /// What is left.
    mutating func finish() -> SeriesChunk? {
        var output = through(Array(recent))
        recent = []
        walker?.finish(&output)
        return chunk(output)
    }

    private mutating func through(_ points: [SamplePoint]) -> [SamplePoint] {
        if !points.isEmpty { hasSamples = true }
        guard var walker else { return points }
        var output: [SamplePoint] = []
        for point in points { walker.take(point, &output) }
        self.walker = walker
        return output
    }

    private func chunk(_ points: [SamplePoint]) -> SeriesChunk? {
        guard !points.isEmpty else { return nil }
        return SeriesChunk(
            cluster: key.cluster, series: key.series, timestamps: points.map { Timestamp(millis: $0.time) },
            values: points.map(\.value))
    }
}
