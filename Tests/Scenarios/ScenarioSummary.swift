import Detection

/// The figures over all scenarios.
package struct ScenarioSummary: Sendable, CustomStringConvertible {
    /// Share of clear faults that were found.
    package let clearDetected: Double
    /// Their delay beyond the check's `for` in intervals, 95th percentile (nearest rank).
    package let clearDelay95: Double
    /// Share of marginal faults that were found.
    package let marginalDetected: Double
    /// Intervals from the end of a fault of errors or latency to the closing beyond the check's `leaveFor`, median.
    package let closeMedian: Double
    /// Faults whose finding opened again after they were over.
    package let opensAgain: Int
    /// Findings that should not have opened, over all scenarios.
    package let falseFindings: Int

    /// Counts outcomes.
    package init(_ outcomes: [ScenarioOutcome]) {
        let clear = outcomes.filter { $0.kind == .clear }
        let marginal = outcomes.filter { $0.kind == .marginal }
        clearDetected = Self.share(clear)
        marginalDetected = Self.share(marginal)
        clearDelay95 = Self.percentile95(clear.compactMap(\.delayIntervals))
        let closes = outcomes.filter { [.errorRate, .latency].contains($0.family) }.compactMap(\.closeIntervals)
        closeMedian = closes.isEmpty ? 0 : closes.sorted()[closes.count / 2]
        opensAgain = outcomes.count(where: \.opensAgain)
        falseFindings = outcomes.reduce(0) { $0 + $1.falseFindings.count }
    }

    private static func percentile95(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let rank = Int((0.95 * Double(sorted.count)).rounded(.up))
        return sorted.isEmpty ? 0 : sorted[min(sorted.count, max(1, rank)) - 1]
    }

    private static func share(_ outcomes: [ScenarioOutcome]) -> Double {
        outcomes.isEmpty ? 1 : Double(outcomes.count(where: \.isDetected)) / Double(outcomes.count)
    }

    package var description: String {
        "clear \(clearDetected), delay p95 \(clearDelay95), marginal \(marginalDetected), false \(falseFindings), closed after "
            + "\(closeMedian), again \(opensAgain)"
    }
}
