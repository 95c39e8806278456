import Foundation
import GRDB
package import SQLiteFile
package import Telemetry

extension SampleStore {
    /// A stored edge with where it came from.
    package struct StoredEdge: Sendable, Hashable {
        /// The agent's cluster.
        package var cluster: String
        /// The agent's node.
        package var node: String
        /// The edge.
        package var edge: Edge
    }

    /// The edges of a time range, both ends included, in order of time, the first `limit` of them.
    ///
    /// An edge that cannot be read any more is left out.
    package func edges(from: Timestamp, to: Timestamp, limit: Int) async throws(StoreError) -> [StoredEdge] {
        try await file.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT cluster, node, at_millis, kind, labels, attributes, count FROM edges
                    JOIN sessions ON sessions.id = session_id
                    WHERE at_millis BETWEEN ? AND ? ORDER BY at_millis, edges.id LIMIT ?
                    """, arguments: [from.millis, to.millis, max(0, limit)])
            return rows.compactMap { row in
                Self.edge(row).map { StoredEdge(cluster: row["cluster"], node: row["node"], edge: $0) }
            }
        }
    }

    /// The last `limit` edges of some kinds that are of one cluster and not older than `since`, in order of time.
    ///
    /// An edge that cannot be read any more is left out.
    package func lastEdges(
        of kinds: [Edge.Kind], cluster: String, since: Timestamp, limit: Int
    ) async throws(StoreError) -> [Edge] {
        try await file.read { database in
            let marks = Array(repeating: "?", count: kinds.count).joined(separator: ",")
            let arguments: StatementArguments = [since.millis, cluster] + StatementArguments(kinds.map(\.rawValue))
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT at_millis, kind, labels, attributes, count FROM edges
                    JOIN sessions ON sessions.id = session_id
                    WHERE at_millis >= ? AND cluster = ? AND kind IN (\(marks))
                    ORDER BY at_millis DESC, edges.id DESC LIMIT ?
                    """, arguments: arguments + [max(0, limit)])
            return rows.reversed().compactMap(Self.edge)
        }
    }

    private static func edge(_ row: Row) -> Edge? {
        let (labels, attributes): (String, String) = (row["labels"], row["attributes"])
        guard let labels = Self.labels(labels), let attributes = Self.labels(attributes) else { return nil }
        return Edge(
            Edge.Kind(rawValue: row["kind"]), at: Timestamp(millis: row["at_millis"]), labels: labels,
            attributes: attributes, count: row["count"])
    }

    private static func labels(_ json: String) -> LabelSet? {
        do {
            return try JSONDecoder().decode(LabelSet.self, from: Data(json.utf8))
        } catch {
            return nil
        }
    }
}
