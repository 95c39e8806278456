import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// A state transition as people see it.
package struct EdgeView: Hashable, Sendable, Codable {
    /// Cluster of whoever told it.
    package var cluster: String
    /// The agent's node; "(coordinator)" for what the coordinator saw in its cluster.
    package var node: String
    /// Path of whom it is about; nil where its labels name nobody.
    package var subject: String?
    /// What happened.
    package var edge: Edge

    /// Makes a view.
    package init(cluster: String, node: String, subject: String?, edge: Edge) {
        self.cluster = cluster
        self.node = node
        self.subject = subject
        self.edge = edge
    }

    /// Reads the message.
    package init(_ proto: Tocsin_V1_ObservedEdge) {
        func labels(_ list: [Tocsin_V1_SeriesLabel]) -> LabelSet { LabelSet(list.map { Label($0.name, $0.value) }) }
        self.init(
            cluster: proto.cluster, node: proto.node, subject: proto.subject.nilWhenEmpty,
            edge: Edge(
                Edge.Kind(rawValue: proto.kind), at: Timestamp(millis: proto.atMillis), labels: labels(proto.labels),
                attributes: labels(proto.attributes), count: Int(proto.count)))
    }

    /// The message.
    package var proto: Tocsin_V1_ObservedEdge {
        func labels(_ set: LabelSet) -> [Tocsin_V1_SeriesLabel] {
            set.labels.map { label in
                .with {
                    $0.name = label.name
                    $0.value = label.value
                }
            }
        }
        return .with {
            $0.cluster = cluster
            $0.node = node
            $0.kind = edge.kind.rawValue
            $0.atMillis = edge.at.millis
            $0.subject = subject ?? ""
            $0.labels = labels(edge.labels)
            $0.attributes = labels(edge.attributes)
            $0.count = UInt32(clamping: edge.count)
        }
    }
}
