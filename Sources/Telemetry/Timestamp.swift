/// A moment in milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored: the resolution of samples and of the
/// wire.
package struct Timestamp: Hashable, Comparable, Sendable, Codable {
    /// Milliseconds since the Unix epoch.
    package var millis: Int64

    /// Makes a moment from milliseconds since the Unix epoch.
    package init(millis: Int64) {
        self.millis = millis
    }

    /// Makes a moment from whole or fractional seconds since the Unix epoch, rounded down to the millisecond.
    package init(seconds: Double) {
        self.millis = Int64((seconds * 1000).rounded(.down))
    }

    /// Seconds since the Unix epoch.
    package var seconds: Double { Double(millis) / 1000 }

    package init(from decoder: any Decoder) throws {
        millis = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millis)
    }

    package static func < (lhs: Timestamp, rhs: Timestamp) -> Bool { lhs.millis < rhs.millis }

    /// The moment `duration` later, truncated to the millisecond; saturates instead of overflowing.
    package static func + (lhs: Timestamp, rhs: Duration) -> Timestamp {
        let (sum, overflow) = lhs.millis.addingReportingOverflow(rhs.wholeMilliseconds)
        return Timestamp(millis: overflow ? (rhs < .zero ? .min : .max) : sum)
    }

    /// The moment `duration` earlier, truncated to the millisecond; saturates instead of overflowing.
    package static func - (lhs: Timestamp, rhs: Duration) -> Timestamp {
        let (difference, overflow) = lhs.millis.subtractingReportingOverflow(rhs.wholeMilliseconds)
        return Timestamp(millis: overflow ? (rhs < .zero ? .max : .min) : difference)
    }

    /// The time from `rhs` to `lhs`; negative when `rhs` is later.
    ///
    /// Saturates instead of overflowing.
    package static func - (lhs: Timestamp, rhs: Timestamp) -> Duration {
        let (difference, overflow) = lhs.millis.subtractingReportingOverflow(rhs.millis)
        return .milliseconds(overflow ? (lhs < rhs ? Int64.min / 2 : Int64.max / 2) : difference)
    }
}

extension Duration {
    /// The duration in whole milliseconds, truncated toward zero; saturates at the ends of `Int64`.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (millis, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = millis.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration without its sign.
    package var magnitude: Duration { self < .zero ? .zero - self : self }
}
