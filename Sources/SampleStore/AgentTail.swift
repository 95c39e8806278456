import GRDB
import SQLiteFile
import SampleCodec
import Selectors
import Telemetry

/// What an agent's frames that are not compacted yet hold of the series that a query names.
struct AgentTail: Sendable {
    private(set) var points = PointTable()
    private(set) var samples = 0

    /// Reads the frames of an agent that reach into the query's range.
    static func read(
        _ agent: QueryPlan.Agent, _ query: SampleQuery, _ file: SQLiteFile, _ report: inout QueryReport
    ) async throws -> AgentTail {
        let chains = try await file.read { try FrameChain.list(of: agent, $0) }
        var tail = AgentTail()
        for chain in chains where chain.from <= query.to.millis && chain.to >= query.dataFrom {
            try Task.checkCancellation()
            var picker = SeriesPicker(query: query, cluster: agent.cluster)
            let (frames, damage) = try await chain.read(from: file) { (reader) throws(StoreError) in
                tail.samples += picker.pick(from: reader, into: &tail.points)
                guard tail.samples <= query.samplesMax else {
                    throw StoreError(.tooLarge, "more than \(query.samplesMax) samples at once: narrow the selector")
                }
            }
            report.frames += frames
            if let damage { report.note(agent, from: damage.from, to: damage.to, reason: damage.reason) }
        }
        tail.points.sortByTime()
        return tail
    }
}

/// Points by series.
struct PointTable: Sendable {
    private(set) var keys: [SeriesKey] = []
    private var lists: [[SamplePoint]] = []
    private var places: [SeriesKey: Int] = [:]

    subscript(key: SeriesKey) -> [SamplePoint] { places[key].map { lists[$0] } ?? [] }

    /// Where the points of a series are.
    mutating func place(of key: SeriesKey) -> Int {
        if let place = places[key] { return place }
        places[key] = keys.count
        keys.append(key)
        lists.append([])
        return keys.count - 1
    }

    mutating func append(_ point: SamplePoint, at place: Int) {
        lists[place].append(point)
    }

    mutating func sortByTime() {
        for place in lists.indices { lists[place].sortByTime() }
    }
}

/// Takes out of blocks what a query names.
struct SeriesPicker {
    private let query: SampleQuery
    private let cluster: String
    private var epoch: UInt64?
    /// By the block's numbers: the place in the table of a series that is named, else -1.
    private var places: [Int] = []
    private var isAnyNamed = false

    init(query: SampleQuery, cluster: String) {
        self.query = query
        self.cluster = cluster
    }

    /// Adds the named samples in the range to a table, always the same one, and gives their count.
    mutating func pick(from reader: BlockReader, into table: inout PointTable) -> Int {
        translate(reader, &table)
        guard isAnyNamed else { return 0 }
        let (columns, numbers, times) = (reader.columns, reader.columns.series, reader.columns.times)
        let (from, to) = (query.dataFrom, query.to.millis)
        var count = 0
        for position in numbers.indices where times[position] >= from && times[position] <= to {
            let place = places[Int(numbers[position])]
            guard place >= 0 else { continue }
            table.append(SamplePoint(time: times[position], value: columns.value(at: position)), at: place)
            count += 1
        }
        return count
    }

    private mutating func translate(_ reader: BlockReader, _ table: inout PointTable) {
        if epoch != reader.epoch {
            epoch = reader.epoch
            places.removeAll(keepingCapacity: true)
            isAnyNamed = false
        }
        for one in reader.series.dropping(first: places.count).all {
            let isNamed = query.selector.matches(one, cluster: cluster)
            places.append(isNamed ? table.place(of: SeriesKey(cluster: cluster, series: one)) : -1)
            isAnyNamed = isAnyNamed || isNamed
        }
    }
}

extension [SamplePoint] {
    /// Puts points in order of time; of points of one time the last one stays.
    mutating func sortByTime() {
        let isSorted = zip(self, dropFirst()).allSatisfy { $0.time < $1.time }
        if isSorted { return }
        // The standard library's sort keeps the order of equals.
        sort { $0.time < $1.time }
        var unique: [SamplePoint] = []
        for point in self {
            if unique.last?.time == point.time { unique.removeLast() }
            unique.append(point)
        }
        self = unique
    }
}

extension QueryReport {
    /// Notes what could not be read.
    mutating func note(_ agent: QueryPlan.Agent, from: Int64, to: Int64, reason: String) {
        damaged += 1
        guard gaps.count < Self.gapsMax else { return }
        gaps.append(
            Gap(
                cluster: agent.cluster, node: agent.node, from: Timestamp(millis: from), to: Timestamp(millis: to),
                reason: reason))
    }
}
