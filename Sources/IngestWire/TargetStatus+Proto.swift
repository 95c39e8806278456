import SwiftProtobuf
package import Telemetry
package import TocsinProto

extension ProbeOutcome {
    /// Reads the wire's word: "" is no outcome yet, an unknown word (of a newer agent) is `internal` with the word in
    /// front.
    static func read(word: String, message: String) -> ProbeOutcome? {
        switch word {
        case "": nil
        case "success": .success
        default:
            if let failureClass = FailureClass(rawValue: word) {
                .failure(failureClass, message)
            } else {
                .failure(.internal, "\(word): \(message)")
            }
        }
    }

    /// The wire's word for the outcome.
    package var word: String {
        switch self {
        case .success: "success"
        case .failure(let failureClass, _): failureClass.rawValue
        }
    }

    /// The sentence for people, "" on success.
    package var message: String {
        switch self {
        case .success: ""
        case .failure(_, let message): message
        }
    }
}

extension TargetStatus {
    /// Reads the state of a target; throws beyond the limits.
    package init(proto: Tocsin_V1_TargetState, limits: WireLimits) throws(WireError) {
        let id = try limits.name(proto.id, "a target id")
        guard let kind = Target.Kind(rawValue: proto.kind) else {
            throw WireError(.invalidField, "unknown target kind")
        }
        let name = id.hasPrefix("\(kind.rawValue)/") ? String(id.dropFirst(kind.rawValue.count + 1)) : id
        let target = Target(
            kind: kind, name: name, address: try limits.value(proto.address, "a target address"),
            labels: try LabelSet(proto: proto.labels, limits: limits),
            interval: .milliseconds(Int64(clamping: proto.intervalMillis)),
            deadline: .milliseconds(Int64(clamping: proto.deadlineMillis)))
        self.init(
            target: target,
            outcome: ProbeOutcome.read(
                word: try limits.value(proto.outcome, "an outcome"),
                message: try limits.value(proto.message, "a message")),
            lastProbeAt: proto.lastProbeAtMillis == 0 ? nil : Timestamp(millis: proto.lastProbeAtMillis),
            lastDuration: proto.lastProbeAtMillis == 0 ? nil : .microseconds(Int64(clamping: proto.lastDurationMicros)),
            lastSampleCount: Int(clamping: proto.lastSampleCount),
            since: proto.sinceMillis == 0 ? nil : Timestamp(millis: proto.sinceMillis),
            remark: proto.outcome == "success" && !proto.message.isEmpty ? proto.message : nil)
    }

    /// The state as a message.
    package var proto: Tocsin_V1_TargetState {
        .with {
            $0.id = target.id
            $0.kind = target.kind.rawValue
            $0.address = target.address
            $0.labels = target.labels.proto
            $0.intervalMillis = UInt64(clamping: target.interval.wholeMilliseconds)
            $0.deadlineMillis = UInt64(clamping: target.deadline.wholeMilliseconds)
            $0.outcome = outcome?.word ?? ""
            $0.message = outcome?.isSuccess == true ? remark ?? "" : outcome?.message ?? ""
            $0.lastProbeAtMillis = lastProbeAt?.millis ?? 0
            $0.lastDurationMicros = UInt64(clamping: Int64((lastDuration?.inSeconds ?? 0) * 1e6))
            $0.lastSampleCount = UInt64(clamping: lastSampleCount)
            $0.sinceMillis = since?.millis ?? 0
        }
    }
}

extension Tocsin_V1_TargetReport {
    /// Makes the message; `partial` says that targets which are not named are unchanged.
    package init(_ statuses: [TargetStatus], partial: Bool) {
        self.init()
        self.targets = statuses.map(\.proto)
        self.partial = partial
    }

    /// The states of the report, every field checked against `limits`; kinds of a newer agent are left out.
    package func decoded(limits: WireLimits) throws(WireError) -> [TargetStatus] {
        try limits.count(targets.count, atMost: limits.targetsMax, "targets in a report")
        var decoded: [TargetStatus] = []
        decoded.reserveCapacity(targets.count)
        for target in targets where Target.Kind(rawValue: target.kind) != nil {
            decoded.append(try TargetStatus(proto: target, limits: limits))
        }
        return decoded
    }
}
