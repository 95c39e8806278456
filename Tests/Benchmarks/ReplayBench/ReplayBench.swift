import BenchSupport
import CellCodec
import CellStore
import Detection
import Foundation
import Scenarios
import Signals
import Telemetry

/// `replay-bench [--workloads 200] [--days 1] [--step 10] [--seed 1] [--data DIRECTORY]`: a simulated week of workloads
/// through the store of cells and back.
///
/// The cells are those of `SimulatedMonth`, whose every number is noise: the dearest there are. `--data` names where
/// the store is made, and keeps it. Figures are for a week, whatever `--days` is.
@main
enum ReplayBench {
    static func main() async throws {
        let options = Options(CommandLine.arguments)
        let folder = options.data ?? NSTemporaryDirectory() + "tocsin-replay-bench-\(getpid())"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let live = try await record(options, folder)
        let replayed = try await replay(options, folder)
        let bytes = try bytes(in: folder)
        if options.data == nil { try FileManager.default.removeItem(atPath: folder) }
        let weeks = Double(options.days) / 7
        let perWeek = replayed.seconds / weeks
        say("cells \(live.cells), findings \(live.digest)")
        say("bytes a cell on the disk \(text(Double(bytes) / Double(live.cells)))")
        say("writing \(text(live.writeSeconds / Double(live.cells) * 1e9)) ns of a core a cell")
        say("replaying \(text(replayed.seconds / Double(live.cells) * 1e9)) ns of a core a cell")
        say("replay of a week of \(options.workloads) workloads: \(text(perWeek)) s of one core")
        say("replayed findings are \(replayed.digest == live.digest ? "the live ones" : "OTHERS: \(replayed.digest)")")
        var results = try BenchResults()
        try results.add([
            "replay_week_of_200_seconds": perWeek * 200 / Double(options.workloads),
            "replay_cell_bytes_noise": Double(bytes) / Double(live.cells),
            "replay_cell_write_ns": live.writeSeconds / Double(live.cells) * 1e9,
        ])
        guard replayed.digest == live.digest else { exit(1) }
    }

    private struct Live {
        var cells = 0
        var writeSeconds = 0.0
        var digest = ""
    }

    /// Lives through the days, and stores what the detectors are given.
    private static func record(_ options: Options, _ folder: String) async throws -> Live {
        let writer = CellWriter(try CellStore(directory: folder))
        var bank = DetectorBank(checks: ShippedChecks.all)
        var live = Live()
        var digest = FindingDigest()
        var month = SimulatedMonth(
            workloads: options.workloads, days: options.days, stepSeconds: options.step, seed: options.seed,
            noise: try QuietNoise.recorded())
        var inputs: [CellWriter.Input] = []
        var time = SimulatedMonth.start
        inputs.append(.anchor(bank, at: time, reason: .start))
        for _ in 0..<month.cells {
            let points = month.nextCell()
            time = points.last?.at ?? time
            live.cells += points.count
            var tape = CellTape()
            tape.append(points)
            digest.take(bank.process(points))
            let swept = bank.sweptAt
            digest.take(bank.advance(to: time))
            if bank.sweptAt != swept { tape.appendSweep(at: time) }
            inputs.append(.tape(tape))
            let started = processSeconds()
            let outcome = await writer.take(inputs, now: time)
            live.writeSeconds += processSeconds() - started
            if let failure = outcome.failure { fatalError(failure) }
            inputs.removeAll(keepingCapacity: true)
        }
        _ = await writer.take([], now: time, isLast: true)
        live.digest = "\(digest)"
        return live
    }

    private static func replay(_ options: Options, _ folder: String) async throws -> (seconds: Double, digest: String) {
        let replay = CellReplay(
            try CellStore(directory: folder),
            .init(from: Timestamp(millis: 0), to: Timestamp(millis: 1 << 50), lead: .zero, isOther: false) { _ in
                ShippedChecks.all
            })
        var digest = FindingDigest()
        let started = processSeconds()
        while let findings = try await replay.next() { digest.take(findings) }
        return (processSeconds() - started, "\(digest)")
    }

    /// Processor time of all threads: what both the queues and the database take.
    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func bytes(in folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, name in
            let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.size] as? Int
            return sum + (size ?? 0)
        }
    }

    private static func text(_ number: Double) -> String { String(format: "%.2f", number) }

    private static func say(_ line: String) { BenchResults.say(line) }
}

/// What the command line says.
private struct Options {
    var workloads = 200
    var days = 1
    var step = 10.0
    var seed: UInt64 = 1
    var data: String?

    init(_ arguments: [String]) {
        func value(_ name: String) -> String? {
            arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
        }
        workloads = value("--workloads").flatMap { Int($0) } ?? workloads
        days = value("--days").flatMap { Int($0) } ?? days
        step = value("--step").flatMap { Double($0) } ?? step
        seed = value("--seed").flatMap { UInt64($0) } ?? seed
        data = value("--data")
    }
}
