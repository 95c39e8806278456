import Detection
import Foundation
import LabelledSeries
import Scenarios
import Telemetry

/// `detect-bench [--seed N] [--step S] [--days D] [--workloads W] [--only scenarios|month|speed|plain|adaptive]
/// [--scenario NAME] [--verbose] [--digests] [--recordings DIR]`, or `detect-bench --seeds FIRST-LAST` for a table of
/// the scenarios over many seeds.
@main struct DetectBench {
    static func main() throws {
        let options = BenchOptions(CommandLine.arguments)
        let noise = try QuietNoise.recorded()
        if let seeds = options.seeds { return tabulate(seeds, options, noise) }
        var results: [String: Any] = [:]
        if options.runs("scenarios") { runScenarios(options, noise, &results) }
        if options.runs("speed") { runSpeed(&results) }
        if options.only == "plain" {
            say("detect_ns_per_point \(String(format: "%.1f", DetectorSpeed.plain(cells: 20_000)))")
        }
        if options.runs("month") { runMonth(options, noise, &results) }
        if options.runs("adaptive") { try runAdaptive(options, &results) }
        results["detect_seed"] = Int(options.seed)
        try merge(results)
    }

    private static func tabulate(_ seeds: ClosedRange<UInt64>, _ options: BenchOptions, _ noise: QuietNoise) {
        var table = ScenarioTable()
        for seed in seeds {
            let scenarios = ScenarioCatalog.all(seed: seed).filter(options.plays)
            let outcomes = scenarios.map { scenario in
                var world = ScenarioWorld(scenario, seed: seed, noise: noise)
                return world.run()
            }
            table.take(outcomes, seed: seed)
        }
        for line in table.lines { say(line) }
    }

    private static func runScenarios(_ options: BenchOptions, _ noise: QuietNoise, _ results: inout [String: Any]) {
        let scenarios = ScenarioCatalog.all(seed: options.seed)
        var outcomes: [ScenarioOutcome] = []
        for scenario in scenarios where options.plays(scenario) {
            var world = ScenarioWorld(scenario, seed: options.seed, noise: noise)
            let outcome = world.run()
            outcomes.append(outcome)
            if options.showsDigests { say("\(scenario.name): \(world.digest)") }
            let isWrong = !outcome.falseFindings.isEmpty || (scenario.kind != .quiet && !outcome.isDetected)
            guard isWrong || options.isVerbose || (scenario.kind == .clear && (outcome.delayIntervals ?? 0) > 2) else {
                continue
            }
            let delay = outcome.delayIntervals.map { String(format: "%.1f", $0) } ?? "-"
            let close = outcome.closeIntervals.map { String(format: "%.1f", $0) } ?? "-"
            say("\(isWrong ? "WRONG " : "")\(scenario.name): delay \(delay) close \(close) \(outcome.sentence ?? "")")
            for text in outcome.falseFindings.prefix(3) { say("  false: \(text)") }
        }
        let summary = ScenarioSummary(outcomes)
        say("scenarios \(outcomes.count): \(summary)")
        results["scenario_count"] = outcomes.count
        results["scenario_clear_detected"] = summary.clearDetected
        results["scenario_clear_delay_intervals_p95"] = summary.clearDelay95
        results["scenario_marginal_detected"] = summary.marginalDetected
        results["scenario_rate_close_intervals_median"] = summary.closeMedian
        results["scenario_quiet_false"] = summary.falseFindings
    }

    private static func runSpeed(_ results: inout [String: Any]) {
        let speed = DetectorSpeed.measure()
        for (key, value) in speed.sorted(by: { $0.key < $1.key }) {
            say("\(key) \(String(format: "%.1f", value))")
            results[key] = value
        }
    }

