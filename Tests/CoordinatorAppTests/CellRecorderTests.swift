import CellCodec
import CellStore
import CoordinatorSettings
import Detection
import Foundation
import Logging
import Signals
import Telemetry
import Testing

@testable import CoordinatorApp

/// What a core's detectors were given is stored, whole or with its gaps, and a replay says what the core said.
@Suite struct CellRecorderTests {
    private let feed: CoreFeed
    private let folder: URL
    private let store: CellStore
    private let counters = CounterBoard()
    private let end = CoreFeed.start + .seconds(2400)

    init() throws {
        feed = try CoreFeed()
        folder = FileManager.default.temporaryDirectory.appending(path: "tocsin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = try CellStore(directory: folder.path)
    }

    private func recorder(cellsMax: Int = CellRecorder.cellsMax, stoppedAt: Timestamp? = nil) -> CellRecorder {
        CellRecorder(
            writer: CellWriter(store), stoppedAt: stoppedAt, cellsMax: cellsMax, counters: counters,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { CoreFeed.start })
    }

    /// Runs a core, whose cells are taken every 20 s and stored each minute, but for a stretch in which nobody stores.
    private func run(
        _ core: inout DetectionCore, _ recorder: CellRecorder, from: Timestamp, to: Timestamp,
        stalled: ClosedRange<Int>? = nil
    ) async -> [CoreFeed.Change] {
        core.keepsCells = true
        recorder.take(&core, at: from)
        var changes: [CoreFeed.Change] = []
        var second = from
        while second < to {
            let next = min(to, second + .seconds(20))
            changes += feed.run(&core, from: second, to: next)
            recorder.take(&core, at: next)
            let passed = Int((next - CoreFeed.start).inSeconds)
            if passed % 60 == 0, stalled?.contains(passed) != true { await recorder.store(isLast: false) }
            second = next
        }
        await recorder.store(isLast: true)
        return changes
    }

    private func replayed() async throws -> (changes: [CoreFeed.Change], summary: CellReplay.Summary) {
        let thresholds = feed.thresholds
        let replay = CellReplay(
            store,
            .init(from: CoreFeed.start, to: end + .seconds(60), lead: .zero, isOther: false) {
                thresholds.checks(for: $0)
            })
        var found: [Finding] = []
        while let part = try await replay.next() { found += part }
        return (found.filter { $0.phase != .ongoing }.map { CoreFeed.Change($0, $0.phase) }, await replay.summary)
    }

    @Test func theCellsOfARunReplayToItsFindings() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var core = feed.core(at: CoreFeed.start)
        let live = await run(&core, recorder(), from: CoreFeed.start, to: end)
        let (changes, summary) = try await replayed()
        #expect(changes == live && live.count == 6)
        #expect(summary.gaps.isEmpty && UInt64(summary.cells) == core.points && summary.hasState)
        #expect(counters.snapshot.cellsStored == core.points && counters.snapshot.cellsLost == 0)
    }

    @Test func whatFindsNoRoomIsOneGapAndTheReplayGoesOnAsTheRunDid() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var core = feed.core(at: CoreFeed.start)
        // Nobody stores for eight minutes, in which the first database goes away and comes back.
        let live = await run(
            &core, recorder(cellsMax: 200), from: CoreFeed.start, to: end, stalled: 540...1020)
        let (changes, summary) = try await replayed()
        let gap = try #require(summary.gaps.first)
        #expect(summary.gaps.count == 1 && gap.cells > 100 && UInt64(gap.cells) == counters.snapshot.cellsLost)
        #expect(counters.snapshot.cellsStored + counters.snapshot.cellsLost == core.points)
        #expect(changes == live.filter { $0.at < gap.from || $0.at > gap.to } && changes.count < live.count)
        #expect(changes.contains { $0.check == "error-rate" && $0.phase == .closed })
    }

    @Test func anotherStartIsAGapFromWhereTheLastRunEnded() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let half = CoreFeed.start + .seconds(1300)
        var core = feed.core(at: CoreFeed.start)
        var live = await run(&core, recorder(), from: CoreFeed.start, to: half)
        let stoppedAt = try await store.sizes().newest
        let next = CellRecorder(
            writer: CellWriter(store), stoppedAt: stoppedAt, counters: counters,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { half })
        // A core that goes on with the same state, as a restart's own does.
        live += await run(&core, next, from: half, to: end)
        let (changes, summary) = try await replayed()
        #expect(changes == live)
        #expect(summary.gaps.map(\.reason) == ["the coordinator was not running"])
        #expect(summary.gaps.first?.from == stoppedAt && summary.gaps.first?.to == half)
    }

    @Test func otherThresholdsAreNoted() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var core = feed.core(at: CoreFeed.start)
        let recorder = recorder()
        _ = await run(&core, recorder, from: CoreFeed.start, to: CoreFeed.start + .seconds(300))
        recorder.noteThresholds()
        _ = await run(
            &core, recorder, from: CoreFeed.start + .seconds(300), to: CoreFeed.start + .seconds(400))
        let (_, summary) = try await replayed()
        #expect(summary.thresholdsChangedAt == [CoreFeed.start + .seconds(300)])
    }
}
