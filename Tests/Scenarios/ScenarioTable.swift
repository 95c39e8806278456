import Detection
import Foundation

/// What came of the same faults over many seeds: a row for each, its clear and its marginal sort beside each other.
package struct ScenarioTable: Sendable {
    private struct Sort: Sendable {
        var runs = 0
        var delays: [Double] = []
        var closes: [Double] = []
        var missed: [UInt64] = []

        mutating func take(_ outcome: ScenarioOutcome, seed: UInt64) {
            runs += 1
            if !outcome.isDetected { missed.append(seed) }
            if let delay = outcome.delayIntervals { delays.append(delay) }
            if let close = outcome.closeIntervals { closes.append(close) }
        }

        /// `40 of 40 | 1, 1.4, 2 | 1, 1, 3`: found; delay and closing as median, 95th percentile, greatest.
        var cells: String { "\(delays.count) of \(runs) | \(Self.figures(delays)) | \(Self.figures(closes))" }

        private static func figures(_ values: [Double]) -> String {
            guard let greatest = values.max() else { return "–" }
            let sorted = values.sorted()
            let rank = Int((0.95 * Double(sorted.count)).rounded(.up))
            return [sorted[(sorted.count - 1) / 2], sorted[max(0, rank - 1)], greatest].map(figure).joined(
                separator: ", ")
        }

        private static func figure(_ value: Double) -> String {
            let rounded = (value * 10).rounded() / 10
            return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
        }
    }

    private struct Row: Sendable {
        var family: String
        var clear = Sort()
        var marginal = Sort()
    }

    private var rows: [String: Row] = [:]
    /// In the order in which they came first.
    private var names: [String] = []
    private var summaries: [ScenarioSummary] = []

    /// Makes an empty table.
    package init() {}

    /// Takes what came of all scenarios of a seed.
    package mutating func take(_ outcomes: [ScenarioOutcome], seed: UInt64) {
        summaries.append(ScenarioSummary(outcomes))
        for outcome in outcomes where outcome.kind != .quiet {
            let name = outcome.name.replacing("-\(outcome.kind.rawValue)", with: "")
            if rows[name] == nil { names.append(name) }
            if outcome.kind == .clear {
                rows[name, default: Row(family: outcome.family.rawValue)].clear.take(outcome, seed: seed)
            } else {
                rows[name, default: Row(family: outcome.family.rawValue)].marginal.take(outcome, seed: seed)
            }
        }
    }

    /// The table in Markdown, then what the goals are about, each at its worst and its mean over the seeds.
    package var lines: [String] {
        var lines = [
            "| family | fault | clear: found | delay | closing | marginal: found | delay | closing |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for name in names {
            guard let row = rows[name] else { continue }
            lines.append("| \(row.family) | \(name) | \(row.clear.cells) | \(row.marginal.cells) |")
        }
        for name in names {
            guard let row = rows[name], !(row.clear.missed + row.marginal.missed).isEmpty else { continue }
            lines.append("missed: \(name) clear \(row.clear.missed) marginal \(row.marginal.missed)")
        }
        lines.append(worst("clear detected", summaries.map(\.clearDetected), by: min))
        lines.append(worst("clear delay p95", summaries.map(\.clearDelay95), by: max))
        lines.append(worst("marginal detected", summaries.map(\.marginalDetected), by: min))
        lines.append(worst("false findings", summaries.map { Double($0.falseFindings) }, by: max))
        lines.append(worst("opened again", summaries.map { Double($0.opensAgain) }, by: max))
        return lines
    }

    private func worst(_ name: String, _ values: [Double], by pick: (Double, Double) -> Double) -> String {
        guard let first = values.first else { return "\(name): no seeds" }
        let mean = values.reduce(0, +) / Double(values.count)
        let text = [values.dropFirst().reduce(first, pick), mean].map { String(format: "%.3f", $0) }
        return "\(name): worst \(text[0]), mean \(text[1]) of \(values.count) seeds"
    }
}
