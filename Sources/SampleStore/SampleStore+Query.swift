import GRDB
import SQLiteFile
package import Telemetry

/// What a query asks for.
package struct SampleQuery: Sendable {
    /// Which series.
    package var selector: Selector
    /// First moment, included.
    package var from: Timestamp
    /// Last moment, included.
    package var to: Timestamp
    /// Nil: the samples as they are.
    ///
    /// Else one value at `from`, `from + step`, … up to `to`: the last one at or before the moment and less than
    /// `staleAfter` old; a stale marker ends a series at once.
    package var step: Duration?
    /// How long a sample speaks for what follows it.
    ///
    /// Default 5 minutes, as in Prometheus.
    package var staleAfter: Duration = .seconds(300)
    /// Most series of an answer.
    ///
    /// Default 50,000.
    package var seriesMax = 50_000
    /// Samples held before those in order are handed out.
    ///
    /// Default 262,144.
    package var bufferSamplesMax = 1 << 18

    /// Makes a query.
    package init(selector: Selector, from: Timestamp, to: Timestamp, step: Duration? = nil) {
        self.selector = selector
        self.from = from
        self.to = to
        self.step = step
    }

    /// Most steps of an answer.
    package static let stepsMax = 100_000
}

/// One series of an answer, or a further part of one: parts of a series come in order of time.
package struct SeriesChunk: Sendable, Equatable {
    /// The cluster it was seen in.
    package var cluster: String
    /// The series.
    package var series: Series
    /// Times, ascending.
    package var timestamps: [Timestamp]
    /// Values, one a time; a raw answer holds stale markers as they are.
    package var values: [Double]
}

/// What a query read.
package struct QueryReport: Sendable, Equatable {
    /// A frame whose samples could not be read.
    package struct Gap: Sendable, Hashable {
        /// The agent's cluster.
        package var cluster: String
        /// The agent's node.
        package var node: String
        /// Start of the frame.
        package var from: Timestamp
        /// End of the frame.
        package var to: Timestamp
        /// Why.
        package var reason: String
    }

    /// Frames decoded.
    package var frames = 0
    /// Frames that could not be read or decoded.
    package var corruptFrames = 0
    /// The first 100 of them.
    package var gaps: [Gap] = []
    /// Series in the answer.
    package var series = 0
    /// Values handed out.
    package var values = 0
}

extension SampleStore {
    /// Answers a query: only frames whose time overlaps are decoded, a page at a time, and `receive` is awaited for
    /// each chunk, so that a slow reader slows the query and not the memory.
    ///
    /// A frame that cannot be read is skipped and reported as a gap. Throws `StoreError` (`.invalid` for a bad range or
    /// step, `.tooLarge` for too many series, steps or overlapping samples), what `receive` throws, and
    /// `CancellationError`.
    @concurrent
    package func query(
        _ query: SampleQuery, receive: @Sendable (SeriesChunk) async throws -> Void
    ) async throws -> QueryReport {
        var collector = try SeriesCollector(query)
        var report = QueryReport()
        var chains = ChainReaders(file: file, makeDecoder: makeDecoder)
        let start = query.step == nil ? query.from : query.from - query.staleAfter
        var position = try await FramePage.start(from: start, file)
        while true {
            try Task.checkCancellation()
            let page = try await FramePage.next(&position, from: start, to: query.to, file)
            if let first = page.frames.first, collector.isFull {
                // Frames come by their start: nothing before the next one's start is still to come.
                for chunk in try collector.drain(before: first.from) { try await deliver(chunk, receive, &report) }
            }
            for frame in page.frames {
                guard let samples = await read(frame, &chains, &report) else { continue }
                try collector.add(samples, cluster: frame.cluster)
            }
            if page.isLast { break }
        }
        for chunk in try collector.drain(before: nil) { try await deliver(chunk, receive, &report) }
        report.series = collector.seriesCount
        return report
    }

