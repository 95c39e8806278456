import BenchSupport
import Foundation
import SampleCodec
import SampleStore
import Telemetry

/// `store-bench FLEET-DIRECTORY [--results FILE] [--data DIRECTORY]`: a day of a fleet through the sample store.
///
/// `--data` names where the store is made, and keeps it. Rounds are encoded as agents do, appended batch by batch, and
/// compacted on the way; then one series a query is asked for over all of it, while rounds go on coming.
@main
enum StoreBench {
    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        func option(_ name: String) -> String? {
            guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
            defer { arguments.removeSubrange(place...place + 1) }
            return arguments[place + 1]
        }
        let results = option("--results") ?? BenchResults.standardPath
        let kept = option("--data")
        let directory = kept ?? NSTemporaryDirectory() + "tocsin-store-bench-\(getpid())"
        guard arguments.count == 1 else {
            FileHandle.standardError.write(
                Data("usage: store-bench FLEET-DIRECTORY [--results FILE] [--data DIRECTORY]\n".utf8))
            exit(2)
        }
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { if kept == nil { try? FileManager.default.removeItem(atPath: directory) } }
        let fleet = try FleetMatrix(arguments[0])
        var run = try StoreRun(fleet: fleet, directory: directory)
        // The last twentieth comes in while queries are asked.
        let spare = max(1, fleet.times.count / 20)
        try await run.ingest(rounds: 0..<fleet.times.count - spare)
        try await run.ask(queries: 200, whileIngesting: fleet.times.count - spare..<fleet.times.count)
        try await run.finish()
        var all = try BenchResults(path: results)
        try all.add(run.figures)
        all.printTable(BenchResults.storeGoals)
    }
}
