import GRDB
import SQLiteFile
import SampleCodec
import Synchronization
import Telemetry

/// Frames of one session and lane whose chains have ended: nothing that comes builds upon them.
///
/// A lane has one chain at a time, so all but the last have.
struct FrameRun: Sendable {
    var session: Int64
    var lane: Int64
    var cluster: String
    var node: String
    /// The first frame that stays.
    var end: Int64

    /// The run that waits longest, among those that the policy names.
    static func next(now: Timestamp, policy: CompactionPolicy, _ database: Database) throws -> FrameRun? {
        let lanes = try Row.fetchAll(
            database,
            sql: """
                SELECT frames.session_id, lane, cluster, node, min(received_at) AS oldest,
                    max(CASE WHEN kind = 1 THEN frames.id END) AS last
                FROM frames INDEXED BY frames_by_lane JOIN sessions ON sessions.id = session_id
                GROUP BY frames.session_id, lane HAVING last NOTNULL AND (oldest <= ? OR count(*) >= ?)
                ORDER BY oldest
                """, arguments: [(now - policy.frameAge).millis, policy.framesMax])
        for lane in lanes {
            let (session, number, last): (Int64, Int64, Int64) = (lane["session_id"], lane["lane"], lane["last"])
            let end = try Self.start(ofChain: last, session, database)
            let first = try Row.fetchOne(
                database,
                sql: """
                    SELECT count(*), min(received_at) FROM frames INDEXED BY frames_by_lane
                    WHERE session_id = ? AND lane = ? AND id < ?
                    """, arguments: [session, number, end])
            guard let first, let oldest: Int64 = first[1] else { continue }
            let count: Int = first[0]
            guard oldest <= (now - policy.frameAge).millis || count >= policy.framesMax else { continue }
            return FrameRun(
                session: session, lane: number, cluster: lane["cluster"], node: lane["node"], end: end)
        }
        return nil
    }

    private static func start(ofChain frame: Int64, _ session: Int64, _ database: Database) throws -> Int64 {
        let start = try Int64.fetchOne(
            database,
            sql: """
                SELECT min(first.id) FROM frames INDEXED BY frames_by_chain
                JOIN frames AS first INDEXED BY frames_by_chain
                    ON first.session_id = frames.session_id AND first.chain_start = frames.chain_start
                WHERE frames.session_id = ? AND frames.chain_start NOTNULL AND frames.id = ?
                """, arguments: [session, frame])
        return start ?? frame
    }
}

extension SampleStore {
    /// Samples of one step.
    private static let stepSamplesMax = 1_000_000

    /// Turns the frames of one session into chunks; nil when there are none to turn.
    func compactFrames(now: Timestamp, policy: CompactionPolicy) throws -> CompactionReport? {
        let found = try file.readBlocking { database -> (FrameRun, [FrameEntry])? in
            guard let run = try FrameRun.next(now: now, policy: policy, database) else { return nil }
            return (
                run, try FrameEntry.list(session: run.session, lane: run.lane, before: run.end, database)
            )
        }
        guard case (var run, let entries)? = found else { return nil }
        var work = FrameCompaction(store: self, run: run, now: now)
        var position = 0
        reading: while position < entries.count {
            let payloads = try file.readBlocking { FramePage.read(entries[position...], $0) }
            for payload in payloads {
                let entry = entries[position]
                if entry.startsChain, entry.isBlock, work.buffers.samples >= Self.stepSamplesMax {
                    run.end = entry.id
                    break reading
                }
                try work.take(entry, payload)
                position += 1
            }
        }
        let chunks = try work.chunks()
        let agent = try work.agentID()
        try file.writeBlocking { [run] database in
            try database.execute(
                sql: "DELETE FROM frames WHERE session_id = ? AND lane = ? AND id < ?",
                arguments: [run.session, run.lane, run.end])
            guard database.changesCount == position else {
                throw StoreError(.conflict, "\(database.changesCount) frames where \(position) were read: tried again")
            }
            for chunk in chunks { try chunk.insert(at: now, database) }
            for gap in work.gaps(agent: agent) { try gap.insert(at: now, database) }
        }
        compactor.settled.withLock { $0.subtract(chunks.map(\.key.window)) }
        var report = CompactionReport()
        report.frames = position
        report.chunks = chunks.count
        report.samples = chunks.reduce(0) { $0 + $1.samples }
        report.damaged = work.damaged
        return report
    }
}

