import Foundation
import GRDB
import SQLiteFile
import SampleCodec
import Selectors
import Telemetry
import Testing
import TocsinTestKit

@testable import SampleStore

struct CompactionTests {
    private let folder: TemporaryFolder
    private let store: SampleStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Fleet.open(folder)
    }

    /// Rounds of a few pods on a node, every ten seconds, with counters, gaps, new pods and stale markers.
    static func rounds(
        _ count: Int, node: String, start: Int64 = 0, seed: UInt64, pods: Int = 3
    ) -> [[Sample]] {
        var random = SeededRandom(seed: seed)
        var counters: [Double] = Array(repeating: 0, count: pods * 20)
        return (0..<count).map { round in
            var samples: [Sample] = []
            for pod in 0..<pods where pod == 0 || (round % 37 != pod && round > pod * 11) {
                let labels: LabelSet = ["node": node, "pod": "p\(pod)"]
                for metric in 0..<20 {
                    let place = pod * 20 + metric
                    counters[place] += Double(Int.random(in: 0...3, using: &random))
                    let value = round % 97 == 96 ? StaleMarker.value : counters[place] * (metric % 2 == 0 ? 1 : 0.25)
                    let millis = (start + Int64(round) * 10) * 1000 + Int64.random(in: 0..<40, using: &random)
                    samples.append(Sample(Series("m\(metric)", labels), Timestamp(millis: millis), value))
                }
            }
            return samples
        }
    }

    private func everything(_ store: SampleStore, to: Int64 = 100_000_000) async throws -> (
        [String: [[UInt64]]], QueryReport
    ) {
        let basket = Basket()
        let query = SampleQuery(
            selector: try SeriesSelector("{__name__=~\".+\"}"), from: Fleet.time(-1_000_000), to: Fleet.time(to))
        let report = try await store.query(query) { await basket.add($0) }
        var joined: [String: [[UInt64]]] = [:]
        for chunk in await basket.chunks {
            joined["\(chunk.cluster)/\(chunk.series)", default: []] += zip(chunk.timestamps, chunk.values)
                .map { [UInt64(bitPattern: $0.millis), $1.bitPattern] }
        }
        return (joined, report)
    }

    @Test func compactedSamplesAreTheSameBitByBit() async throws {
        for (index, node) in ["a", "b"].enumerated() {
            let rounds = Self.rounds(500, node: node, seed: UInt64(index))
            let frames = try Fleet.chain(Fleet.key(node), rounds: rounds)
            for start in stride(from: 0, to: frames.count, by: 50) {
                _ = try await store.append(Array(frames[start..<start + 50]))
            }
        }
        let (before, _) = try await everything(store)
        #expect(before.count == 120)
        let report = try await store.compact(now: Fleet.time(100_000), policy: .immediate)
        // Of each session the last chain stays, since what comes next may build upon it.
        #expect(report.frames == 2 * 480)
        #expect(report.damaged == 0)
        let (after, read) = try await everything(store)
        #expect(after == before)
        #expect(read.chunks > 0 && read.frames == 2 * 20)
        #expect(try await store.compact(now: Fleet.time(100_001), policy: .immediate).isIdle)
        // Frames that come after go on with the chain.
        #expect(try await everything(try Fleet.open(folder)).0 == before)
    }

    @Test func whatComesLateOrTwiceOrFromAnotherAgentIsMergedInOrder() async throws {
        var random = SeededRandom(seed: 5)
        var expected: [Int64: Double] = [:]
        let series = Series("m", ["pod": "wanders"])
        for turn in 0..<30 {
            let node = ["a", "b", "c"][turn % 3]
            var rounds: [[Sample]] = []
            for _ in 0..<20 {
                let second = Int64.random(in: 0..<90_000, using: &random)
                let value = Double(turn)
                // Of samples of one moment that are in one place, the last one counts; across agents they are equal.
                if expected[second] != nil { continue }
                expected[second] = value
                rounds.append([Sample(series, Fleet.time(second), value)])
            }
            let first = UInt64(turn / 3) * 100 + 1
            let key = Fleet.key(node)
            _ = try await store.openSession(key, SessionOpening(firstSequence: first), at: Fleet.time(0))
            _ = try await store.append(try Fleet.chain(key, from: first, rounds: rounds, blocksPerChain: 5))
            _ = try await store.compactOnce(now: Fleet.time(200_000), policy: .immediate)
            if turn % 7 == 0 { _ = try await store.compact(now: Fleet.time(200_000), policy: .immediate) }
        }
        let wanted = expected.sorted { $0.key < $1.key }.map { [Double($0.key), $0.value] }
        #expect(try await store.answer("m", from: 0, to: 90_000).0 == ["alpha/m{pod=\"wanders\"}": wanted])
        _ = try await store.compact(now: Fleet.time(200_000), policy: .immediate)
        #expect(try await store.answer("m", from: 0, to: 90_000).0 == ["alpha/m{pod=\"wanders\"}": wanted])
        let part = wanted.filter { (20_000...30_000).contains($0[0]) }
        #expect(try await store.answer("m", from: 20_000, to: 30_000).0 == ["alpha/m{pod=\"wanders\"}": part])
    }

    @Test func theChunksOfAWindowBecomeOne() async throws {
        let key = Fleet.key("a")
        var sequence: UInt64 = 1
        for turn in 0..<6 {
            let rounds = Self.rounds(120, node: "a", start: Int64(turn) * 1200, seed: UInt64(turn))
            _ = try await store.append(try Fleet.chain(key, from: sequence, rounds: rounds))
            sequence += 120
            // A window that has not ended is not merged.
            #expect(try await store.compact(now: Fleet.time(10_000), policy: .immediate).merged == 0)
        }
        let (before, _) = try await everything(store)
        let report = try await store.compact(now: Fleet.time(22_600), policy: .immediate)
        #expect(report.merged > report.chunks && report.frames == 0)
        let (after, read) = try await everything(store)
        #expect(after == before)
        #expect(read.chunks == report.chunks)
    }

    @Test func whatWasMissedComesAfterWhatIsCompactedAlready() async throws {
        let key = Fleet.key("a")
        let rounds = Self.rounds(200, node: "a", seed: 1)
        let missed = try Fleet.chain(key, rounds: Array(rounds[..<60]), blocksPerChain: 10).map { frame in
            var frame = frame
            frame.isBackfill = true
            return frame
        }
        let fresh = try Fleet.chain(key, from: 61, rounds: Array(rounds[60...]), blocksPerChain: 10)
        #expect(try await store.append(fresh).durable == [key: 0])
        #expect(try await store.compact(now: Fleet.time(9000), policy: .immediate).frames == 130)
        #expect(try await store.append(missed).durable == [key: 200])
        #expect(try await store.append(missed + fresh).duplicates == 200)
        #expect(try await store.compact(now: Fleet.time(9000), policy: .immediate).frames == 50)
        let (answer, report) = try await everything(store)
        #expect(report.damaged == 0)
        let wanted = Set(rounds.joined().map { [UInt64(bitPattern: $0.timestamp.millis), $0.value.bitPattern] })
        #expect(Set(answer.values.joined()) == wanted)
        #expect(answer.values.reduce(0) { $0 + $1.count } == rounds.joined().count)
    }

    @Test func aDamagedFrameCostsItsChainAndIsAGap() async throws {
        let key = Fleet.key("a")
        var frames = try Fleet.chain(key, rounds: Self.rounds(90, node: "a", seed: 1), blocksPerChain: 30)
        var bytes = frames[40].payload
        bytes[bytes.count / 2] ^= 1
        var damaged = try Fleet.frame(key, 41, Self.rounds(90, node: "a", seed: 1)[40], payload: bytes)
        damaged.definitions = []
        frames[40] = damaged
        _ = try await store.append(frames)
        let (before, first) = try await everything(store)
        let gap = try #require(first.gaps.first)
        #expect(first.gaps.count == 1)
        #expect((gap.node, gap.from.millis / 1000, gap.to.millis / 1000) == ("a", 400, 590))
        let report = try await store.compact(now: Fleet.time(9000), policy: .immediate)
        #expect(report.damaged == 1)
        let (after, second) = try await everything(store)
        #expect(after == before)
        #expect(second.gaps.map(\.from) == [gap.from] && second.gaps.map(\.to) == [gap.to])
    }

    @Test func aDamagedChunkIsAGapAndTheRestIsThere() async throws {
        let key = Fleet.key("a")
        _ = try await store.append(
            try Fleet.chain(key, rounds: Self.rounds(90, node: "a", seed: 1, pods: 1), blocksPerChain: 30))
        _ = try await store.compact(now: Fleet.time(600), policy: .immediate)
        let (before, _) = try await everything(store)
        let path = folder.path + "/" + SampleStore.fileName
        try await DatabaseQueue(path: path).write { database in
            let payload = try #require(try Data.fetchOne(database, sql: "SELECT payload FROM chunks LIMIT 1"))
            var bytes = payload
            bytes[bytes.count / 2] ^= 4
            try database.execute(
                sql: "UPDATE chunks SET payload = ? WHERE id = (SELECT min(id) FROM chunks)", arguments: [bytes])
        }
        let (during, report) = try await everything(store)
        #expect(report.gaps.count == 1)
        #expect(during.values.reduce(0) { $0 + $1.count } < before.values.reduce(0) { $0 + $1.count })
        // Merging sets it aside and goes on.
        _ = try await store.append(
            try Fleet.chain(key, from: 91, rounds: Self.rounds(60, node: "a", start: 900, seed: 2, pods: 1)))
        _ = try await store.append(
            try Fleet.chain(key, from: 151, rounds: Self.rounds(1, node: "a", start: 1500, seed: 2, pods: 1)))
        let merged = try await store.compact(now: Fleet.time(90_000), policy: .immediate)
        #expect(merged.damaged == 1 && merged.merged >= 2)
        let (after, last) = try await everything(store)
        #expect(last.gaps.map(\.from) == report.gaps.map(\.from))
        #expect(after.values.reduce(0) { $0 + $1.count } > during.values.reduce(0) { $0 + $1.count })
    }

    @Test func theTablesOfTheVersionBeforeAreBroughtUpToDate() async throws {
        let old = try TemporaryFolder()
        let path = old.path + "/" + SampleStore.fileName
        do {
            let queue = try DatabaseQueue(path: path)
            try SampleStore.migrator.migrate(queue, upTo: "1 frames")
            try await queue.write { database in
                try database.execute(
                    sql: "INSERT INTO sessions VALUES (1, 'alpha', 'a', x'0101', 3, 0)")
                for sequence in 1...3 {
                    let block = try SampleBlockEncoder().encode([Fleet.sample("m", Int64(sequence), Double(sequence))])
                    try database.execute(
                        sql: "INSERT INTO frames VALUES (?, 1, ?, 1, ?, ?, 0, ?)",
                        arguments: [sequence, sequence, sequence * 1000, sequence * 1000, Data(block)])
                }
            }
            try queue.close()
        }
        let store = try Fleet.open(old)
        let wanted = ["alpha/m": [[1.0, 1], [2, 2], [3, 3]]]
        #expect(try await store.answer("m", from: 0, to: 9).0 == wanted)
        #expect(try await store.compact(now: Fleet.time(10), policy: .immediate).frames == 2)
        #expect(try await store.answer("m", from: 0, to: 9).0 == wanted)
    }

    @Test func oldChunksGoByAgeAndTheOldestBySize() async throws {
        let key = Fleet.key("a")
        var frames: [IncomingFrame] = []
        for turn in 0..<8 {
            let rounds = Self.rounds(60, node: "a", start: Int64(turn) * 21_600, seed: UInt64(turn), pods: 3)
            frames += try Fleet.chain(key, from: UInt64(turn) * 60 + 1, rounds: rounds)
        }
        _ = try await store.append(frames)
        _ = try await store.compact(now: Fleet.time(200_000), policy: .immediate)
        let (all, _) = try await everything(store)
        let aged = try await store.enforceRetention(
            now: Fleet.time(2 * 21_600 + 5000), ageMax: .seconds(5000), bytesMax: .max)
        #expect(aged.chunksByAge > 0 && aged.framesByAge == 0 && aged.series == 0)
        let (rest, _) = try await everything(store)
        #expect(rest == all.mapValues { $0.filter { $0[0] >= 2 * 21_600 * 1000 } })
        let sizes = try await store.sizes()
        #expect(sizes.oldest == Timestamp(millis: Int64(bitPattern: rest.values.joined().map { $0[0] }.min() ?? 0)))
        let sized = try await store.enforceRetention(
            now: Fleet.time(200_000), ageMax: .seconds(1_000_000), bytesMax: sizes.usedBytes - 1)
        #expect(sized.chunksBySize > 0 && sized.framesBySize == 0)
        #expect(try await store.sizes().usedBytes < sizes.usedBytes)
        let incomplete = try #require(sized.incompleteBefore)
        #expect(try await store.sizes().oldest ?? Fleet.time(0) > Fleet.time(2 * 21_600))
        #expect(incomplete < Fleet.time(4 * 21_600))
        // All of it gone, the catalogue is too.
        let last = try await store.enforceRetention(
            now: Fleet.time(10_000_000), ageMax: .seconds(1), bytesMax: .max)
        #expect(last.series == 60)
        #expect(try await everything(store).0.isEmpty)
        #expect(
            try await store.append(try Fleet.chain(key, from: 481, rounds: Self.rounds(1, node: "a", seed: 1))).stored
                == 1)
        #expect(try await everything(store).0.count == 20)
    }
}
