import GRDB
import SQLiteFile
import SampleCodec
package import Telemetry

/// Reads back what signals are derived from: all stored samples of some metrics, agent by agent, as they came.
///
/// Unlike a query it puts nothing in order by series: each chunk is decoded once for a stretch, its series are told
/// apart by number, and a sample costs some looks into arrays. Stretches may be read in any order; series keep their
/// numbers.
package struct StretchReader: Sendable {
    /// What is known of one agent.
    private struct StoredAgent: Sendable {
        var row: QueryPlan.Agent
        var clock: ClockHistory?
        /// Those that hold a wanted series, ascending.
        var groups: [Int64] = []
        var series: [Series] = []
        var numbers: [Series: Int32] = [:]

        var name: AgentName { AgentName(cluster: row.cluster, node: row.node) }
    }

    /// Frames and chunks that could not be read so far, and were left out.
    package private(set) var damaged = 0

    private let file: SQLiteFile
    private let numbering: SampleBatch.Numbering
    private let metrics: Set<String>
    private let isWanted: @Sendable (Series) -> Bool
    /// In order of cluster and node.
    private var agents: [StoredAgent] = []

    fileprivate init(
        _ file: SQLiteFile, clocks: [AgentName: ClockHistory], numbering: SampleBatch.Numbering,
        metrics: Set<String>, isWanted: @escaping @Sendable (Series) -> Bool
    ) async throws {
        (self.file, self.numbering, self.metrics, self.isWanted) = (file, numbering, metrics, isWanted)
        let rows = try await file.read { try Self.agents(metrics: metrics, $0) }
        agents = rows.map { row, groups in
            let name = AgentName(cluster: row.cluster, node: row.node)
            return StoredAgent(row: row, clock: clocks[name], groups: groups)
        }.sorted { $0.name < $1.name }
    }

    private static func agents(
        metrics: Set<String>, _ database: Database
    ) throws -> [(row: QueryPlan.Agent, groups: [Int64])] {
        var groups: [Int64: Set<Int64>] = [:]
        for metric in try Row.fetchAll(database, sql: "SELECT id, name FROM metrics") {
            guard try metrics.contains(metric.value("name")) else { continue }
            let id: Int64 = try metric.value("id")
            let rows = try Row.fetchCursor(
                database, sql: "SELECT DISTINCT agent_id, group_id FROM series WHERE metric_id = ?", arguments: [id])
            while let row = try rows.next() {
                let (agent, group): (Int64, Int64) = try (row.value(at: 0), row.value(at: 1))
                groups[agent, default: []].insert(group)
            }
        }
        return try Row.fetchAll(database, sql: "SELECT id, cluster, node FROM agents").map { row in
            let agent = try QueryPlan.Agent(id: row.value("id"), cluster: row.value("cluster"), node: row.value("node"))
            return (agent, (groups[agent.id] ?? []).sorted())
        }
    }

    /// The samples of a stretch, both ends included, by the coordinator's clock: one entry for each agent that has
    /// some, in order of cluster and node.
    ///
    /// From agents' times is taken off what was taken off when they came. Throws `StoreError` and `CancellationError`.
    @concurrent
    package mutating func read(from: Timestamp, to: Timestamp) async throws -> [AgentStretch] {
        // Taken out, so that what each knows is changed in place.
        var known = agents
        agents = []
        defer { agents = known }
        var stretches: [AgentStretch] = []
        for index in known.indices {
            let stretch = try await read(&known[index], from...to)
            if stretch.count > 0 { stretches.append(stretch) }
        }
        return stretches
    }

    private mutating func read(
        _ agent: inout StoredAgent, _ range: ClosedRange<Timestamp>
    ) async throws -> AgentStretch {
        try Task.checkCancellation()
        let reach = Self.reach(of: agent, range)
        // Frames are read before chunks, so that what is compacted in between is seen twice and never missed, and
        // gathered behind them.
        var recent: [(columns: SampleColumns, numbering: [Int32])] = []
        let row = agent.row
        for chain in try await file.read({ try FrameChain.list(of: row, $0) })
        where chain.from <= reach.upperBound && chain.to >= reach.lowerBound {
            var translation = SeriesTranslation()
            let damage = try await chain.read(from: file) { reader in
                let numbers = translation.numbers(reader) { number(of: $0, in: &agent) }
                recent.append((reader.columns, numbers))
            }.damage
            damaged += damage == nil ? 0 : 1
        }
        var gatherer = LookGatherer(clock: agent.clock, range: range)
        try await readChunks(of: &agent, reach, into: &gatherer)
        for (columns, numbers) in recent { gatherer.take(columns, numbering: numbers) }
        return gatherer.stretch(of: agent.name, series: agent.series, numbering: numbering)
    }

    /// The stretch of the agent's own time that may hold what is asked for.
    private static func reach(of agent: StoredAgent, _ range: ClosedRange<Timestamp>) -> ClosedRange<Int64> {
        let stretches = agent.clock?.stretches(from: range.lowerBound, to: range.upperBound) ?? []
        let first = min(stretches.first?.lowerBound ?? range.lowerBound, range.lowerBound)
        let last = max(stretches.last?.upperBound ?? range.upperBound, range.upperBound)
        return first.millis...last.millis
    }

    private mutating func readChunks(
        of agent: inout StoredAgent, _ reach: ClosedRange<Int64>, into gatherer: inout LookGatherer
    ) async throws {
        var reader = BlockReader()
        var translation = SeriesTranslation()
        var rest = agent.groups[...]
        while !rest.isEmpty {
            let page = rest
            let (payloads, groups) = try await file.read { try Self.page(of: page, reach, $0) }
            rest = rest.dropFirst(groups)
            for payload in payloads {
                do {
                    guard let bytes = try payload.get() else { continue }
                    try reader.read(bytes)
                } catch {
                    damaged += 1
                    continue
                }
                let numbers = translation.numbers(reader) { number(of: $0, in: &agent) }
                gatherer.take(reader.columns, numbering: numbers)
            }
        }
    }

    /// The payloads of the first of these groups, and how many groups that were.
    ///
    /// Those of a group come from one snapshot, so that a merge on the way changes nothing.
    private static func page(
        of groups: ArraySlice<Int64>, _ reach: ClosedRange<Int64>, _ database: Database
    ) throws -> (payloads: [Result<[UInt8]?, StoreError>], groups: Int) {
        let statement = try database.cachedStatement(
            sql: """
                SELECT id, window, min_millis, max_millis FROM chunks INDEXED BY chunks_by_group
                WHERE group_id = ? AND window > ? AND window <= ? ORDER BY id
                """)
        var (payloads, bytes, count): ([Result<[UInt8]?, StoreError>], Int, Int) = ([], 0, 0)
        for group in groups {
            let rows = try Row.fetchAll(
                statement, arguments: [group, reach.lowerBound - Chunk.windowMillis, reach.upperBound])
            for row in rows {
                let entry = try ChunkEntry(
                    id: row.value(at: 0), window: row.value(at: 1), from: row.value(at: 2), to: row.value(at: 3))
                guard entry.from <= reach.upperBound, entry.to >= reach.lowerBound else { continue }
                let payload = entry.read(database)
                bytes += (try? payload.get()?.count) ?? 0
                payloads.append(payload)
            }
            count += 1
            if bytes >= FramePage.bytesMax { break }
        }
        return (payloads, count)
    }

    private func number(of series: Series, in agent: inout StoredAgent) -> Int32 {
        guard metrics.contains(series.metric) else { return -1 }
        if let known = agent.numbers[series] { return known }
        guard isWanted(series) else { return -1 }
        let number = Int32(agent.series.count)
        agent.numbers[series] = number
        agent.series.append(series)
        return number
    }
}

