import BenchSupport
import Foundation

/// `wire-bench --fleet DIRECTORY | --recorded FILE… | --scale FLEET… [--round SECONDS] [--binaries FOLDER]`, or
/// `wire-bench --table`.
///
/// Real coordinator process, the agents' own spool and uplink, mutual TLS, a proxy between that counts the payload of
/// TCP both ways. Rounds go out in real time, `--round` seconds apart, at the times of now.
@main
enum Main {
    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(
                Data(
                    ("usage: wire-bench --fleet DIRECTORY | --recorded FILE… | --scale FLEET… [--round SECONDS] [--rounds N] "
                        + "[--binaries FOLDER], or wire-bench --table\n").utf8))
            exit(2)
        }
        var results = try BenchResults()
        if let directory = options.fleet {
            try await measureFleet(directory, options, into: &results)
        }
        if !options.scale.isEmpty { try await measureScale(options, into: &results) }
        if !options.recorded.isEmpty {
            let run = try await FleetRun(workload: .recordedNode(options.recorded), options: options).measure()
            try results.add([
                "wire_bytes_per_sample_recorded": run.bytesPerSample, "wire_samples_recorded": Double(run.samples),
            ])
        }
        results.printTable(BenchResults.wireGoals)
    }

    /// A fleet at work, and then the same while an incident opens in each round: what that costs, and how soon it does.
    private static func measureFleet(
        _ directory: String, _ options: Options, into results: inout BenchResults
    ) async throws {
        let workload = try Workload.fleet(directory)
        let run = try await FleetRun(workload: workload, options: options).measure()
        let name = "fleet\(run.agents)"
        try results.add([
            "wire_bytes_per_sample_\(name)": run.bytesPerSample,
            "ingest_cpu_s_per_million": run.coordinatorSecondsPerMillion,
            "wire_samples_\(name)": Double(run.samples), "wire_seconds_\(name)": run.seconds,
            "wire_down_bytes_per_sample_\(name)": Double(run.bytesDown) / Double(run.samples),
            "ingest_rss_bytes_\(name)": Double(run.residentBytes),
        ])
        let timed = try await FleetRun(workload: workload, options: options, timesFindings: true).measure()
        let delays = timed.findingDelays
        guard !delays.isEmpty else { return }
        try results.add([
            "ingest_cpu_s_per_million_with_incidents": timed.coordinatorSecondsPerMillion,
            "ingest_to_finding_ms_p50": delays[delays.count / 2],
            "ingest_to_finding_ms_p99": delays[delays.count * 99 / 100],
        ])
    }

    /// Fleets of different size, a coordinator each; of two of them what a series more costs.
    private static func measureScale(_ options: Options, into results: inout BenchResults) async throws {
        var points: [(series: Double, bytes: Double)] = []
        for directory in options.scale {
            let workload = try Workload.fleet(directory)
            let series = workload.streams.reduce(0) { $0 + $1.series.count }
            let run = try await FleetRun(workload: workload, options: options).measure()
            points.append((Double(series), Double(run.residentBytes)))
            try results.add([
                "scale_rss_bytes_\(series)_series": Double(run.residentBytes),
                "scale_cpu_s_per_million_\(series)_series": run.coordinatorSecondsPerMillion,
            ])
        }
        guard points.count == 2 else { return }
        let slope = (points[1].bytes - points[0].bytes) / (points[1].series - points[0].series)
        try results.add([
            "rss_bytes_per_series": slope, "rss_bytes_intercept": points[0].bytes - slope * points[0].series,
        ])
    }
}

/// What the command line says.
struct Options: Sendable {
    var fleet: String?
    var recorded: [String] = []
    /// Directories of fleets, the smallest first.
    var scale: [String] = []
    /// Time from one round to the next.
    var round = 1.0
    /// Rounds to play, all when nil.
    var rounds: Int?
    /// Folder of the coordinator's binary and the CLI's; nil: where this one is.
    var binaries: String?

    /// Nil when an argument is unknown or lacks its value.
    init?(_ arguments: ArraySlice<String>) {
        var rest = arguments
        var list = ""
        while let word = rest.popFirst() {
            switch word {
            case "--table": list = ""
            case "--recorded", "--scale": list = word
            case "--fleet", "--round", "--rounds", "--binaries":
                list = ""
                guard let value = rest.popFirst(), set(word, value) else { return nil }
            default:
                switch list {
                case "--recorded": recorded.append(word)
                case "--scale": scale.append(word)
                default: return nil
                }
            }
        }
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--fleet": fleet = value
        case "--binaries": binaries = value
        case "--rounds":
            guard let number = Int(value), number > 0 else { return false }
            rounds = number
        default:
            guard let number = Double(value), number > 0 else { return false }
            round = number
        }
        return true
    }
}
