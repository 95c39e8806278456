/// One value of one series at one moment.
package struct Sample: Sendable, Hashable {
    /// What the value belongs to.
    package var series: Series
    /// When the value was true at its source, or when the probe read it.
    package var timestamp: Timestamp
    /// The value in the series' base unit.
    ///
    /// Every bit pattern is carried, NaN payloads included.
    package var value: Double

    /// Makes a sample.
    package init(_ series: Series, _ timestamp: Timestamp, _ value: Double) {
        self.series = series
        self.timestamp = timestamp
        self.value = value
    }

    /// Equal when series, time and the value's bits are equal: two NaN of one payload are the same sample.
    package static func == (lhs: Sample, rhs: Sample) -> Bool {
        lhs.series == rhs.series && lhs.timestamp == rhs.timestamp && lhs.value.bitPattern == rhs.value.bitPattern
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(series)
        hasher.combine(timestamp)
        hasher.combine(value.bitPattern)
    }
}

/// The NaN that says a series has ended, the same bits that Prometheus uses, so that exports keep the meaning.
package enum StaleMarker {
    /// Bit pattern of the marker.
    package static let bitPattern: UInt64 = 0x7ff0_0000_0000_0002

    /// The marker as a value.
    package static var value: Double { Double(bitPattern: bitPattern) }

    /// Whether `value` is the marker; other NaN are ordinary values.
    package static func matches(_ value: Double) -> Bool { value.bitPattern == bitPattern }
}
