import SQLiteFile
import SampleCodec
import Telemetry
import Testing

@testable import SampleStore

/// Frames that build on each other are read from wherever a query begins, and go with all that they carry.
struct ChainTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Chains of `length` frames, a frame every ten seconds, the first sequence at second 10.
    private func frames(_ key: SessionKey, _ sequences: ClosedRange<UInt64>, length: UInt64) throws -> [IncomingFrame] {
        let rounds = sequences.map { [Fleet.sample("up", Int64($0) * 10, Double($0), ["node": key.node])] }
        return try Fleet.chain(key, from: sequences.lowerBound, rounds: rounds, blocksPerChain: Int(length))
    }

    private func times(_ store: SampleStore, _ node: String, from: Int64, to: Int64) async throws
        -> ([Double], QueryReport)
    {
        let (answer, report) = try await store.answer("up{node=\"\(node)\"}", from: from, to: to)
        return ((answer["alpha/up{node=\"\(node)\"}"] ?? []).map { $0[0] }, report)
    }

    @Test(arguments: [(10, 90), (50, 50), (60, 90), (40, 60), (20, 30)] as [(Int64, Int64)])
    func aQueryMayBeginInsideAChain(from: Int64, to: Int64) async throws {
        let store = try Fleet.open(folder)
        for node in ["a", "b"] { _ = try await store.append(frames(Fleet.key(node), 1...9, length: 5)) }
        for node in ["a", "b"] {
            let (times, report) = try await times(store, node, from: from, to: to)
            #expect(times == stride(from: Double(from), through: Double(to), by: 10).map { $0 })
            #expect(report.damaged == 0)
        }
    }

    @Test("Blocks that stand alone in the middle of a chain are read, before and after compaction")
    func rewrittenBlocks() async throws {
        let store = try Fleet.open(folder)
        let key = Fleet.key("a")
        let rounds = (1...9).map { second in
            ["orders", "shop"].map { Fleet.sample("pg_up", Int64(second) * 10, Double(second), ["instance": $0]) }
        }
        var lane = StoredLane()
        let frames = try zip(Fleet.chain(key, rounds: rounds, blocksPerChain: 5), rounds).map { frame, samples in
            // In the third round the agent did not own one of the two.
            let kept = frame.sequence == 3 ? samples.filter { $0.series.labels["instance"] == "shop" } : nil
            let rewritten = lane.rewritten(chainStart: frame.chainStart, kept: kept) { samples }
            var frame = try IncomingFrame(
                key: key, sequence: frame.sequence, kind: .sampleBlock, from: frame.from, to: frame.to,
                receivedAt: frame.receivedAt, payload: rewritten?.block ?? frame.payload,
                chainStart: rewritten == nil ? frame.chainStart : nil)
            if rewritten == nil { frame.definitions = SeriesList(samples.map(\.series)) }
            return frame
        }
        #expect(frames.map(\.chainStart) == [1, 1, nil, nil, nil, 6, 6, 6, 6])
        _ = try await store.append(frames)
        for isCompacted in [false, true] {
            if isCompacted { _ = try await store.compact(now: Fleet.time(100_000), policy: .immediate) }
            let (answer, report) = try await store.answer("pg_up", from: 0, to: 100)
            #expect(report.damaged == 0)
            let seconds = answer.mapValues { $0.map { Int($0[0]) } }
            #expect(seconds["alpha/pg_up{instance=\"shop\"}"] == (1...9).map { $0 * 10 })
            #expect(seconds["alpha/pg_up{instance=\"orders\"}"] == [1, 2, 4, 5, 6, 7, 8, 9].map { $0 * 10 })
        }
    }

    @Test("Chains of two lanes of one session interleave")
    func lanes() async throws {
        let store = try Fleet.open(folder)
        let key = Fleet.key("a")
        let rounds = (1...6).map { [Fleet.sample("up", $0 * 10, 1)] }
        let missed = try Fleet.chain(key, rounds: Array(rounds[..<3])).map { frame in
            var frame = frame
            frame.isBackfill = true
            return frame
        }
        let fresh = try Fleet.chain(key, from: 4, rounds: Array(rounds[3...]))
        _ = try await store.append(zip(fresh, missed).flatMap { [$0, $1] })
        let (answer, report) = try await store.answer("up", from: 30, to: 60)
        #expect(answer["alpha/up"]?.map { $0[0] } == [30, 40, 50, 60])
        #expect(report.damaged == 0)
    }

    @Test("A damaged frame costs the rest of its chain and nothing else")
    func damage() async throws {
        let store = try Fleet.open(folder)
        let key = Fleet.key("a")
        var all = try frames(key, 1...9, length: 5)
        all[2] = try Fleet.frame(
            key, 3, [Fleet.sample("up", 30, 3)], payload: Array("nonsense".utf8), chainStart: 1)
        _ = try await store.append(all)
        let (times, report) = try await times(store, "a", from: 0, to: 100)
        #expect(times == [10, 20, 60, 70, 80, 90])
        #expect(report.damaged == 1)
        #expect(report.gaps.map(\.from) == [Fleet.time(30)] && report.gaps.map(\.to) == [Fleet.time(50)])
    }

    @Test("Retention by age keeps a chain while one of its frames is young enough")
    func age() async throws {
        let store = try Fleet.open(folder)
        _ = try await store.append(frames(Fleet.key("a"), 1...9, length: 5))
        // Everything before second 70 is too old; frame 6 is what frame 7 builds on.
        let report = try await store.enforceRetention(now: Fleet.time(100), ageMax: .seconds(30), bytesMax: .max)
        #expect(report.framesByAge == 5)
        let (times, query) = try await times(store, "a", from: 0, to: 100)
        #expect(times == [60, 70, 80, 90])
        #expect(query.damaged == 0)
    }

    @Test("Retention by size takes whole chains")
    func size() async throws {
        let store = try Fleet.open(folder)
        _ = try await store.append(frames(Fleet.key("a"), 1...900, length: 60))
        let used = try await store.sizes().usedBytes
        let report = try await store.enforceRetention(
            now: Fleet.time(9000), ageMax: .seconds(100_000), bytesMax: used - 20_000, batchFrames: 7)
        #expect(report.framesBySize > 0 && report.framesBySize.isMultiple(of: 60))
        let (times, query) = try await times(store, "a", from: 0, to: 9000)
        #expect(times.count == 900 - report.framesBySize)
        #expect(query.damaged == 0)
    }

    @Test func aFrameBuildsOnNoLaterOne() throws {
        #expect(throws: StoreError(.invalid, "")) {
            try Fleet.frame(Fleet.key("a"), 3, [Fleet.sample("up", 30, 3)], chainStart: 4)
        }
    }
}
