package import SampleLink
import SwiftProtobuf
import Telemetry
package import TocsinProto

extension FrameLoss {
    /// Most samples that one loss is believed to have, so that sums of what agents say cannot overflow.
    package static let samplesMax: UInt64 = 1 << 40

    /// Reads the message; nil when its sequences or times contradict each other, or its times are in no year of four
    /// digits.
    package init?(_ proto: Tocsin_V1_Loss) {
        guard proto.first >= 1, proto.first <= proto.last, proto.last <= UInt64(Int64.max),
            proto.minMillis <= proto.maxMillis
        else { return nil }
        var times: ClosedRange<Timestamp>?
        if proto.minMillis != 0 || proto.maxMillis != 0 {
            guard let from = Self.time(proto.minMillis), let to = Self.time(proto.maxMillis) else { return nil }
            times = from...to
        }
        self.init(
            sequences: proto.first...proto.last, times: times, samples: min(proto.samples, Self.samplesMax),
            reason: Reason(proto.reason))
    }

    /// A moment as agents tell it; nil before 1970 and after 9999.
    static func time(_ millis: Int64) -> Timestamp? {
        (0..<253_402_300_800_000).contains(millis) ? Timestamp(millis: millis) : nil
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
