import Detection
import Foundation
import SampleCodec
import SampleStore
import Telemetry
import Testing

@testable import CoordinatorApp

/// A replay of what is stored takes off an agent's times what was taken off when they came.
@Suite struct ClockReplayTests {
    private let feed: CoreFeed
    private let end = CoreFeed.start + .seconds(2400)
    private let directory: String

    init() throws {
        feed = try CoreFeed()
        directory = NSTemporaryDirectory() + "clock-replay-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    /// Runs a core live and stores the same frames; the second agent's clock is off by what `offset` says at a time.
    private func live(
        _ offset: (Timestamp) -> Duration
    ) async throws -> (changes: [CoreFeed.Change], points: UInt64) {
        var store = try SampleStore(directory: directory)
        var core = feed.core(at: CoreFeed.start)
        var changes: [CoreFeed.Change] = []
        var now = CoreFeed.start
        var frames: [IncomingFrame] = []
        var sequences = ["node-0": UInt64(0), "node-1": 0]
        for item in feed.recording(from: CoreFeed.start, to: end).items {
            while now < item.at + .milliseconds(300) {
                changes += CoreFeed.changes(core.advance(to: now))
                now = now + .seconds(1)
            }
            guard case .samples(let looked) = item.content else { continue }
            let ahead = item.agent == "node-1" ? offset(item.at) : .zero
            let samples = looked.map { Sample($0.series, $0.timestamp + ahead, $0.value) }
            core.ingest(samples: samples, cluster: item.cluster, agent: item.agent, clockOffset: ahead)
            sequences[item.agent, default: 0] += 1
            let key = SessionKey(cluster: item.cluster, node: item.agent, session: [1])
            var frame = try IncomingFrame(
                key: key, sequence: sequences[item.agent] ?? 1, kind: .sampleBlock, from: item.at + ahead,
                to: item.at + ahead, receivedAt: item.at + .milliseconds(300),
                payload: try SampleBlockEncoder().encode(samples))
            frame.clockOffset = ahead
            frame.definitions = SeriesList(samples.map(\.series))
            frames.append(frame)
            guard frames.count == 50 else { continue }
            _ = try await store.append(frames)
            frames = []
            // What is known of clocks survives the process.
            store = try SampleStore(directory: directory)
        }
        _ = try await store.append(frames)
        while now <= end {
            changes += CoreFeed.changes(core.advance(to: now))
            now = now + .seconds(1)
        }
        return (changes, core.points)
    }

    private func replayed() async throws -> (changes: [CoreFeed.Change], points: UInt64) {
        let store = try SampleStore(directory: directory)
        var core = feed.core(at: CoreFeed.start)
        var stored = try await StoredRecording(samples: store)
        let recording = try await stored.read(from: CoreFeed.start, to: end)
        let found = core.replay(recording, to: end).filter { $0.phase != .ongoing }
        try FileManager.default.removeItem(atPath: directory)
        return (found.map { CoreFeed.Change($0, $0.phase) }, core.points)
    }

    @Test(arguments: [3600, -3600, 0]) func aReplayEqualsLiveWhateverTheClock(seconds: Int) async throws {
        let live = try await live { _ in .seconds(seconds) }
        #expect(live.changes.count == 6)
        let replayed = try await replayed()
        #expect(replayed.changes == live.changes)
        #expect(replayed.points == live.points)
    }

    /// Each time in the middle of the error ratio's fault.
    @Test(arguments: [(3600, 0), (0, 3600), (5, 7205), (-40, 3600)])
    func aClockThatIsPutRightIsFollowed(before: Int, after: Int) async throws {
        let live = try await live { $0 < CoreFeed.start + .seconds(1350) ? .seconds(before) : .seconds(after) }
        #expect(live.changes.count == 6)
        let replayed = try await replayed()
        #expect(replayed.changes == live.changes)
    }

    @Test func edgesAreMovedToo() async throws {
        let store = try SampleStore(directory: directory)
        for (index, node) in ["node-0", "node-1"].enumerated() {
            let ahead = Duration.seconds(3600 * index)
            let at = CoreFeed.start + .seconds(10)
            var frame = try IncomingFrame(
                key: SessionKey(cluster: "c", node: node, session: [1]), sequence: 1, kind: .edgeBatch,
                from: at + ahead, to: at + ahead, receivedAt: at, payload: [],
                edges: [Edge(.containerOOMKilled, at: at + ahead, labels: ["node": "\(node)"])])
            frame.clockOffset = ahead
            _ = try await store.append([frame])
        }
        var stored = try await StoredRecording(samples: store)
        let recording = try await stored.read(
            from: CoreFeed.start, to: CoreFeed.start + .seconds(60))
        #expect(recording.items.map(\.at) == [CoreFeed.start + .seconds(10), CoreFeed.start + .seconds(10)])
        #expect(Set(recording.items.map(\.agent)) == ["node-0", "node-1"])
        try FileManager.default.removeItem(atPath: directory)
    }
}
