import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// A stretch of an agent's time of which samples are missing, because what held them is damaged.
package struct SampleGapView: Hashable, Sendable {
    /// The agent's cluster.
    package var cluster: String
    /// The agent's node.
    package var node: String
    /// Start.
    package var from: Timestamp
    /// End.
    package var to: Timestamp
    /// Why.
    package var reason: String

    /// Makes a gap.
    package init(cluster: String, node: String, from: Timestamp, to: Timestamp, reason: String) {
        self.cluster = cluster
        self.node = node
        self.from = from
        self.to = to
        self.reason = reason
    }

    /// Reads a message.
    package init(_ proto: Tocsin_V1_SampleGap) {
        self.init(
            cluster: proto.cluster, node: proto.node, from: Timestamp(millis: proto.fromMillis),
            to: Timestamp(millis: proto.toMillis), reason: proto.reason)
    }

    /// The message.
    package var proto: Tocsin_V1_SampleGap {
        .with {
            $0.cluster = cluster
            $0.node = node
            $0.fromMillis = from.millis
            $0.toMillis = to.millis
            $0.reason = reason
        }
    }
}
