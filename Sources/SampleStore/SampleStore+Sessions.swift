import Foundation
import GRDB
package import SQLiteFile
package import SampleLink
package import Telemetry

/// What an agent says of its spool when it begins a stream.
package struct SessionOpening: Sendable, Hashable {
    /// The first sequence that the spool still holds.
    package var firstSequence: UInt64
    /// Time of the first sample that it holds; nil when it holds none.
    package var heldFrom: Timestamp?
    /// What it gave up, as far as it knows.
    package var losses: [FrameLoss]
    /// The session whose undelivered records this one took over; empty for none.
    package var continues: [UInt8]

    /// Describes a spool.
    package init(
        firstSequence: UInt64, heldFrom: Timestamp? = nil, losses: [FrameLoss] = [], continues: [UInt8] = []
    ) {
        self.firstSequence = firstSequence
        self.heldFrom = heldFrom
        self.losses = losses
        self.continues = continues
    }
}

/// Samples of an agent that will not come, noted for the first time.
package struct NotedLoss: Sendable, Hashable {
    /// What is missing, by the agent's clock; nil when nothing tells.
    package var times: ClosedRange<Timestamp>?
    /// How many, as far as they could be counted.
    package var samples: UInt64
    /// Why, as queries tell it.
    package var reason: String
}

extension SampleStore {
    /// What opening a session gave.
    package struct OpenedSession: Sendable, Hashable {
        /// What is durable of it.
        package var durable: DurableSequences
        /// What was found to be lost.
        package var losses: [NotedLoss] = []
    }

    /// Notes that a session's spool holds nothing before its first sequence any more, and returns what is durable.
    ///
    /// Of the frames before it, those that never came are noted as lost, with their time as a gap, and the durable
    /// sequence moves past them. A session that is new where another one was is a spool that is gone: what the old one
    /// had not delivered is lost too, unless the new one took it over.
    package func openSession(
        _ key: SessionKey, _ opening: SessionOpening, at now: Timestamp
    ) async throws(StoreError) -> OpenedSession {
        guard opening.firstSequence < UInt64(Int64.max) else {
            throw StoreError(.invalid, "\(opening.firstSequence) is no sequence of a frame")
        }
        return try await file.write { [sessions] database in
            _ = sessions.take([key])
            var losses: [NotedLoss] = []
            let known = try SessionRow.find(key, database)
            var session = try known ?? SessionRow.findOrMake(key, seenAt: now, database)
            if known == nil {
                losses += try Self.replaced(by: session, key, opening, at: now, database)
            } else {
                try database.execute(
                    sql: "UPDATE sessions SET unsent_samples = NULL WHERE id = ?", arguments: [session.id])
            }
            for range in try session.skip(to: opening.firstSequence, at: now, database) {
                losses.append(opening.loss(of: range, after: session.newest, now: now))
            }
            try session.save(seenAt: now, database)
            if !losses.isEmpty {
                let agent = try SeriesCatalogue.agent(cluster: key.cluster, node: key.node, database)
                for loss in losses { try loss.insert(agent: agent, at: now, database) }
            }
            return OpenedSession(
                durable: DurableSequences(through: session.durable, ahead: session.ahead), losses: losses)
        }
    }

    /// Notes what an agent that ends could not deliver; nil when it delivered all.
    package func endSession(_ key: SessionKey, unsent: FrameLoss?) async throws(StoreError) {
        try await file.write { database in
            try database.execute(
                sql: """
                    UPDATE sessions SET unsent_samples = ?, unsent_min = ?, unsent_max = ?
                    WHERE cluster = ? AND node = ? AND session = ?
                    """,
                arguments: [
                    Int64(clamping: unsent?.samples ?? 0), unsent?.times?.lowerBound.millis,
                    unsent?.times?.upperBound.millis, key.cluster, key.node, Data(key.session),
                ])
        }
    }

