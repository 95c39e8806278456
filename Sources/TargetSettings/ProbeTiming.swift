package import ConfigurationKit

/// How often a target is probed and how long a probe may take.
package struct ProbeTiming: Hashable, Sendable {
    /// Time between the starts of two probes.
    package var interval: Duration
    /// Time after which a probe gives up; at most `interval`, so that a probe never overlaps the next.
    package var timeout: Duration

    /// Bounds of intervals.
    package static let intervals: ClosedRange<Duration> = .seconds(1) ... .seconds(300)

    /// Time a probe has when the file does not say: Spring's health endpoint itself waits for slow indicators, a sound
    /// target needs milliseconds.
    static let timeoutDefault = Duration.seconds(5)

    /// Reads `interval` and `timeout` of a target.
    package init(_ section: Section, interval agentInterval: Duration) {
        interval =
            section.optional(
                "interval", .duration(in: Self.intervals),
                "Time between the starts of two probes. Default: the agent's `interval`.")
            ?? agentInterval
        let timeout = section.optional(
            "timeout", .duration(in: .milliseconds(100) ... .seconds(300)),
            "Time after which a probe gives up; at most the interval. Default: 5s, or the interval where that is shorter."
        )
        self.timeout = timeout ?? min(Self.timeoutDefault, interval)
        if let timeout, timeout > interval {
            section.report(
                "timeout", value: DurationText.format(timeout),
                "must be at most the interval, \(DurationText.format(interval)): a probe does not overlap the next")
        }
    }
}
