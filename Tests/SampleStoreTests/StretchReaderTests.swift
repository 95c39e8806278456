import SQLiteFile
import SampleCodec
import Telemetry
import Testing
import TocsinTestKit

@testable import SampleStore

/// What is read back look by look is what queries give series by series.
@Suite struct StretchReaderTests {
    private static let numbering = SampleBatch.Numbering(stream: 9, frame: 9)
    private static let metrics: Set<String> = ["wanted", "read"]

    /// Looks of a store, and each sample with its agent.
    private struct Reading {
        var reader: StretchReader
        var samples: [String: [[Double]]] = [:]

        init(_ store: SampleStore) async throws {
            reader = try await store.stretches(
                of: StretchReaderTests.metrics, clocks: try await store.clockHistories(),
                numbering: StretchReaderTests.numbering
            ) { $0.labels["area"] != "none" }
        }

        mutating func read(from: Int64, to: Int64) async throws {
            for stretch in try await reader.read(from: Fleet.time(from), to: Fleet.time(to)) {
                var previous = Timestamp(millis: .min)
                #expect(stretch.looks.map { stretch.batch($0).count }.reduce(0, +) == stretch.count)
                for look in stretch.looks {
                    #expect(look.at > previous)
                    previous = look.at
                    for sample in stretch.batch(look) {
                        #expect(sample.timestamp == look.at)
                        samples["\(stretch.agent.cluster)/\(sample.series)", default: []]
                            .append([look.at.seconds, sample.value])
                    }
                }
            }
        }
    }

    /// Rounds of one agent with a few targets; some series come later, some end, some are of no interest.
    private func rounds(_ node: String, _ range: Range<Int64>, _ random: inout SeededRandom) -> [[Sample]] {
        range.map { round in
            var samples: [Sample] = []
            for pod in 0..<4 where round > Int64(pod) * 15 && Double.random(in: 0..<1, using: &random) > 0.1 {
                let time = round * 10 + Int64(pod % 2)
                for metric in ["wanted", "read", "other"] {
                    for area in ["heap", "none", "more"] where area != "more" || round % 3 == 0 {
                        samples.append(
                            Fleet.sample(
                                metric, time, Double(round) + Double.random(in: 0..<1, using: &random),
                                ["node": "\(node)", "pod": "\(pod)", "area": "\(area)"]))
                    }
                }
            }
            return samples
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func whatQueriesGiveIsReadBack(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let folder = try TemporaryFolder()
        let store = try Fleet.open(folder)
        for node in ["node-1", "node-2", "node-3"] {
            let whole = rounds(node, 0..<200, &random).filter { !$0.isEmpty }
            let half = Int.random(in: 50..<150, using: &random)
            let (before, after) = (Array(whole[..<half]), Array(whole[half...]))
            _ = try await store.append(try Fleet.chain(Fleet.key(node), rounds: before, blocksPerChain: 17))
            if node != "node-3" { _ = try await store.compact(now: Fleet.time(9999), policy: .immediate) }
            // A session anew sends some again: the same samples lie in chunks and in frames.
            let again = Array(before.suffix(5)) + after
            _ = try await store.append(try Fleet.chain(Fleet.key(node, session: 2), rounds: again, blocksPerChain: 23))
        }
        let (from, to): (Int64, Int64) = (300, 1700)
        let expected = try await store.answer("{__name__=~\"wanted|read\",area!=\"none\"}", from: from, to: to).0
        var whole = try await Reading(store)
        try await whole.read(from: from, to: to)
        #expect(whole.samples == expected)
        #expect(whole.samples.count == 48)
        // In two parts, the later one first.
        let middle = Int64.random(in: from + 1..<to, using: &random)
        var parts = try await Reading(store)
        try await parts.read(from: middle, to: to)
        let late = parts.samples
        parts.samples = [:]
        try await parts.read(from: from, to: middle - 1)
        #expect(parts.samples.merging(late) { $0 + $1 } == expected)
        #expect(whole.reader.damaged == 0)
    }

    @Test func numbersOfAnAgentGoOn() async throws {
        let folder = try TemporaryFolder()
        let store = try Fleet.open(folder)
        let rounds = (0..<40).map { round -> [Sample] in
            // A series that only the older part has, and one that only the newer has.
            [
                Fleet.sample("wanted", round * 10, 1),
                Fleet.sample("wanted", round * 10, 2, ["pod": round < 20 ? "a" : "b"]),
            ]
        }
        _ = try await store.append(try Fleet.chain(Fleet.key("n"), rounds: rounds))
        var reader = try await Reading(store).reader
        let late = try #require(try await reader.read(from: Fleet.time(200), to: Fleet.time(400)).first)
        let early = try #require(try await reader.read(from: Fleet.time(0), to: Fleet.time(199)).first)
        let (first, second) = (late.batch(late.looks[0]), early.batch(early.looks[0]))
        #expect(first.numbering == second.numbering)
        #expect(second.series.starts(with: first.series))
        #expect(second.series.count == 3)
    }

    @Test func whatIsDamagedIsCountedAndLeftOut() async throws {
        let folder = try TemporaryFolder()
        let store = try Fleet.open(folder)
        let rounds = (0..<10).map { [Fleet.sample("wanted", $0 * 10, Double($0))] }
        var frames = try Fleet.chain(Fleet.key("n"), rounds: rounds)
        frames[6] = try Fleet.frame(Fleet.key("n"), 7, rounds[6], payload: [1, 2, 3], chainStart: 1)
        _ = try await store.append(frames)
        var reading = try await Reading(store)
        try await reading.read(from: 0, to: 1000)
        #expect(reading.samples["alpha/wanted"]?.map { $0[1] } == [0, 1, 2, 3, 4, 5])
        #expect(reading.reader.damaged == 1)
    }
}
