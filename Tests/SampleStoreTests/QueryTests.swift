import Foundation
import GRDB
import SQLiteFile
import Selectors
import Telemetry
import Testing
import TocsinTestKit

@testable import SampleStore

struct QueryTests {
    private let folder: TemporaryFolder
    private let store: SampleStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Fleet.open(folder)
    }

    @Test func namesSeriesOfAllAgentsInTheRangeEndsIncluded() async throws {
        for (node, cluster) in [("a", "alpha"), ("b", "alpha"), ("c", "beta")] {
            let key = Fleet.key(node, cluster: cluster)
            _ = try await store.append((1...5).map { try Fleet.frame(key, $0) })
        }
        let (all, report) = try await store.answer("up", from: 20, to: 40)
        #expect(
            all == [
                "alpha/up{node=\"a\"}": [[20, 2], [30, 3], [40, 4]],
                "alpha/up{node=\"b\"}": [[20, 2], [30, 3], [40, 4]],
                "beta/up{node=\"c\"}": [[20, 2], [30, 3], [40, 4]],
            ])
        #expect((report.damaged, report.gaps, report.series, report.values) == (0, [], 3, 9))
        #expect(
            try await store.answer("up{cluster=\"beta\"}", from: 0, to: 99).0.keys.sorted() == ["beta/up{node=\"c\"}"])
        #expect(try await store.answer("up{node=~\"a|b\"}", from: 0, to: 99).1.series == 2)
        #expect(try await store.answer("down", from: 0, to: 99).0.isEmpty)
        #expect(try await store.answer("up", from: 51, to: 99).1 == .init())
    }

    @Test func aLongFrameReachesIntoTheRange() async throws {
        let a = Fleet.key("a")
        let long = (0...60).map { Fleet.sample("up", $0 * 10, Double($0)) }
        _ = try await store.append([Fleet.frame(a, 1, long), Fleet.frame(a, 2, [Fleet.sample("up", 605, 1)])])
        #expect(try await store.answer("up", from: 595, to: 600).0 == ["alpha/up": [[600, 60]]])
    }

    @Test func manyPagesOfOverlappingFramesComeOutInOrder() async throws {
        var random = SeededRandom(seed: 7)
        var expected: [Double] = []
        for node in ["a", "b", "c"] {
            var frames: [IncomingFrame] = []
            for sequence in UInt64(1)...300 {
                // One series of three writers, as of a target that wanders; each writer has its own moments.
                let start = Int64(sequence) * 30 + (node == "a" ? 0 : node == "b" ? 1 : 2)
                let samples = [start, start + 9, start + 45].map { Fleet.sample("m", $0, Double($0)) }
                expected += samples.map(\.value)
                frames.append(try Fleet.frame(Fleet.key(node), sequence, samples.shuffled(using: &random)))
            }
            _ = try await store.append(frames.shuffled(using: &random))
        }
        expected = Set(expected).sorted()
        let (answer, report) = try await store.answer("m", from: 0, to: 100_000)
        let points = try #require(answer["alpha/m"])
        #expect(Set(points.map { $0[0] }).sorted() == expected)
        #expect(points.map { $0[0] } == points.map { $0[0] }.sorted())
        #expect(report.frames == 900)
        let (stepped, _) = try await store.answer("m", from: 0, to: 9200, step: .seconds(7))
        #expect(stepped["alpha/m"] == reference(expected, from: 0, to: 9200, step: 7))
    }

    /// The last value at or before each moment, looked up one by one.
    private func reference(_ times: [Double], from: Int, to: Int, step: Int) -> [[Double]] {
        stride(from: from, through: to, by: step).compactMap { moment in
            guard let last = times.last(where: { $0 <= Double(moment) }), Double(moment) - last < 300 else {
                return nil
            }
            return [Double(moment), last]
        }
    }

    @Test func stepTakesTheLastValueUntilItIsStale() async throws {
        let a = Fleet.key("a")
        _ = try await store.append([
            Fleet.frame(a, 1, [Fleet.sample("m", 100, 1)]), Fleet.frame(a, 2, [Fleet.sample("m", 160, 2)]),
            Fleet.frame(a, 3, [Fleet.sample("m", 1000, 3)]),
        ])
        // The sample at 100 speaks for 120 although the query begins after it; 160 + 300 is no longer fresh.
        let (answer, _) = try await store.answer("m", from: 120, to: 1060, step: .seconds(60))
        #expect(answer == ["alpha/m": [[120, 1], [180, 2], [240, 2], [300, 2], [360, 2], [420, 2], [1020, 3]]])
        #expect(try await store.answer("m", from: 160, to: 160, step: .seconds(1)).0 == ["alpha/m": [[160, 2]]])
        #expect(try await store.answer("m", from: 459, to: 460, step: .seconds(1)).0 == ["alpha/m": [[459, 2]]])
    }

    @Test func aStaleMarkerEndsTheSeriesAtOnce() async throws {
        let a = Fleet.key("a")
        _ = try await store.append([
            Fleet.frame(a, 1, [Fleet.sample("m", 10, 1)]),
            Fleet.frame(a, 2, [Fleet.sample("m", 20, StaleMarker.value)]),
            Fleet.frame(a, 3, [Fleet.sample("m", 50, .nan)]),
        ])
        let (answer, _) = try await store.answer("m", from: 0, to: 60, step: .seconds(10))
        let points = try #require(answer["alpha/m"])
        #expect(points.map { $0[0] } == [10, 50, 60])
        #expect(points[1][1].isNaN)
        #expect(try await store.answer("m", from: 0, to: 60).0["alpha/m"]?.count == 3)
    }

    @Test func aFrameThatCannotBeDecodedIsAGap() async throws {
        let a = Fleet.key("a")
        let frames = try (1...3).map { sequence in
            let sample = Fleet.sample("m", Int64(sequence) * 10, 1)
            return try Fleet.frame(a, UInt64(sequence), [sample], payload: sequence == 2 ? [1, 2, 3] : nil)
        }
        _ = try await store.append(frames)
        let (answer, report) = try await store.answer("m", from: 0, to: 99)
        #expect(answer == ["alpha/m": [[10, 1], [30, 1]]])
        #expect(report.damaged == 1)
        let gap = try #require(report.gaps.first)
        #expect((gap.cluster, gap.node) == ("alpha", "a"))
        #expect((gap.from, gap.to) == (Fleet.time(20), Fleet.time(20)))
        #expect(gap.reason.hasPrefix("the block cannot be decoded"))
    }

    @Test func aDamagedPageCostsItsFramesAlone() async throws {
        let a = Fleet.key("a")
        // Payloads of several pages each, so that most of the file is payload.
        var random = SeededRandom(seed: 3)
        let frames = try (1...40).map { sequence in
            let samples = (0..<1000).map {
                Fleet.sample("m\($0)", Int64(sequence) * 10, .random(in: 0...1, using: &random))
            }
            return try Fleet.frame(a, UInt64(sequence), samples)
        }
        _ = try await store.append(frames)
        let path = folder.path + "/" + SampleStore.fileName
        let copy = try TemporaryFolder()
        do {
            // A checkpointed copy, damaged where one payload's overflow pages are.
            try await DatabaseQueue(path: path).vacuum(into: copy.path + "/" + SampleStore.fileName)
        }
        let handle = try FileHandle(forUpdating: URL(filePath: copy.path + "/" + SampleStore.fileName))
        let pages = try handle.seekToEnd() / 4096
        try handle.seek(toOffset: pages / 2 * 4096)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 4096))
        try handle.close()
        let damaged = try Fleet.open(copy)
        let (answer, report) = try await damaged.answer("m7", from: 0, to: 999)
        #expect((1...2).contains(report.damaged))
        #expect(report.frames + report.damaged == 40)
        #expect(answer["alpha/m7"]?.count == report.frames)
    }

    @Test func limitsAreErrorsWithACode() async throws {
        let a = Fleet.key("a")
        _ = try await store.append([Fleet.frame(a, 1, (0..<20).map { Fleet.sample("m\($0)", 10, 1) })])
        await #expect(throws: StoreError(.tooLarge, "")) {
            try await store.answer("{__name__=~\"m.*\"}", from: 0, to: 99) { $0.seriesMax = 19 }
        }
        await #expect(throws: StoreError(.tooLarge, "")) {
            try await store.answer("m1", from: 0, to: 1_000_000, step: .seconds(1))
        }
        await #expect(throws: StoreError(.invalid, "")) { try await store.answer("m1", from: 2, to: 1) }
        await #expect(throws: StoreError(.invalid, "")) { try await store.answer("m1", from: 1, to: 2, step: .zero) }
        var extreme = SampleQuery(
            selector: try SeriesSelector("m1"), from: Timestamp(millis: .min), to: Timestamp(millis: .max))
        extreme.step = .seconds(Int64.max)
        let query = extreme
        await #expect(throws: StoreError(.invalid, "")) { _ = try await store.query(query) { _ in } }
    }

    @Test func aReceiverThatFailsEndsTheQuery() async throws {
        struct Enough: Error {}
        _ = try await store.append([Fleet.frame(Fleet.key("a"), 1)])
        let query = SampleQuery(selector: try SeriesSelector("up"), from: Fleet.time(0), to: Fleet.time(99))
        await #expect(throws: Enough.self) { _ = try await store.query(query) { _ in throw Enough() } }
    }
}