/// What a block's numbers of series mean, kept as long as they mean the same.
private struct SeriesTranslation {
    private var epoch: UInt64?
    private var series = SeriesList()
    private var numbers: [Int32] = []

    mutating func numbers(_ reader: BlockReader, _ number: (Series) -> Int32) -> [Int32] {
        let now = reader.series
        // Chunks of one group mostly define the same series in the same order.
        if epoch != reader.epoch, !now.starts(with: series) { numbers.removeAll(keepingCapacity: true) }
        epoch = reader.epoch
        series = now
        for one in now.dropping(first: min(numbers.count, now.count)).all { numbers.append(number(one)) }
        return numbers
    }
}

extension SampleStore {
    /// A reader of all samples of some metrics.
    ///
    /// - Parameters:
    ///   - numbering: what the numbers of series belong to: no other numbering that the samples' readers know.
    ///   - isWanted: asked once for each series of these metrics; samples of others are left out.
    package func stretches(
        of metrics: Set<String>, clocks: [AgentName: ClockHistory], numbering: SampleBatch.Numbering,
        isWanted: @escaping @Sendable (Series) -> Bool
    ) async throws -> StretchReader {
        try await StretchReader(file, clocks: clocks, numbering: numbering, metrics: metrics, isWanted: isWanted)
    }
}