    /// Settles the sessions that an agent had before a new one.
    private static func replaced(
        by session: SessionRow, _ key: SessionKey, _ opening: SessionOpening, at now: Timestamp, _ database: Database
    ) throws -> [NotedLoss] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT id, session, newest_millis, unsent_samples, unsent_min, unsent_max FROM sessions
                WHERE cluster = ? AND node = ? AND id <> ? AND is_replaced = 0
                """, arguments: [key.cluster, key.node, session.id])
        var losses: [NotedLoss] = []
        for row in rows {
            let (id, old, newest): (Int64, Data, Int64) = try (
                row.value("id"), row.value("session"), row.value("newest_millis")
            )
            try database.execute(sql: "UPDATE sessions SET is_replaced = 1 WHERE id = ?", arguments: [id])
            if !opening.continues.isEmpty, Data(opening.continues) == old { continue }
            if let samples = try row.value("unsent_samples") as Int64? {
                guard samples > 0 else { continue }
                let (from, to): (Int64?, Int64?) = try (row.value("unsent_min"), row.value("unsent_max"))
                losses.append(
                    NotedLoss(
                        times: NotedLoss.times(from, to), samples: UInt64(samples),
                        reason: "the agent ended before it could send them, and its spool is gone"))
            } else if newest > 0 {
                losses.append(
                    NotedLoss(
                        times: NotedLoss.times(newest, (opening.heldFrom ?? now).millis), samples: 0,
                        reason: "the agent's spool is gone, with what it had not sent"))
            }
        }
        return losses
    }

    /// What is durable of a session; nothing of an unknown one.
    package func durableSequences(of key: SessionKey) async throws(StoreError) -> DurableSequences {
        try await file.read { database in
            let session = try SessionRow.find(key, database)
            return DurableSequences(through: session?.durable ?? 0, ahead: session?.ahead ?? SequenceRanges())
        }
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
                let session: Data = try row.value("session")
                let (first, last, notedAt): (Int64, Int64, Int64) = try (
                    row.value("first"), row.value("last"), row.value("noted_at")
                )
                return LostRange(
                    key: SessionKey(
                        cluster: try row.value("cluster"), node: try row.value("node"), session: Array(session)),
                    first: UInt64(clamping: first), last: UInt64(clamping: last), notedAt: Timestamp(millis: notedAt))
            }
        }
    }
}

extension SessionOpening {
    /// What is known of lost frames: by the agent, or else that they lie between what is stored and what is held.
    fileprivate func loss(of range: ClosedRange<UInt64>, after newest: Int64, now: Timestamp) -> NotedLoss {
        var sum: FrameLoss?
        for loss in losses where loss.sequences.overlaps(range) {
            if sum == nil { sum = loss } else { sum?.merge(loss) }
        }
        let reason =
            switch sum?.reason {
            case .budget: "the agent's spool was full"
            case .damage: "the agent's spool was damaged"
            case .refused: "the coordinator refused them"
            case nil: "the agent holds them no more"
            }
        // A spool also holds what was acknowledged: its first record tells nothing when it is older than what is
        // stored.
        let end = heldFrom.flatMap { $0.millis > newest ? $0 : nil } ?? now
        let between = newest > 0 ? NotedLoss.times(newest, end.millis) : nil
        let told = SequenceRanges(losses.map(\.sequences)).count(in: range)
        let isTold = told == range.upperBound - range.lowerBound + 1
        return NotedLoss(
            times: isTold ? sum?.times ?? between : between ?? sum?.times, samples: sum?.samples ?? 0, reason: reason)
    }
}

extension NotedLoss {
    fileprivate static func times(_ from: Int64?, _ to: Int64?) -> ClosedRange<Timestamp>? {
        guard let from, let to else { return nil }
        return Timestamp(millis: min(from, to))...Timestamp(millis: max(from, to))
    }

    fileprivate func insert(agent: Int64, at now: Timestamp, _ database: Database) throws {
        guard let times else { return }
        let count = samples > 0 ? " (\(samples) samples)" : ""
        try GapRow(
            agent: agent, from: times.lowerBound.millis, to: times.upperBound.millis, reason: reason + count
        ).insert(at: now, database)
    }
}
