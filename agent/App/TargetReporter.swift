import IngestWire
import Telemetry
import TocsinProto

/// Which targets a stream reports.
///
/// All of them at first, when the set changes and now and then; else those whose state changed. When each was last
/// looked at goes with the heartbeats, a byte or two a target.
struct TargetReporter {
    /// Time after which a change in durations and sample counts alone is reported too.
    private static let fullInterval: Duration = .seconds(300)

    private var order: [String] = []
    private var reported: [String: TargetStatus] = [:]
    private var fullAt: ContinuousClock.Instant?

    /// The report that is due; nil when the coordinator knows all that matters.
    ///
    /// - Parameter held: ids of targets whose every look the coordinator wants to hear of: it weighs the word of two
    ///   agents about them.
    mutating func report(
        _ statuses: [TargetStatus], held: Set<String>, at now: ContinuousClock.Instant
    ) -> Tocsin_V1_TargetReport? {
        let isSameSet = statuses.count == order.count && statuses.allSatisfy { reported[$0.target.id] != nil }
        guard isSameSet, let fullAt, now - fullAt < Self.fullInterval else {
            order = statuses.map(\.target.id)
            reported = Dictionary(statuses.map { ($0.target.id, $0) }) { _, last in last }
            fullAt = now
            return Tocsin_V1_TargetReport(statuses, partial: false)
        }
        let changed = statuses.filter { status in
            guard let before = reported[status.target.id] else { return true }
            let isLookedAt = held.contains(status.target.id) && before.lastProbeAt != status.lastProbeAt
            return isLookedAt || !Self.hasSameState(before, status)
        }
        guard !changed.isEmpty else { return nil }
        for status in changed { reported[status.target.id] = status }
        return Tocsin_V1_TargetReport(changed, partial: true)
    }

    /// For each target of the last full report, in its order, the tenths of a second since its last probe and one
    /// more; 0 for one that was never probed.
    func ages(_ statuses: [TargetStatus], at now: Timestamp) -> [UInt32] {
        let byID = Dictionary(statuses.map { ($0.target.id, $0.lastProbeAt) }) { _, last in last }
        return order.map { id in
            guard let probedAt = byID[id] ?? nil else { return 0 }
            return UInt32(clamping: max(0, (now - probedAt).wholeMilliseconds) / 100 + 1)
        }
    }

    private static func hasSameState(_ one: TargetStatus, _ other: TargetStatus) -> Bool {
        one.target == other.target && one.outcome == other.outcome && one.since == other.since
    }
}