/// The frames of one run on their way into chunks.
struct FrameCompaction {
    private let store: SampleStore
    private let run: FrameRun
    private let now: Timestamp
    private var reader = BlockReader()
    private(set) var buffers = GroupBuffers()
    private(set) var damaged = 0
    private var translation: [UInt32] = []
    private var epoch: UInt64?
    private var agent: Int64?
    private var found: [GapRow] = []
    private var isBroken = false
    private var hasBegun = false

    init(store: SampleStore, run: FrameRun, now: Timestamp) {
        (self.store, self.run, self.now) = (store, run, now)
    }

    mutating func take(_ entry: FrameEntry, _ payload: Result<[UInt8]?, StoreError>) throws {
        guard entry.isBlock else { return }
        if entry.startsChain { (isBroken, hasBegun) = (false, true) }
        // Retention took the frames that these build upon.
        guard hasBegun else { return }
        guard !isBroken else { return note(entry, "builds upon a damaged block", nil) }
        switch payload {
        case .success(let payload?):
            do {
                try reader.read(payload)
            } catch {
                return note(entry, "\(error)", payload)
            }
            try translate()
            buffers.add(reader.columns, translation: translation)
        case .success(nil):
            throw StoreError(.conflict, "a frame went away while it was read: tried again")
        case .failure(let error):
            // Only damage is the frame's own fault.
            guard error.code == .corrupt else { throw error }
            note(entry, error.message, nil)
        }
    }

    /// All that was taken, as chunks.
    mutating func chunks() throws -> [Chunk] {
        var encoder = ChunkEncoder()
        return try buffers.take().flatMap { try encoder.encode($0.columns, key: $0.key, series: buffers.series) }
    }

    func gaps(agent: Int64) -> [GapRow] {
        found.map { gap in
            var gap = gap
            gap.agent = agent
            return gap
        }
    }

    private mutating func note(_ entry: FrameEntry, _ reason: String, _ payload: [UInt8]?) {
        if isBroken, let last = found.indices.last {
            found[last].from = min(found[last].from, entry.from)
            found[last].to = max(found[last].to, entry.to)
        } else {
            damaged += 1
            found.append(GapRow(agent: 0, from: entry.from, to: entry.to, reason: reason, payload: payload))
        }
        isBroken = true
    }

    /// Brings the translation up to the reader's series.
    private mutating func translate() throws {
        if epoch != reader.epoch {
            epoch = reader.epoch
            translation.removeAll(keepingCapacity: true)
        }
        guard translation.count < reader.series.count else { return }
        let new = reader.series.dropping(first: translation.count).all
        let unknown = new.filter { buffers.number(of: $0) == nil }
        let groups = unknown.isEmpty ? [] : try store.groups(of: unknown, agent: try agentID(), at: now)
        for (series, group) in zip(unknown, groups) where buffers.number(of: series) == nil {
            _ = buffers.add(series, group: group)
        }
        for series in new { translation.append(buffers.number(of: series) ?? 0) }
    }

    mutating func agentID() throws -> Int64 {
        if let agent { return agent }
        let id = try store.file.writeBlocking { [run] database in
            try SeriesCatalogue.agent(cluster: run.cluster, node: run.node, database)
        }
        agent = id
        return id
    }
}

extension SampleStore {
    /// The groups of some series of an agent; those that are new are added to the catalogue.
    func groups(of series: [Series], agent: Int64, at now: Timestamp) throws(StoreError) -> [Int64] {
        let known = series.compactMap { catalogue.knownGroup(of: SeriesIdentity.hash($0), agent: agent) }
        if known.count == series.count { return known }
        let (groups, lookups) = try file.writeBlocking { database in
            var lookups = catalogue.begin()
            let groups = try series.map { try lookups.group(of: $0, agent: agent, at: now, database) }
            return (groups, lookups)
        }
        catalogue.remember(lookups)
        return groups
    }
}
