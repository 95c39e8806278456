package import Telemetry

/// One run of one probe, as the agent passes it on.
package struct ProbeResult: Sendable, Hashable {
    /// The target.
    package var target: Target
    /// When the run started on the wall clock.
    package var startedAt: Timestamp
    /// How long it took.
    package var duration: Duration
    /// What was found, the `probe_*` series, stale markers and `target_outcome_changed` edges included.
    package var report: ProbeReport
    /// Whether the target is no longer probed: the report then holds stale markers alone.
    package var isEnd: Bool
    /// Whether somebody may be paged by it: an edge, or server errors that a target has begun to count.
    package var isUrgent: Bool

    /// Makes a result.
    package init(
        target: Target, startedAt: Timestamp, duration: Duration, report: ProbeReport, isEnd: Bool = false,
        isUrgent: Bool = false
    ) {
        self.target = target
        self.startedAt = startedAt
        self.duration = duration
        self.report = report
        self.isEnd = isEnd
        self.isUrgent = isUrgent || !report.edges.isEmpty
    }
}
