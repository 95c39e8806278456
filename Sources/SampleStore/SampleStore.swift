import Foundation
import GRDB
package import SQLiteFile
package import SampleLink
package import Telemetry

/// Frames as they came from the agents, with the sequences that are durable, the edges, queries and retention.
///
/// An acknowledgement follows a durable append: the file's `synchronous` is FULL, so that a committed transaction is
/// on the disk also after a power cut, and one call of `append` is one transaction, so that a batch of many agents'
/// frames costs one sync. Only one process may use a file. Work runs on the database's own queues.
package final class SampleStore: Sendable {
    /// Makes a decoder for one chain of frames.
    ///
    /// Called off the caller's actor.
    package typealias MakeDecoder = @Sendable () -> any FrameDecoder

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
    let makeDecoder: MakeDecoder

    /// Opens the store in a folder that exists, or makes it.
    ///
    /// Blocks; for start-up.
    ///
    /// A damaged file is set aside (the last one is kept) and a new one is made; it never fails the opening. With
    /// `fileBytesMax` writes beyond that size fail with `.full`. Throws `.newerSchema`, `.io`, `.full`, `.busy`,
    /// `.other`.
    package init(directory: String, fileBytesMax: Int? = nil, makeDecoder: @escaping MakeDecoder) throws(StoreError) {
        self.makeDecoder = makeDecoder
        file = try SQLiteFile(
            .init(
                path: directory + "/" + Self.fileName, quarantineMax: 1, checksPages: false, fileBytesMax: fileBytesMax),
            migrator: Self.migrator)
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
        return try await file.write { database in
            var result = AppendResult()
            for (key, frames) in Dictionary(grouping: frames, by: \.key) {
                let seenAt = frames.map(\.receivedAt).max() ?? frames[0].receivedAt
                var session = try SessionRow.findOrMake(key, seenAt: seenAt, database)
                for frame in frames {
                    let isNew = try !session.holds(frame.sequence) && FrameRow.insert(frame, session.id, database)
                    session.add(frame.sequence)
                    result.stored += isNew ? 1 : 0
                    result.duplicates += isNew ? 0 : 1
                }
                try session.save(seenAt: seenAt, database)
                result.durable[key] = session.durable
            }
            return result
        }
    }

    /// Notes that a session's spool holds nothing below `firstSequence` any more, and returns what is durable.
    ///
    /// Of the frames below it, those that never came are recorded as lost, and the durable sequence moves past them.
    package func openSession(
        _ key: SessionKey, firstSequence: UInt64, at now: Timestamp
    ) async throws(StoreError) -> DurableSequences {
        guard firstSequence < UInt64(Int64.max) else {
            throw StoreError(.invalid, "\(firstSequence) is no sequence of a frame")
        }
        return try await file.write { database in
            var session = try SessionRow.findOrMake(key, seenAt: now, database)
            try session.skip(to: firstSequence, at: now, database)
            try session.save(seenAt: now, database)
            return DurableSequences(through: session.durable, ahead: session.ahead)
        }
    }

    /// The last sequence of a session up to which all is durable or known as lost; 0 for an unknown session.
    package func durableSequence(
        cluster: String, node: String, session: [UInt8]
    ) async throws(StoreError) -> UInt64 {
        let key = SessionKey(cluster: cluster, node: node, session: session)
        return try await file.read { database in try SessionRow.find(key, database)?.durable ?? 0 }
    }

    /// The newest runs of lost sequences, at most `limit`.
    package func lostRanges(limit: Int) async throws(StoreError) -> [LostRange] {
        try await file.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT cluster, node, session, first, last, noted_at FROM lost_ranges
                    JOIN sessions ON sessions.id = session_id ORDER BY noted_at DESC, first DESC LIMIT ?
                    """, arguments: [max(0, limit)]
            ).map { row in
                let session: Data = row["session"]
                let (first, last, notedAt): (Int64, Int64, Int64) = (row["first"], row["last"], row["noted_at"])
                return LostRange(
                    key: SessionKey(cluster: row["cluster"], node: row["node"], session: Array(session)),
                    first: UInt64(first), last: UInt64(last), notedAt: Timestamp(millis: notedAt))
            }
        }
    }
}
