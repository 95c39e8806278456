import Detection
import Foundation
import Logging
import SampleCodec
import SampleStore
import Signals
import Telemetry
import Testing

@testable import CoordinatorApp

/// What is read back of frames and chunks, the newest slice first, says the same as the live run that it was stored in.
@Suite struct ReadBackTests {
    private let feed: CoreFeed
    private let end = CoreFeed.start + .seconds(2400)

    init() throws { feed = try CoreFeed() }

    /// Stores the afternoon as chains of ten minutes.
    private func fill(_ store: SampleStore) async throws {
        let looks = feed.recording(from: CoreFeed.start, to: end).items
        for node in ["node-0", "node-1"] {
            var (encoder, decoder) = (SampleBlockChainEncoder(), SampleBlockChainDecoder())
            var (frames, start): ([IncomingFrame], UInt64) = ([], 1)
            for look in looks where look.agent == node {
                guard case .samples(let samples) = look.content else { continue }
                let (chains, known) = (decoder.chainsRead, decoder.series.count)
                let payload = try encoder.encode(samples)
                _ = try decoder.decode(payload)
                let isStart = decoder.chainsRead != chains
                let sequence = UInt64(frames.count + 1)
                if isStart { start = sequence }
                var frame = try IncomingFrame(
                    key: SessionKey(cluster: "c", node: node, session: [1]), sequence: sequence, kind: .sampleBlock,
                    from: look.at, to: look.at, receivedAt: look.at, payload: payload, chainStart: start)
                frame.definitions = decoder.series.dropping(first: isStart ? 0 : known)
                frames.append(frame)
            }
            _ = try await store.append(frames)
        }
    }

    @Test(arguments: [false, true]) func whatIsReadBackEqualsTheLiveRun(isCompacted: Bool) async throws {
        let directory = NSTemporaryDirectory() + "read-back-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try SampleStore(directory: directory)
        try await fill(store)
        if isCompacted { #expect(try await store.compact(now: end + .seconds(90_000), policy: .immediate).chunks > 0) }

        var live = feed.core(at: CoreFeed.start)
        let changes = feed.run(&live, from: CoreFeed.start, to: end)
        #expect(changes.count == 6)

        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var (past, damaged) = try await ReadBack.gathered(
            from: try await StoredRecording(samples: store), until: end, wanted: end - CoreFeed.start, logger: logger
        ) { feed.core(at: $0) }
        #expect(past.from == CoreFeed.start && damaged == 0)
        let samples = feed.recording(from: CoreFeed.start, to: end).count
        #expect(past.count == samples)
        var core = feed.core(at: past.from)
        let found = past.replay(into: &core).filter { $0.phase != .ongoing }.map { CoreFeed.Change($0, $0.phase) }
        #expect(found == changes)
        #expect(core.points == live.points)
        #expect(core.signalStatistics.samples == samples)
    }

    @Test func aShortWindowIsReadAlone() async throws {
        let directory = NSTemporaryDirectory() + "read-back-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try SampleStore(directory: directory)
        try await fill(store)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        for (wanted, expected) in [(0, 60), (90, 90), (700, 700), (86_400, 3900)] {
            let (past, _) = try await ReadBack.gathered(
                from: try await StoredRecording(samples: store), until: end, wanted: .seconds(wanted), logger: logger
            ) { feed.core(at: $0) }
            #expect(past.from == end - .seconds(expected))
        }
    }
}
