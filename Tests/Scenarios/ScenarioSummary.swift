/// The figures over all scenarios.
package struct ScenarioSummary: Sendable, CustomStringConvertible {
    /// Share of clear faults that were found.
    package let clearDetected: Double
    /// Their delay beyond the check's `for` in intervals, 95th percentile (nearest rank).
    package let clearDelay95: Double
    /// Share of marginal faults that were found.
    package let marginalDetected: Double
    /// Findings that should not have opened, over all scenarios.
    package let falseFindings: Int

    /// Counts outcomes.
    package init(_ outcomes: [ScenarioOutcome]) {
        let clear = outcomes.filter { $0.kind == .clear }
        let marginal = outcomes.filter { $0.kind == .marginal }
        clearDetected = Self.share(clear)
        marginalDetected = Self.share(marginal)
        let delays = clear.compactMap(\.delayIntervals).sorted()
        let rank = Int((0.95 * Double(delays.count)).rounded(.up))
        clearDelay95 = delays.isEmpty ? 0 : delays[min(delays.count, max(1, rank)) - 1]
        falseFindings = outcomes.reduce(0) { $0 + $1.falseFindings.count }
    }

    private static func share(_ outcomes: [ScenarioOutcome]) -> Double {
        outcomes.isEmpty ? 1 : Double(outcomes.count(where: \.isDetected)) / Double(outcomes.count)
    }

    package var description: String {
        "clear \(clearDetected), delay p95 \(clearDelay95), marginal \(marginalDetected), false \(falseFindings)"
    }
}
