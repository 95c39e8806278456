package import Telemetry

/// Frames of a session that will not come, or that wait when an agent ends, and what they held.
package struct FrameLoss: Hashable, Sendable {
    /// Why they will not come.
    package enum Reason: Hashable, Sendable {
        /// The agent's spool was full: the oldest made room.
        case budget
        /// What held them was damaged.
        case damage
        /// The coordinator refused them.
        case refused
    }

    /// Most losses in one hello: beyond it neighbours are told as one.
    package static let countMax = 100

    /// The frames' sequences.
    package var sequences: ClosedRange<UInt64>
    /// Times of the earliest and the latest sample in them, by the agent's clock; nil when they cannot be told.
    package var times: ClosedRange<Timestamp>?
    /// Samples in them, as far as they could be counted.
    package var samples: UInt64
    /// Why they will not come; nil when it is not known.
    package var reason: Reason?

    /// Describes a loss.
    package init(
        sequences: ClosedRange<UInt64>, times: ClosedRange<Timestamp>?, samples: UInt64, reason: Reason? = nil
    ) {
        self.sequences = sequences
        self.times = times
        self.samples = samples
        self.reason = reason
    }

    /// Adds another loss to this one; what lies between them counts to neither.
    package mutating func merge(_ other: FrameLoss) {
        sequences =
            min(
                sequences.lowerBound, other.sequences.lowerBound)...max(
                sequences.upperBound, other.sequences.upperBound)
        if let mine = times, let theirs = other.times {
            times = min(mine.lowerBound, theirs.lowerBound)...max(mine.upperBound, theirs.upperBound)
        } else {
            times = times ?? other.times
        }
        samples += other.samples
        if reason != other.reason { reason = nil }
    }
}
