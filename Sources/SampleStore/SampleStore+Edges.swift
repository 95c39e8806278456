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
            return try rows.compactMap { row in
                try Self.edge(row).map {
                    try StoredEdge(cluster: row.value("cluster"), node: row.value("node"), edge: $0)
                }
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
            return try rows.reversed().compactMap(Self.edge)
        }
    }

    /// The last `limit` edges of some kinds in a time range, both ends included, that `matches` takes, in order of
    /// time.
    ///
    /// - Parameters:
    ///   - kinds: at least one.
    ///   - lookedAtMax: edges of these kinds that are looked at, latest first.
    /// - Returns: the edges, and whether older ones were not looked at. One that cannot be read any more is left out.
    package func lastEdges(
        of kinds: [Edge.Kind], from: Timestamp, to: Timestamp, limit: Int, lookedAtMax: Int,
        where matches: @escaping @Sendable (StoredEdge) -> Bool
    ) async throws(StoreError) -> (edges: [StoredEdge], isCut: Bool) {
        try await file.read { database in
            let marks = Array(repeating: "?", count: kinds.count).joined(separator: ",")
            let arguments = StatementArguments([from.millis, to.millis]) + StatementArguments(kinds.map(\.rawValue))
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT cluster, node, at_millis, kind, labels, attributes, count FROM edges
                    JOIN sessions ON sessions.id = session_id
                    WHERE at_millis BETWEEN ? AND ? AND kind IN (\(marks))
                    ORDER BY at_millis DESC, edges.id DESC
                    """, arguments: arguments)
            var found: [StoredEdge] = []
            var lookedAt = 0
            while let row = try rows.next() {
                guard lookedAt < lookedAtMax, found.count < limit else {
                    return (edges: Array(found.reversed()), isCut: true)
                }
                lookedAt += 1
                guard let edge = try Self.edge(row) else { continue }
                let stored = try StoredEdge(cluster: row.value("cluster"), node: row.value("node"), edge: edge)
                if matches(stored) { found.append(stored) }
            }
            return (edges: Array(found.reversed()), isCut: false)
        }
    }

    private static func edge(_ row: Row) throws(StoreError) -> Edge? {
        let (labels, attributes): (String, String) = try (row.value("labels"), row.value("attributes"))
        guard let labels = Self.labels(labels), let attributes = Self.labels(attributes) else { return nil }
        return try Edge(
            Edge.Kind(rawValue: row.value("kind")), at: Timestamp(millis: row.value("at_millis")), labels: labels,
            attributes: attributes, count: row.value("count"))
    }

    private static func labels(_ json: String) -> LabelSet? {
        do {
            return try JSONDecoder().decode(LabelSet.self, from: Data(json.utf8))
        } catch {
            return nil
        }
    }
}
