import SwiftProtobuf
import Telemetry
package import TocsinProto

extension TargetView {
    /// Reads the message; empty text means that there is none.
    package init(_ proto: Tocsin_V1_Target) {
        self.init(
            id: proto.id, kind: proto.kind, address: proto.address, node: proto.node, cluster: proto.cluster,
            subject: proto.subject.nilWhenEmpty, interval: .milliseconds(Int64(clamping: proto.intervalMillis)))
        outcome = proto.outcome.nilWhenEmpty
        message = proto.message.nilWhenEmpty
        lastProbeAt = proto.hasLastProbeAtMillis ? Timestamp(millis: proto.lastProbeAtMillis) : nil
        lastDuration = outcome == nil ? nil : .microseconds(Int64(clamping: proto.lastDurationMicros))
        lastSampleCount = proto.lastSampleCount
        since = proto.hasSinceMillis ? Timestamp(millis: proto.sinceMillis) : nil
    }

    /// The message.
    package var proto: Tocsin_V1_Target {
        .with {
            $0.id = id
            $0.kind = kind
            $0.address = address
            $0.node = node
            $0.cluster = cluster
            $0.subject = subject ?? ""
            $0.intervalMillis = UInt64(clamping: interval.wholeMilliseconds)
            $0.outcome = outcome ?? ""
            $0.message = message ?? ""
            if let lastProbeAt { $0.lastProbeAtMillis = lastProbeAt.millis }
            if let lastDuration { $0.lastDurationMicros = lastDuration.wholeMicroseconds }
            $0.lastSampleCount = lastSampleCount
            if let since { $0.sinceMillis = since.millis }
        }
    }
}

extension String {
    /// Nil for "", which is how the wire says that there is no text.
    var nilWhenEmpty: String? { isEmpty ? nil : self }
}

extension Duration {
    /// The duration in whole microseconds, 0 when negative, saturating.
    fileprivate var wholeMicroseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (micros, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : micros + UInt64(attoseconds / 1_000_000_000_000)
    }
}
