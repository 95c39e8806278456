import Probing
import SampleLink
import Telemetry

/// What is told of the agent: as samples of its target and as text at `/metrics`.
struct AgentFigures: Hashable, Sendable {
    /// One number with the text that explains it.
    struct Figure: Hashable, Sendable {
        /// Metric name; counters end in `_total`.
        var name: String
        var value: Double
        /// One sentence without its full stop.
        var help: String

        init(_ name: String, _ value: Double, _ help: String) {
            self.name = "tocsin_agent_" + name
            self.value = value
            self.help = help
        }
    }

    var usage: SelfUsage
    var residentBytesMax: Int
    var spoolBytes: Int
    var spoolBytesMax: Int
    var spoolMemoryBytes: Int
    var isSpoolFailing: Bool
    var samples: UInt64
    var edges: UInt64
    var samplesRefused: UInt64
    var edgesRefused: UInt64
    var samplesLost: UInt64
    var targets: Int
    var series: Int
    var seriesMax: Int
    var shedLevel: Int
    var discovered: DiscoveredTargets.Counts
    var runner: ProbeRunner<ContinuousClock>.Counters
    /// How far the agent's clock is from the coordinator's; nil before the first stream.
    var clock: LinkClock.Reading?

    /// All of them, in the order of docs/series.md.
    var all: [Figure] { own + clockFigures }

    private var clockFigures: [Figure] {
        guard let clock else { return [] }
        return [
            Figure(
                "clock_offset_seconds", clock.offset.inSeconds, "The agent's clock less the coordinator's"),
            Figure("clock_offset_error_seconds", clock.error.inSeconds, "By how much that may be wrong"),
        ]
    }

    private var own: [Figure] {
        [
            Figure("resident_memory_bytes", Double(usage.residentBytes), "Resident memory"),
            Figure("resident_memory_limit_bytes", Double(residentBytesMax), "Resident memory at which load is shed"),
            Figure("anonymous_memory_bytes", Double(usage.anonymousBytes), "Resident memory that no file backs"),
            Figure("cpu_seconds_total", usage.cpuSeconds, "User and system CPU time"),
            Figure("shed_level", Double(shedLevel), "Kinds of target left out for want of memory, 0 when none is"),
            Figure("targets", Double(targets), "Targets that are probed"),
            Figure("targets_discovered", Double(discovered.targets), "Of these, pods that asked by annotation"),
            Figure("targets_left_out", Double(discovered.leftOut), "Pods that asked, beyond discovery.targets"),
            Figure("annotations_unusable", Double(discovered.problems), "Pods whose annotations name no endpoint"),
            Figure("series", Double(series), "Live series"),
            Figure("series_limit", Double(seriesMax), "Series beyond which samples are dropped"),
            Figure("spool_bytes", Double(spoolBytes), "Size of the spool on disk"),
            Figure("spool_limit_bytes", Double(spoolBytesMax), "Size at which the spool drops its oldest data"),
            Figure("spool_failing", isSpoolFailing ? 1 : 0, "1 while the disk of the spool takes no writes"),
            Figure("spool_memory_bytes", Double(spoolMemoryBytes), "What waits in memory for that disk"),
            Figure("samples_total", Double(samples), "Samples written to the spool"),
            Figure("edges_total", Double(edges), "Edges written to the spool"),
            Figure("samples_refused_total", Double(samplesRefused), "Samples that the spool did not take"),
            Figure("edges_refused_total", Double(edgesRefused), "Edges left out: too many waited, or too large a one"),
            Figure("samples_lost_total", Double(samplesLost), "Samples that the spool dropped for want of room"),
            Figure("samples_dropped_total", Double(runner.samplesDropped), "Samples dropped beyond the series limit"),
            Figure("probe_runs_total", Double(runner.runs), "Probes started"),
            Figure("probe_overruns_total", Double(runner.overruns), "Probes that did not end by their deadline"),
            Figure("probe_runs_skipped_total", Double(runner.skippedRuns), "Probes left out since one was under way"),
            Figure("probe_runs_extra_total", Double(runner.extraRuns), "Probes between two turns, since errors began"),
            Figure("probe_runs_shed_total", Double(runner.runsShed), "Probes left out for want of memory"),
            Figure(
                "probe_results_dropped_total", Double(runner.resultsDropped), "Results dropped before they were written"
            ),
        ]
    }

    /// Prometheus text, version 0.0.4.
    var exposition: String {
        all.map { figure in
            let type = figure.name.hasSuffix("_total") ? "counter" : "gauge"
            return """
                # HELP \(figure.name) \(figure.help).
                # TYPE \(figure.name) \(type)
                \(figure.name) \(Self.text(figure.value))

                """
        }.joined()
    }

    /// Whole numbers without a fraction.
    private static func text(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
