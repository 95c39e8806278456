import BenchSupport
import Foundation
import SampleCodec
import SampleStore
import Selectors
import Synchronization
import Telemetry

/// One run of the benchmark, and what it found.
struct StoreRun {
    private(set) var figures: [String: Double] = [:]

    private let fleet: FleetMatrix
    private let directory: String
    private let store: SampleStore
    private var senders: [Sender]
    private var samples = 0
    private var seconds = (append: 0.0, compact: 0.0, compacted: 0)

    /// Rounds of all agents in one append: what a loaded writer has waiting.
    private static let roundsPerAppend = 4

    init(fleet: FleetMatrix, directory: String) throws {
        self.fleet = fleet
        self.directory = directory
        store = try SampleStore(directory: directory)
        senders = try fleet.nodes.map { try Sender($0) }
    }

    /// Appends rounds and compacts as the coordinator does, by the clock of the data.
    mutating func ingest(rounds: Range<Int>) async throws {
        for start in stride(from: rounds.lowerBound, to: rounds.upperBound, by: Self.roundsPerAppend) {
            let end = min(start + Self.roundsPerAppend, rounds.upperBound)
            try await append(start..<end)
            if start / Self.roundsPerAppend % 15 == 0 {
                try await compact(at: Timestamp(millis: fleet.times[start]), policy: CompactionPolicy())
            }
        }
    }

    /// Asks for one series a time over everything, while rounds come in ten times as fast as life.
    mutating func ask(queries: Int, whileIngesting rounds: Range<Int>) async throws {
        let (store, fleet) = (store, fleet)
        let flag = Flag()
        var round = rounds.lowerBound
        try await withThrowingTaskGroup(of: [Double].self) { group in
            group.addTask {
                defer { flag.isDone.withLock { $0 = true } }
                return try await Self.times(queries, of: fleet, in: store)
            }
            let start = ContinuousClock.now
            while round < rounds.upperBound, !flag.isDone.withLock({ $0 }) {
                try await Task.sleep(until: start + .seconds(Double(round - rounds.lowerBound)))
                try await append(round..<round + 1)
                try await compact(at: Timestamp(millis: fleet.times[round]), policy: CompactionPolicy())
                round += 1
            }
            let times = try await group.next() ?? []
            figures["query_p50_ms"] = times[times.count / 2]
            figures["query_p95_ms"] = times[times.count * 95 / 100]
        }
        if round < rounds.upperBound { try await ingest(rounds: round..<rounds.upperBound) }
    }

    private final class Flag: Sendable {
        let isDone = Mutex(false)
    }

    /// Times of queries in milliseconds, ascending; each answer is compared with what was put in.
    private static func times(
        _ count: Int, of fleet: FleetMatrix, in store: SampleStore
    ) async throws -> [Double] {
        var times: [Double] = []
        for number in 0..<count {
            let node = fleet.nodes[number * 7 % fleet.nodes.count]
            let place = number * 7919 % node.series.count
            let selector = try SeriesSelector(node.series[place].description)
            let query = SampleQuery(
                selector: selector, from: Timestamp(millis: fleet.times[0]),
                to: Timestamp(millis: fleet.times[0]) + .seconds(86_400))
            let points = Mutex<[(Timestamp, Double)]>([])
            let start = ContinuousClock.now
            let report = try await store.query(query) { chunk in
                points.withLock { $0 += zip(chunk.timestamps, chunk.values) }
            }
            times.append((ContinuousClock.now - start) / .milliseconds(1))
            let isSame = points.withLock { points in
                points.enumerated().allSatisfy { round, point in
                    point.0.millis == fleet.times[round]
                        && point.1.bitPattern == fleet.value(round: round, column: node.columns[place]).bitPattern
                }
            }
            guard isSame, report.series == 1, report.damaged == 0 else {
                throw Workload.Fault(message: "another answer than what was stored: \(node.series[place])")
            }
        }
        return times.sorted()
    }

    /// Compacts what is left, and measures the directory and a restart.
    mutating func finish() async throws {
        let last = Timestamp(millis: fleet.times.last ?? 0)
        try await compact(at: last + .seconds(86_400), policy: .immediate)
        _ = try await store.enforceRetention(now: last, ageMax: .seconds(10 * 86_400), bytesMax: .max)
        figures["store_bytes_per_sample"] = Double(try diskBytes()) / Double(samples)
        figures["store_append_s_per_million"] = seconds.append / Double(samples) * 1e6
        figures["store_compaction_s_per_million"] = seconds.compact / Double(samples) * 1e6
        let start = ContinuousClock.now
        let again = try SampleStore(directory: directory)
        _ = try await again.sizes()
        figures["store_restart_ms"] = (ContinuousClock.now - start) / .milliseconds(1)
    }

    private mutating func append(_ rounds: Range<Int>) async throws {
        var frames: [IncomingFrame] = []
        for round in rounds {
            for index in senders.indices {
                frames.append(try senders[index].frame(round: round, of: fleet))
                samples += senders[index].node.series.count
            }
        }
        let start = ContinuousClock.now
        _ = try await store.append(frames)
        seconds.append += (ContinuousClock.now - start) / .seconds(1)
    }

    private mutating func compact(at now: Timestamp, policy: CompactionPolicy) async throws {
        let start = ContinuousClock.now
        let report = try await store.compact(now: now, policy: policy)
        seconds.compact += (ContinuousClock.now - start) / .seconds(1)
        seconds.compacted += report.samples
    }

    /// Blocks of all files, as `du` counts them.
    private func diskBytes() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            var info = stat()
            guard stat(directory + "/" + name, &info) == 0 else { return sum }
            return sum + Int(info.st_blocks) * 512
        }
    }
}