    private static func runMonth(_ options: BenchOptions, _ noise: QuietNoise, _ results: inout [String: Any]) {
        let started = ProcessorTime.now
        var month = SimulatedMonth(
            workloads: options.workloads, days: options.days, stepSeconds: options.step, seed: options.seed,
            noise: noise)
        let outcome = month.run()
        let seconds = (ProcessorTime.now - started) / .seconds(1)
        let perWeek = Double(outcome.findings.count) / (Double(options.workloads) * Double(options.days) / 7)
        say(
            "month: \(outcome.points) points in \(String(format: "%.1f", seconds)) s of one core, false per workload and week "
                + String(format: "%.4f", perWeek))
        if options.showsDigests { say("month: \(outcome.digest)") }
        for (check, count) in Dictionary(grouping: outcome.findings, by: \.check).mapValues(\.count).sorted(by: {
            $0.key < $1.key
        }) {
            say("  \(check): \(count)")
        }
        for finding in outcome.findings.prefix(options.isVerbose ? 50 : 5) {
            say("  \(finding.subject) \(finding.check): \(finding.explanation)")
        }
        results["scenario_false_per_workload_week"] = perWeek
        results["scenario_month_points"] = outcome.points
        results["scenario_month_seconds"] = seconds
        results["scenario_week_of_200_seconds"] = seconds * 1400 / Double(options.workloads * options.days)
    }

    private static func runAdaptive(_ options: BenchOptions, _ results: inout [String: Any]) throws {
        let folder = URL(fileURLWithPath: options.recordings)
        guard FileManager.default.fileExists(atPath: folder.path) else {
            say("no recordings at \(folder.path): the adaptive detector's figures are left out")
            return
        }
        for (key, value) in try AdaptiveFigures.measure(folder).sorted(by: { $0.key < $1.key }) {
            say("\(key) \(String(format: "%.3f", value))")
            results[key] = value
        }
    }

    /// Puts the results beside what other benchmarks wrote.
    private static func merge(_ results: [String: Any]) throws {
        let file = URL(fileURLWithPath: ".build/bench/results.json")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        var all: [String: Any] = [:]
        if let data = FileManager.default.contents(atPath: file.path) {
            all = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        }
        all.merge(results) { _, new in new }
        let data = try JSONSerialization.data(withJSONObject: all, options: [.prettyPrinted, .sortedKeys])
        try data.write(to: file, options: .atomic)
        say("written to \(file.path)")
    }

    static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}

/// What the command line says.
struct BenchOptions {
    var seed: UInt64 = 1
    /// Seeds whose scenarios make a table; nothing else runs then.
    var seeds: ClosedRange<UInt64>?
    /// The only scenario that is played.
    var scenario: String?
    var step = 10.0
    var days = 30
    var workloads = 200
    var only: String?
    var isVerbose = false
    /// Whether to print a checksum of all findings, to compare two builds by.
    var showsDigests = false
    /// Where `nab`, `mscloud` and `asd` lie.
    var recordings = "../shared/detect"

    init(_ arguments: [String]) {
        var rest = arguments.dropFirst()
        while let name = rest.popFirst() {
            switch name {
            case "--seed": seed = rest.popFirst().flatMap(UInt64.init) ?? seed
            case "--seeds":
                let ends = (rest.popFirst() ?? "").split(separator: "-").compactMap { UInt64($0) }
                guard let first = ends.first, let last = ends.last, first <= last else {
                    FileHandle.standardError.write(Data("--seeds takes FIRST-LAST\n".utf8))
                    exit(2)
                }
                seeds = first...last
            case "--scenario": scenario = rest.popFirst()
            case "--step": step = rest.popFirst().flatMap(Double.init) ?? step
            case "--days": days = rest.popFirst().flatMap(Int.init) ?? days
            case "--workloads": workloads = rest.popFirst().flatMap(Int.init) ?? workloads
            case "--only": only = rest.popFirst()
            case "--recordings": recordings = rest.popFirst() ?? recordings
            case "--verbose": isVerbose = true
            case "--digests": showsDigests = true
            default:
                FileHandle.standardError.write(Data("unknown option \(name)\n".utf8))
                exit(2)
            }
        }
    }

    func plays(_ scenario: Scenario) -> Bool { self.scenario == nil || self.scenario == scenario.name }

    func runs(_ part: String) -> Bool { only == nil || only == part }
}
