import SwiftProtobuf
import Telemetry
package import TocsinProto

extension AgentView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_Agent) {
        self.init(
            node: proto.node, cluster: proto.cluster, version: proto.version, state: proto.state,
            lastSeenAt: Timestamp(millis: proto.lastSeenAtMillis),
            connectedAt: Timestamp(millis: proto.connectedAtMillis))
        series = proto.series
        samplesTotal = proto.samplesTotal
        lostSamplesTotal = proto.lostSamplesTotal
        spoolBytes = proto.spoolBytes
        rssBytes = proto.rssBytes
        cpuSeconds = proto.cpuSeconds
        targets = Int(proto.targets)
    }

    /// The message; counts out of its range are clamped.
    package var proto: Tocsin_V1_Agent {
        .with {
            $0.node = node
            $0.cluster = cluster
            $0.version = version
            $0.state = state
            $0.lastSeenAtMillis = lastSeenAt.millis
            $0.connectedAtMillis = connectedAt.millis
            $0.series = series
            $0.samplesTotal = samplesTotal
            $0.lostSamplesTotal = lostSamplesTotal
            $0.spoolBytes = spoolBytes
            $0.rssBytes = rssBytes
            $0.cpuSeconds = cpuSeconds
            $0.targets = UInt32(clamping: targets)
        }
    }
}
