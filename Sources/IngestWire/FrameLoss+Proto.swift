package import SampleLink
import SwiftProtobuf
import Telemetry
package import TocsinProto

extension FrameLoss {
    /// Reads the message; nil when its sequences or times contradict each other.
    package init?(_ proto: Tocsin_V1_Loss) {
        guard proto.first >= 1, proto.first <= proto.last, proto.last <= UInt64(Int64.max),
            proto.minMillis <= proto.maxMillis
        else { return nil }
        let isTimed = proto.minMillis != 0 || proto.maxMillis != 0
        self.init(
            sequences: proto.first...proto.last,
            times: isTimed ? Timestamp(millis: proto.minMillis)...Timestamp(millis: proto.maxMillis) : nil,
            samples: proto.samples, reason: Reason(proto.reason))
    }

    /// The message.
    package var proto: Tocsin_V1_Loss {
        .with {
            $0.first = sequences.lowerBound
            $0.last = sequences.upperBound
            $0.minMillis = times?.lowerBound.millis ?? 0
            $0.maxMillis = times?.upperBound.millis ?? 0
            $0.samples = samples
            $0.reason = reason?.proto ?? .unspecified
        }
    }
}

extension FrameLoss.Reason {
    fileprivate init?(_ proto: Tocsin_V1_LossReason) {
        switch proto {
        case .budget: self = .budget
        case .damage: self = .damage
        case .refused: self = .refused
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    fileprivate var proto: Tocsin_V1_LossReason {
        switch self {
        case .budget: .budget
        case .damage: .damage
        case .refused: .refused
        }
    }
}