    private func deliver(
        _ chunk: SeriesChunk, _ receive: @Sendable (SeriesChunk) async throws -> Void, _ report: inout QueryReport
    ) async throws {
        report.values += chunk.values.count
        try await receive(chunk)
    }

    private func read(
        _ frame: FramePage.Frame, _ chains: inout ChainReaders, _ report: inout QueryReport
    ) async -> [Sample]? {
        do {
            let samples = try await chains.samples(of: frame)
            report.frames += 1
            return samples
        } catch {
            report.corruptFrames += 1
            if report.gaps.count < 100 {
                report.gaps.append(
                    .init(
                        cluster: frame.cluster, node: frame.node, from: frame.from, to: frame.to, reason: "\(error)"))
            }
            return nil
        }
    }
}

/// Some frames of a time range, in order of their start.
struct FramePage: Sendable {
    struct Frame: Sendable {
        var cluster: String
        var node: String
        var from: Timestamp
        var to: Timestamp
        var session: Int64
        var body: Result<FrameBody, StoreError>
    }

    /// The last frame seen: pages are read one by one, each on a snapshot of its own.
    struct Position: Sendable {
        var minMillis: Int64
        var id: Int64
    }

    /// Bounds of a page.
    static let framesMax = 256
    static let bytesMax = 8 << 20

    var frames: [Frame] = []
    var isLast = false

    /// Before the first frame that can reach into the range: none is longer than the longest ever stored.
    static func start(from: Timestamp, _ file: SQLiteFile) async throws(StoreError) -> Position {
        let span = try await file.read { database in
            try Int64.fetchOne(database, sql: "SELECT millis FROM longest_frame") ?? 0
        }
        return Position(minMillis: (from - .milliseconds(span)).millis, id: -1)
    }

    static func next(
        _ position: inout Position, from: Timestamp, to: Timestamp, _ file: SQLiteFile
    ) async throws(StoreError) -> FramePage {
        let (page, last) = try await file.read { [position] database in
            try read(after: position, from: from, to: to, database)
        }
        position = last
        return page
    }

    private static func read(
        after position: Position, from: Timestamp, to: Timestamp, _ database: Database
    ) throws -> (FramePage, Position) {
        // The join comes after the choice of frames, which the index alone answers.
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT chosen.id, min_millis, max_millis, session_id, cluster, node FROM (
                    SELECT id, min_millis, max_millis, session_id FROM frames INDEXED BY frames_by_time
                    WHERE (min_millis, id) > (?, ?) AND min_millis <= ? AND max_millis >= ? AND kind = ?
                    ORDER BY min_millis, id LIMIT ?) AS chosen
                LEFT JOIN sessions ON sessions.id = session_id ORDER BY min_millis, chosen.id
                """,
            arguments: [
                position.minMillis, position.id, to.millis, from.millis, FrameKind.sampleBlock.rawValue, framesMax,
            ])
        var (page, last, bytes) = (FramePage(), position, 0)
        while let row = try rows.next() {
            let id: Int64 = row["id"]
            last = Position(minMillis: row["min_millis"], id: id)
            let body = body(of: id, database)
            if case .success(let body) = body { bytes += body.payload.count }
            page.frames.append(
                Frame(
                    cluster: row["cluster"] ?? "", node: row["node"] ?? "", from: Timestamp(millis: last.minMillis),
                    to: Timestamp(millis: row["max_millis"]), session: row["session_id"], body: body))
            if bytes >= bytesMax { return (page, last) }
        }
        page.isLast = page.frames.count < framesMax
        return (page, last)
    }

    private static func body(of id: Int64, _ database: Database) -> Result<FrameBody, StoreError> {
        do {
            let statement = try database.cachedStatement(
                sql: "SELECT payload, sequence, chain_start FROM frames WHERE id = ?")
            guard let row = try Row.fetchOne(statement, arguments: [id]) else {
                return .failure(StoreError(.corrupt, "the index names a frame that is not there"))
            }
            return .success(try FrameBody(row))
        } catch {
            return .failure(StoreError(error))
        }
    }
}
