package import Telemetry

/// What is remembered about one target between two runs: its status and its live series.
///
/// Pure.
///
/// From a report it makes the result that leaves the agent: the `probe_*` series, stale markers for series that ended
/// and an edge when the outcome changed its class. A failed run ends no series, unlike Prometheus' rule, since no data
/// is a state of its own here: the target's series simply have no samples, and `probe_up` says 0.
package struct TargetLedger: Sendable {
    /// Status as `tocsin target list` shows it.
    package private(set) var status: TargetStatus
    /// Series that could not be remembered, and so will get no stale marker, since `seriesMax` were.
    package private(set) var forgottenSeriesCount: UInt64 = 0
    /// Samples left out since the target had more series than it may.
    package private(set) var droppedSampleCount: UInt64 = 0

    /// Series that each record adds: `probe_up` and `probe_duration_seconds`.
    package static let ownSeriesCount = 2

    private let seriesMax: Int
    private var live: Set<Series> = []
    private var trouble = TroubleSign()

    /// Whether the last look was the first to find server errors: another one soon tells a burst from a few.
    package var isWorthAnotherLook: Bool { trouble.looks == 1 }

    /// Starts a ledger; `seriesMax` bounds the series remembered.
    package init(target: Target, seriesMax: Int) {
        status = TargetStatus(target: target)
        self.seriesMax = seriesMax
    }

    /// Series that are live.
    package var liveSeriesCount: Int { live.count }

    /// Takes a target whose labels, interval or address changed; its series go on.
    package mutating func replaceTarget(_ target: Target) {
        status.target = target
    }

    /// Records a run and completes its report.
    ///
    /// - Parameter allowance: series that the report may have; of more, the live ones stay and new ones are dropped.
    package mutating func record(
        _ report: ProbeReport, startedAt: Timestamp, duration: Duration, allowance: Int = .max
    ) -> ProbeResult {
        let admitted = admit(report.samples, allowance: allowance)
        var samples = admitted
        if report.outcome.isSuccess { trouble.take(report.samples) }
        let labels = Self.labels(of: status.target)
        samples.append(Sample(Series("probe_up", labels), startedAt, report.outcome.isSuccess ? 1 : 0))
        samples.append(Sample(Series("probe_duration_seconds", labels), startedAt, duration.inSeconds))
        var edges = report.edges
        if let edge = outcomeEdge(to: report.outcome, at: startedAt) { edges.append(edge) }
        let ended = remember(samples, isComplete: report.outcome.isSuccess)
        samples += ended.map { Sample($0, startedAt, StaleMarker.value) }

        status.outcome = report.outcome
        status.remark = remark(report)
        status.lastProbeAt = startedAt
        status.lastDuration = duration
        status.lastSampleCount = admitted.count
        return ProbeResult(
            target: status.target, startedAt: startedAt, duration: duration,
            report: ProbeReport(outcome: report.outcome, samples: samples, edges: edges),
            isUrgent: report.outcome.isSuccess && trouble.isFresh)
    }

    /// Records that the target was not probed, on purpose: its status says so, and its series have no sample.
    ///
    /// Nil when it said so before.
    package mutating func skip(_ reason: String, at time: Timestamp) -> ProbeResult? {
        let outcome = ProbeOutcome.failure(.internal, reason)
        guard status.outcome != outcome else { return nil }
        let edge = outcomeEdge(to: outcome, at: time)
        status.outcome = outcome
        return ProbeResult(
            target: status.target, startedAt: time, duration: .zero,
            report: ProbeReport(outcome: outcome, edges: edge.map { [$0] } ?? []))
    }

    /// Ends the target: stale markers for all of its series.
    ///
    /// Nil when it never had one.
    package mutating func end(at time: Timestamp) -> ProbeResult? {
        guard let outcome = status.outcome, !live.isEmpty else { return nil }
        let samples = sorted(live).map { Sample($0, time, StaleMarker.value) }
        live = []
        return ProbeResult(
            target: status.target, startedAt: time, duration: .zero,
            report: ProbeReport(outcome: outcome, samples: samples),
            isEnd: true)
    }

    private func remark(_ report: ProbeReport) -> String? {
        guard report.outcome.isSuccess, !report.remarks.isEmpty else { return nil }
        return String(report.remarks.joined(separator: " ").prefix(TargetStatus.remarkLengthMax))
    }

    private static func labels(of target: Target) -> LabelSet {
        target.labels.merging(LabelSet([Label(LabelName.target, target.id)]))
    }

    /// A first success is no transition; a first failure is one, from "unknown".
    private mutating func outcomeEdge(to outcome: ProbeOutcome, at time: Timestamp) -> Edge? {
        let previous = status.outcome
        if let previous, previous.failureClass == outcome.failureClass { return nil }
        status.since = time
        guard previous != nil || !outcome.isSuccess else { return nil }
        var attributes = [
            Label("from", previous.map { $0.failureClass?.rawValue ?? "success" } ?? "unknown"),
            Label("to", outcome.failureClass?.rawValue ?? "success"),
        ]
        if case .failure(_, let message) = outcome { attributes.append(Label("message", message)) }
        return Edge(
            .targetOutcomeChanged, at: time, labels: Self.labels(of: status.target), attributes: LabelSet(attributes))
    }

    /// What the allowance lets through, in the report's order; stale markers always.
    private mutating func admit(_ samples: [Sample], allowance: Int) -> [Sample] {
        guard samples.count > allowance else { return samples }
        var admitted: Set<Series> = []
        for isLive in [true, false] {
            for sample in samples where admitted.count < allowance && live.contains(sample.series) == isLive {
                admitted.insert(sample.series)
            }
        }
        let kept = samples.filter { admitted.contains($0.series) || StaleMarker.matches($0.value) }
        droppedSampleCount += UInt64(samples.count - kept.count)
        return kept
    }

    /// Keeps the series of a report; returns those that ended, which only a complete report can tell.
    private mutating func remember(_ samples: [Sample], isComplete: Bool) -> [Series] {
        var current: Set<Series> = []
        var closed: Set<Series> = []
        for sample in samples {
            if StaleMarker.matches(sample.value) { closed.insert(sample.series) } else { current.insert(sample.series) }
        }
        closed.subtract(current)
        live.subtract(closed)
        let ended = isComplete ? live.subtracting(current) : []
        if isComplete { live.formIntersection(current) }
        for series in current where !live.contains(series) {
            if live.count < seriesMax { live.insert(series) } else { forgottenSeriesCount += 1 }
        }
        return sorted(ended)
    }

    private func sorted(_ series: Set<Series>) -> [Series] {
        series.map { ($0.description, $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
