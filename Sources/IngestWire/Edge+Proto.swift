import SwiftProtobuf
package import Telemetry
package import TocsinProto

extension LabelSet {
    /// Reads labels; throws beyond the limits.
    package init(proto: [Tocsin_V1_Label], limits: WireLimits) throws(WireError) {
        try limits.count(proto.count, atMost: limits.labelsMax, "labels")
        var labels: [Label] = []
        labels.reserveCapacity(proto.count)
        for label in proto {
            labels.append(
                Label(try limits.name(label.name, "a label name"), try limits.value(label.value, "a label value")))
        }
        self.init(labels)
    }

    /// The labels as messages, in their order.
    package var proto: [Tocsin_V1_Label] {
        labels.map { label in
            .with {
                $0.name = label.name
                $0.value = label.value
            }
        }
    }
}

extension Edge {
    /// Reads an edge; throws beyond the limits.
    package init(proto: Tocsin_V1_Edge, limits: WireLimits) throws(WireError) {
        self.init(
            Kind(rawValue: try limits.name(proto.kind, "an edge kind")),
            at: Timestamp(millis: proto.atMillis),
            labels: try LabelSet(proto: proto.labels, limits: limits),
            attributes: try LabelSet(proto: proto.attributes, limits: limits),
            count: max(1, Int(proto.count)))
    }

    /// The edge as a message.
    package var proto: Tocsin_V1_Edge {
        .with {
            $0.kind = kind.rawValue
            $0.atMillis = at.millis
            $0.labels = labels.proto
            $0.attributes = attributes.proto
            $0.count = UInt32(clamping: count)
        }
    }
}

extension Tocsin_V1_EdgeBatch {
    /// Makes the message of some edges.
    package init(_ edges: [Edge]) {
        self.init()
        self.edges = edges.map(\.proto)
    }

    /// The edges of the batch, every field checked against `limits`.
    package func decoded(limits: WireLimits) throws(WireError) -> [Edge] {
        try limits.count(edges.count, atMost: limits.edgesMax, "edges in a batch")
        var decoded: [Edge] = []
        decoded.reserveCapacity(edges.count)
        for edge in edges { decoded.append(try Edge(proto: edge, limits: limits)) }
        return decoded
    }
}
