import GRDB
package import SQLiteFile
import Synchronization
package import Telemetry

extension SampleStore {
    /// An agent that has sent something, and when it was last heard of.
    package struct SeenAgent: Sendable, Hashable {
        /// Its cluster.
        package var cluster: String
        /// Its node.
        package var node: String
        /// When its last frame, or its last hello, came.
        package var seenAt: Timestamp
    }

    /// Gives up what memory holds of agents that are gone: all of it is in the file.
    package func forget(agents gone: [AgentName]) {
        let rows = sessions.forget(agents: Set(gone))
        catalogue.forget(agents: rows)
        clocks.withLock { clocks in for agent in gone { clocks[agent] = nil } }
    }

    /// The agents heard of within `span` before the last sign of any: those that were there when the coordinator
    /// stopped; at most `limit`, those heard of last first.
    ///
    /// The coordinator's own observations are of no agent.
    package func agents(within span: Duration, limit: Int) async throws(StoreError) -> [SeenAgent] {
        try await file.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT cluster, node, max(seen_at) AS last FROM sessions WHERE node <> ? GROUP BY cluster, node
                    HAVING last >= (SELECT max(seen_at) FROM sessions WHERE node <> ?) - ?
                    ORDER BY last DESC, cluster, node LIMIT ?
                    """,
                arguments: [SessionKey.ownNode, SessionKey.ownNode, span.wholeMilliseconds, max(0, limit)]
            ).map { row in
                SeenAgent(
                    cluster: try row.value("cluster"), node: try row.value("node"),
                    seenAt: Timestamp(millis: try row.value("last")))
            }
        }
    }
}
