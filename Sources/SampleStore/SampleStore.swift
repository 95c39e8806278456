import Foundation
import GRDB
package import SQLiteFile
package import SampleLink
import Synchronization
package import Telemetry

/// The samples of the fleet: frames as they came from the agents, with the sequences that are durable, and in the
/// background chunks by series made of them; the edges, queries and retention.
///
/// An acknowledgement follows a durable append: the file's `synchronous` is FULL, so that a committed transaction is
/// on the disk also after a power cut, and one call of `append` is one transaction, so that a batch of many agents'
/// frames costs one sync. Only one process may use a file. Work runs on the database's own queues.
package final class SampleStore: Sendable {
    /// What an append did.
    package struct AppendResult: Sendable, Equatable {
        /// For each session in the batch: all its frames up to this sequence are durable or known as lost.
        package var durable: [SessionKey: UInt64] = [:]
        /// Frames stored.
        package var stored = 0
        /// Frames that were stored before.
        package var duplicates = 0
    }

    /// What is durable of a session.
    package struct DurableSequences: Sendable, Hashable {
        /// All up to it are durable or known as lost; 0 when none is.
        package var through: UInt64
        /// Those that are durable after a gap.
        package var ahead: SequenceRanges
    }

    /// A run of sequences that will never come: the agent dropped them before they were durable here.
    package struct LostRange: Sendable, Hashable {
        /// Whose.
        package var key: SessionKey
        /// First sequence.
        package var first: UInt64
        /// Last sequence.
        package var last: UInt64
        /// When the coordinator learnt of it.
        package var notedAt: Timestamp
    }

    /// Name of the database file.
    package static let fileName = "samples.sqlite"
    /// Most frames in one append.
    package static let appendFramesMax = 10_000

    /// Where a damaged file was moved to while opening; nil when the file was sound.
    package var quarantinedPath: String? { file.quarantinedPath }

    let file: SQLiteFile
    let catalogue = SeriesCatalogue()
    let sessions = SessionCache()
    let compactor = Compactor()
    /// The agents' clocks as they are noted in the file.
    let clocks = Mutex<[AgentName: ClockNote]>([:])

    /// Opens the store in a folder that exists, or makes it.
    ///
    /// Blocks; for start-up.
    ///
    /// A damaged file is set aside (the last one is kept) and a new one is made; it never fails the opening. With
    /// `fileBytesMax` writes beyond that size fail with `.full`. Throws `.newerSchema`, `.io`, `.full`, `.busy`,
    /// `.other`.
    package init(directory: String, fileBytesMax: Int? = nil) throws(StoreError) {
        file = try SQLiteFile(
            .init(
                path: directory + "/" + Self.fileName, quarantineMax: 1, checksPages: false, fileBytesMax: fileBytesMax),
            migrator: Self.migrator)
        if let path = file.quarantinedPath {
            try noteSetAside(path, at: Timestamp(seconds: Date().timeIntervalSince1970))
        }
    }

    /// Sets a damaged file aside and goes on with an empty one; returns where the damaged one is.
    ///
    /// For when a write failed with `.corrupt`. What was stored before is then a gap of all agents, and agents send
    /// what they still hold.
    package func replaceDamagedFile(now: Timestamp) async throws(StoreError) -> String {
        try await compactor.run { [self] in
            let path = try file.replace()
            catalogue.forget()
            sessions.forget()
            clocks.withLock { $0 = [:] }
            compactor.settled.withLock { $0 = [] }
            try noteSetAside(path, at: now)
            return path
        }
    }

    private func noteSetAside(_ path: String, at now: Timestamp) throws(StoreError) {
        try file.writeBlocking { database in
            try GapRow(
                agent: GapRow.everyAgent, from: 0, to: now.millis,
                reason: "the file was damaged and set aside as \(path)"
            ).insert(at: now, database)
        }
    }

    /// Stores a batch in one transaction: when this returns, all of it is on the disk.
    ///
    /// A frame that is there already, or at or below its session's durable sequence, is a duplicate. Throws `.full`
    /// when the disk is: nothing of the batch is stored, nothing is to be acknowledged, and the same call may be tried
    /// again.
    package func append(_ frames: [IncomingFrame]) async throws(StoreError) -> AppendResult {
        guard frames.count <= Self.appendFramesMax else {
            throw StoreError(.invalid, "\(frames.count) frames at once; at most \(Self.appendFramesMax)")
        }
        guard !frames.isEmpty else { return AppendResult() }
        let noted = clocks.withLock { $0 }
        let pool = file.pool
        let (result, lookups, clocks, lease) = try await file.write { [catalogue, sessions] database in
            var result = AppendResult()
            var clocks = noted
            var lookups = catalogue.begin()
            let grouped = Dictionary(grouping: frames, by: \.key)
            var lease = sessions.take(grouped.keys)
            for (key, frames) in grouped {
                let seenAt = frames.map(\.receivedAt).max() ?? frames[0].receivedAt
                var entry = try lease.entries[key] ?? Self.entry(of: key, seenAt: seenAt, database)
                for frame in frames {
                    let isNew =
                        try !entry.session.holds(frame.sequence)
                        && FrameRow.insert(frame, entry.session.id, database)
                    if isNew { try Self.noteGaps(of: frame, entry.agent, database) }
                    entry.session.add(frame.sequence, to: frame.to)
                    result.stored += isNew ? 1 : 0
                    result.duplicates += isNew ? 0 : 1
                }
                try Self.note(frames, of: entry.agent, &lookups, database)
                try Self.note(frames, of: key, entry.agent, &clocks, database)
                try entry.session.save(seenAt: seenAt, database)
                result.durable[key] = entry.session.durable
                lease.entries[key] = entry
            }
            return (result, lookups, clocks, lease)
        }
        catalogue.remember(lookups)
        // Rows of a file that was set aside meanwhile have other numbers.
        if pool === file.pool { sessions.put(back: lease) }
        self.clocks.withLock { $0 = clocks }
        return result
    }

    private static func entry(
        of key: SessionKey, seenAt: Timestamp, _ database: Database
    ) throws -> SessionCache.Entry {
        SessionCache.Entry(
            session: try SessionRow.findOrMake(key, seenAt: seenAt, database),
            agent: try SeriesCatalogue.agent(cluster: key.cluster, node: key.node, database))
    }

    /// Keeps what an agent's process took with it when it died as a gap.
    ///
    /// An agent whose spool was emptied meanwhile cannot tell from when on; its newest sample from before can.
    private static func noteGaps(of frame: IncomingFrame, _ agent: Int64, _ database: Database) throws {
        for edge in frame.edges where edge.kind == .agentGap {
            let told = edge.attributes[Edge.gapFrom].flatMap { Int64($0) }
            let newest = try Int64.fetchOne(
                database,
                sql: "SELECT max(newest_millis) FROM sessions WHERE cluster = ? AND node = ? AND newest_millis < ?",
                arguments: [frame.key.cluster, frame.key.node, edge.at.millis])
            guard let from = told ?? newest, from > 0, from <= edge.at.millis else { continue }
            try GapRow(
                agent: agent, from: from, to: edge.at.millis,
                reason: "the agent was not running, and what it had not written is gone"
            ).insert(at: frame.receivedAt, database)
        }
    }

    /// Notes what is taken off the times of an agent's frames; those of an outage are not judged, and say nothing.
    private static func note(
        _ frames: [IncomingFrame], of key: SessionKey, _ agent: Int64, _ clocks: inout [AgentName: ClockNote],
        _ database: Database
    ) throws {
        let name = AgentName(cluster: key.cluster, node: key.node)
        var clock = try clocks[name] ?? ClockNote.read(agent: agent, database)
        for frame in frames where !frame.isBackfill { try clock.take(frame, agent: agent, database) }
        clocks[name] = clock
    }

    private static func note(
        _ frames: [IncomingFrame], of agent: Int64, _ lookups: inout SeriesCatalogue.Transaction, _ database: Database
    ) throws {
        for frame in frames {
            guard let series = frame.definitions else { continue }
            for number in series.indices {
                _ = try lookups.group(of: series, number, agent: agent, at: frame.receivedAt, database)
            }
        }
    }
}
