import Probing
import Telemetry

/// The agent's look at itself: what it uses, holds, found and lost, as series with the label `node`.
final class SelfProbe: Probe {
    /// What is told of the agent, in the order of docs/series.md.
    struct Figures: Hashable, Sendable {
        var usage: SelfUsage
        var spoolBytes: Int
        var samples: UInt64
        var edges: UInt64
        var samplesRefused: UInt64
        var samplesLost: UInt64
        var runner: ProbeCounts
    }

    /// The runner's counters, without its clock's type.
    struct ProbeCounts: Hashable, Sendable {
        var runs: UInt64
        var overruns: UInt64
        var skipped: UInt64
        var resultsDropped: UInt64
    }

    let target: Target
    private let labels: LabelSet
    private let figures: @Sendable () async -> Figures

    init(node: String, interval: Duration, figures: @escaping @Sendable () async -> Figures) {
        labels = [LabelName.node: node]
        self.figures = figures
        target = Target(
            kind: .agent, name: node, address: "self", labels: [LabelName.node: node], interval: interval,
            deadline: min(interval, .seconds(5)))
    }

    func run(startedAt: Timestamp) async -> ProbeReport {
        let figures = await figures()
        let values: [(String, Double)] = [
            ("resident_memory_bytes", Double(figures.usage.residentBytes)),
            ("anonymous_memory_bytes", Double(figures.usage.anonymousBytes)),
            ("cpu_seconds_total", figures.usage.cpuSeconds),
            ("spool_bytes", Double(figures.spoolBytes)),
            ("samples_total", Double(figures.samples)),
            ("edges_total", Double(figures.edges)),
            ("samples_refused_total", Double(figures.samplesRefused)),
            ("samples_lost_total", Double(figures.samplesLost)),
            ("probe_runs_total", Double(figures.runner.runs)),
            ("probe_overruns_total", Double(figures.runner.overruns)),
            ("probe_runs_skipped_total", Double(figures.runner.skipped)),
            ("probe_results_dropped_total", Double(figures.runner.resultsDropped)),
        ]
        let samples = values.map { Sample(Series("tocsin_agent_" + $0.0, labels), startedAt, $0.1) }
        return ProbeReport(outcome: .success, samples: samples)
    }
}
