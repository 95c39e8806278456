import FoundationEssentials
package import SampleLink
import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// Who an agent says it is, checked.
package struct AgentHello: Hashable, Sendable {
    /// Cluster name.
    package var cluster: String
    /// Node name.
    package var node: String
    /// Version of the agent.
    package var version: String
    /// 16 bytes that name the spool.
    package var session: [UInt8]
    /// 16 bytes that name the process.
    package var boot: [UInt8]
    /// First sequence the spool still holds.
    package var firstSequence: UInt64
    /// Last sequence written to the spool, 0 when none.
    package var lastSequence: UInt64
    /// Samples lost since the spool was made.
    package var lostSamples: UInt64
    /// The agent's clock when it sent this.
    package var sentAt: Timestamp
    /// What the agent understands.
    package var capabilities: Set<LinkCapability>
    /// What the spool gave up and no answer has confirmed.
    package var losses: [FrameLoss] = []
    /// Time of the earliest sample in the first record that the spool holds; nil when it holds none.
    package var heldFrom: Timestamp?
    /// The session whose undelivered records this one took over; empty for none.
    package var continues: [UInt8] = []

    /// Makes a hello.
    package init(
        cluster: String, node: String, version: String, session: [UInt8], boot: [UInt8], firstSequence: UInt64,
        lastSequence: UInt64, lostSamples: UInt64, sentAt: Timestamp,
        capabilities: Set<LinkCapability> = []
    ) {
        self.cluster = cluster
        self.node = node
        self.version = version
        self.session = session
        self.boot = boot
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.lostSamples = lostSamples
        self.sentAt = sentAt
        self.capabilities = capabilities
    }

    /// Reads the message; throws when an identifier has another length or a text is too long.
    package init(proto: Tocsin_V1_Hello, limits: WireLimits) throws(WireError) {
        guard proto.session.count == 16, proto.boot.count == 16 else {
            throw WireError(
                .invalidField,
                "session and boot must have 16 bytes, have \(proto.session.count) and \(proto.boot.count)")
        }
        self.init(
            cluster: try limits.name(proto.cluster, "the cluster"), node: try limits.name(proto.node, "the node"),
            version: try limits.value(proto.version, "the version"), session: [UInt8](proto.session),
            boot: [UInt8](proto.boot), firstSequence: proto.firstSequence, lastSequence: proto.lastSequence,
            lostSamples: proto.lostSamples, sentAt: Timestamp(millis: proto.sentAtMillis),
            capabilities: LinkCapability.known(in: proto.capabilities))
        losses = proto.losses.prefix(FrameLoss.countMax).compactMap { FrameLoss($0) }
        heldFrom = proto.heldFromMillis == 0 ? nil : FrameLoss.time(proto.heldFromMillis)
        continues = proto.continues.count == 16 ? [UInt8](proto.continues) : []
    }

    /// The message.
    package var proto: Tocsin_V1_Hello {
        .with {
            $0.cluster = cluster
            $0.node = node
            $0.version = version
            $0.session = Data(session)
            $0.boot = Data(boot)
            $0.firstSequence = firstSequence
            $0.lastSequence = lastSequence
            $0.lostSamples = lostSamples
            $0.sentAtMillis = sentAt.millis
            $0.capabilities = LinkCapability.names(of: capabilities)
            $0.losses = losses.map(\.proto)
            $0.heldFromMillis = heldFrom?.millis ?? 0
            $0.continues = Data(continues)
        }
    }
}
