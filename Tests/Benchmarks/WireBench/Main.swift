import BenchSupport
import Foundation

/// `wire-bench --fleet DIRECTORY | --recorded FILE… [--round SECONDS] [--binaries FOLDER]`, or `wire-bench --table`.
///
/// Real coordinator process, the agents' own spool and uplink, mutual TLS, a proxy between that counts the payload of
/// TCP both ways. Rounds go out in real time, `--round` seconds apart, at the times of now.
@main
enum Main {
    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(
                Data(
                    ("usage: wire-bench --fleet DIRECTORY | --recorded FILE… [--round SECONDS] [--rounds N] "
                        + "[--binaries FOLDER], or wire-bench --table\n").utf8))
            exit(2)
        }
        var results = try BenchResults()
        if let directory = options.fleet {
            let run = try await FleetRun(workload: .fleet(directory), options: options).measure()
            let name = "fleet\(run.agents)"
            try results.add([
                "wire_bytes_per_sample_\(name)": run.bytesPerSample,
                "ingest_cpu_s_per_million": run.coordinatorSecondsPerMillion,
                "wire_samples_\(name)": Double(run.samples), "wire_seconds_\(name)": run.seconds,
                "wire_down_bytes_per_sample_\(name)": Double(run.bytesDown) / Double(run.samples),
                "ingest_rss_bytes_\(name)": Double(run.residentBytes),
            ])
        }
        if !options.recorded.isEmpty {
            let run = try await FleetRun(workload: .recordedNode(options.recorded), options: options).measure()
            try results.add([
                "wire_bytes_per_sample_recorded": run.bytesPerSample, "wire_samples_recorded": Double(run.samples),
            ])
        }
        results.printTable(BenchResults.wireGoals)
    }
}

/// What the command line says.
struct Options: Sendable {
    var fleet: String?
    var recorded: [String] = []
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
            case "--recorded": list = word
            case "--fleet", "--round", "--rounds", "--binaries":
                list = ""
                guard let value = rest.popFirst(), set(word, value) else { return nil }
            default:
                guard list == "--recorded" else { return nil }
                recorded.append(word)
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
