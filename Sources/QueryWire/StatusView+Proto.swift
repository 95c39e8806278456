import SwiftProtobuf
import Telemetry
package import TocsinProto

extension StatusView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_GetStatusResponse) {
        self.init(
            version: proto.version, now: Timestamp(millis: proto.nowMillis),
            startedAt: Timestamp(millis: proto.startedAtMillis))
        agentsLive = Int(proto.agentsLive)
        agentsSuspect = Int(proto.agentsSuspect)
        agentsSilent = Int(proto.agentsSilent)
        targets = Int(proto.targets)
        targetsFailing = Int(proto.targetsFailing)
        series = proto.series
        samplesTotal = proto.samplesTotal
        duplicateFramesTotal = proto.duplicateFramesTotal
        rejectedFramesTotal = proto.rejectedFramesTotal
        lostSamplesTotal = proto.lostSamplesTotal
        storeBytes = proto.storeBytes
        if !proto.storeFault.isEmpty {
            storeFault = StoreFault(since: Timestamp(millis: proto.storeFaultSinceMillis), reason: proto.storeFault)
        }
        signals = Int(proto.signals)
        incidentsOpen = Int(proto.incidentsOpen)
        openIncidents = proto.openIncidents.map(IncidentView.init)
        isEscalationArmed = proto.escalationArmed
        noticesWaiting = Int(clamping: proto.noticesWaiting)
        noticesDead = Int(clamping: proto.noticesDead)
        deadLetters = proto.deadLetters.map(DeadLetterView.init)
    }

    /// The message; counts out of its range are clamped.
    package var proto: Tocsin_V1_GetStatusResponse {
        .with {
            $0.version = version
            $0.nowMillis = now.millis
            $0.startedAtMillis = startedAt.millis
            $0.agentsLive = UInt32(clamping: agentsLive)
            $0.agentsSuspect = UInt32(clamping: agentsSuspect)
            $0.agentsSilent = UInt32(clamping: agentsSilent)
            $0.targets = UInt32(clamping: targets)
            $0.targetsFailing = UInt32(clamping: targetsFailing)
            $0.series = series
            $0.samplesTotal = samplesTotal
            $0.duplicateFramesTotal = duplicateFramesTotal
            $0.rejectedFramesTotal = rejectedFramesTotal
            $0.lostSamplesTotal = lostSamplesTotal
            $0.storeBytes = storeBytes
            $0.storeFault = storeFault?.reason ?? ""
            $0.storeFaultSinceMillis = storeFault?.since.millis ?? 0
            $0.signals = UInt32(clamping: signals)
            $0.incidentsOpen = UInt32(clamping: incidentsOpen)
            $0.openIncidents = openIncidents.map(\.proto)
            $0.escalationArmed = isEscalationArmed
            $0.noticesWaiting = UInt64(clamping: noticesWaiting)
            $0.noticesDead = UInt64(clamping: noticesDead)
            $0.deadLetters = deadLetters.map(\.proto)
        }
    }
}
