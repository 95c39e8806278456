package import Telemetry
import TocsinProto

/// Edges in batches that a coordinator takes: a frame that it refuses would hold up all that comes after it.
package struct EdgeBatches: Sendable {
    /// Edges of a batch at most, far below `WireLimits.edgesMax`: a storm of them becomes several frames.
    package static let edgesMax = 1000
    /// Bytes of text in a batch at most, so that its message is far below the 4 MiB that a coordinator takes.
    package static let bytesMax = 1 << 20

    /// The batches, in the edges' order; none is empty.
    package private(set) var batches: [[Edge]] = []
    /// Edges that are in no batch, since a coordinator would refuse them.
    package private(set) var refused = 0

    /// Divides edges; those beyond `limits` are left out.
    package init(_ edges: [Edge], limits: WireLimits = .standard) {
        var batch: [Edge] = []
        var bytes = 0
        for edge in edges {
            let size = Self.bytes(of: edge)
            guard size <= Self.bytesMax, (try? Edge(proto: edge.proto, limits: limits)) != nil else {
                refused += 1
                continue
            }
            if batch.count >= min(Self.edgesMax, limits.edgesMax) || bytes + size > Self.bytesMax {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(edge)
            bytes += size
        }
        if !batch.isEmpty { batches.append(batch) }
    }

    private static func bytes(of edge: Edge) -> Int {
        [edge.labels, edge.attributes].reduce(edge.kind.rawValue.utf8.count) { sum, set in
            set.labels.reduce(sum) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        }
    }
}
