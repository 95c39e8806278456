import Foundation
import GRDB
import Telemetry

/// A stretch of an agent's time of which samples are missing: what held them was damaged, or they never came.
struct GapRow: Sendable {
    var agent: Int64
    var from: Int64
    var to: Int64
    var reason: String
    /// The damaged bytes, as far as they could be read.
    var payload: [UInt8]?

    /// Stands for all agents.
    static let everyAgent: Int64 = 0

    /// Damaged bytes that are kept for whoever wants to look at them.
    private static let keptBytesMax = 16 << 20

    func insert(at now: Timestamp, _ database: Database) throws {
        let kept = try Int.fetchOne(database, sql: "SELECT total(length(payload)) FROM gaps") ?? 0
        let payload = kept + (payload?.count ?? 0) <= Self.keptBytesMax ? payload.map { Data($0) } : nil
        try database.execute(
            sql: """
                INSERT INTO gaps (agent_id, min_millis, max_millis, noted_at, reason, payload)
                VALUES (?, ?, ?, ?, ?, ?)
                """, arguments: [agent, from, to, now.millis, reason, payload])
    }
}
