import CellCodec
import CellStore
import Detection
import Foundation
import GRDB
import SQLiteFile
import Scenarios
import Signals
import Telemetry
import Testing

@Suite struct CellReplayTests {
    private let folder: TemporaryFolder
    private let store: CellStore

    init() throws {
        folder = try TemporaryFolder()
        store = try CellStore(directory: folder.path)
    }

    private static let forever = Timestamp(millis: 0)...Timestamp(millis: 1 << 50)

    private func replay(
        _ range: ClosedRange<Timestamp> = forever, lead: Duration = .zero, isOther: Bool = false,
        checks: [Check] = ShippedChecks.all
    ) -> CellReplay {
        CellReplay(
            store,
            .init(from: range.lowerBound, to: range.upperBound, lead: lead, isOther: isOther) { _ in checks })
    }

    private func write(
        _ inputs: [CellWriter.Input], configuration: CellWriter.Configuration = .init(points: 2000)
    ) async -> CellWriter.Outcome {
        await CellWriter(store, configuration: configuration).take(inputs, now: Afternoon.start, isLast: true)
    }

    /// The whole afternoon, live.
    private func afternoon(checks: [Check] = ShippedChecks.all, anchorAt: Int? = nil) -> LiveBank {
        var live = LiveBank(DetectorBank(checks: checks), at: Afternoon.start)
        for cell in 1...Afternoon.cells {
            live.judge(Afternoon.points(of: cell), at: Afternoon.time(of: cell))
            if cell == anchorAt { live.anchor(at: Afternoon.time(of: cell), .day) }
        }
        return live
    }

    @Test func aReplayOfStoredCellsGivesTheFindingsOfTheLiveRun() async throws {
        let live = afternoon()
        let outcome = await write(live.inputs)
        #expect(outcome.failure == nil && outcome.cellsLost == 0 && outcome.blocks > 3)
        #expect(live.findings.contains { $0.phase == .opened } && live.findings.contains { $0.phase == .closed })
        #expect(live.findings.contains { $0.explanation.hasPrefix("Gone") })
        let replay = replay()
        #expect(try await replay.all() == live.findings)
        let summary = await replay.summary
        #expect(summary.hasState && summary.gaps.isEmpty && summary.cells == outcome.cells)
    }

    @Test(arguments: [
        "errors-clear", "latency-one-pod-clear", "heap-leak-clear", "oom-kill-clear", "none-ready-clear",
        "connections-full-clear", "latency-unusual-clear", "quiet-coordinator-restart", "quiet-deploy",
        "quiet-clock-jump", "quiet-probe-outage", "errors-marginal",
    ])
    func scenariosReplayToTheSameFindings(name: String) async throws {
        let seed: UInt64 = 20_261_125
        let scenario = try #require(ScenarioCatalog.all(seed: seed).first { $0.name == name })
        var world = ScenarioWorld(scenario, seed: seed, noise: try QuietNoise.recorded())
        var inputs: [CellWriter.Input] = []
        var findings: [Finding] = []
        var cells = 0
        inputs.append(.anchor(DetectorBank(checks: ShippedChecks.all), at: Afternoon.start, reason: .start))
        world.observe = { event in
            switch event {
            case .began(let bank):
                inputs.append(.gap(from: Afternoon.start, to: Afternoon.start, cells: 0, reason: "restart"))
                inputs.append(.anchor(bank, at: Afternoon.start, reason: .start))
            case .judged(let points, let time, let found):
                var tape = CellTape()
                tape.append(points)
                tape.appendSweep(at: time)
                inputs.append(.tape(tape))
                findings += found
                cells += points.count
            }
        }
        _ = world.run()
        let outcome = await write(inputs)
        #expect(outcome.cells == cells && cells > 1000)
        let replay = replay()
        #expect(try await replay.all() == findings)
    }

    @Test func aRangeBeginsWithTheStateOfBefore() async throws {
        let live = afternoon(anchorAt: 230)
        _ = await write(live.inputs)
        // The breach of the first service began before the anchor: only the state knows.
        let range = Afternoon.time(of: 231)...Afternoon.time(of: 280)
        let replay = replay(range)
        let expected = live.findings.filter { range.contains($0.at) }
        #expect(!expected.isEmpty)
        #expect(try await replay.all() == expected)
        let summary = await replay.summary
        #expect(summary.startedAt == Afternoon.time(of: 230) && summary.cells < 60 * 36 + 2000)
    }

    /// What retention leaves may begin with blocks whose anchor is gone.
    @Test func withoutAnAnchorTheDetectorsKnowNothingUntilTheNextOne() async throws {
        let live = afternoon(anchorAt: 430)
        var inputs = live.inputs
        inputs.removeFirst()
        _ = await write(inputs)
        let cold = replay(Afternoon.time(of: 1)...Afternoon.time(of: 900))
        _ = try await cold.all()
        #expect(await !cold.summary.hasState)
        // Service 1 went away while it failed: its end, ten minutes after the last cell, is known from the state alone.
        let range = Afternoon.time(of: 440)...Afternoon.time(of: 900)
        let known = replay(range)
        #expect(try await known.all() == live.findings.filter { range.contains($0.at) })
        #expect(await known.summary.hasState)
    }

    @Test func otherThresholdsFindOtherThings() async throws {
        let live = afternoon()
        _ = await write(live.inputs)
        var check = try #require(ShippedChecks.all.first { $0.name == "error-rate" })
        check.enter = 0.9
        check.leave = 0.8
        let none = try await replay(isOther: true, checks: [check]).all()
        #expect(none.isEmpty)
        check.enter = 0.05
        check.leave = 0.01
        check.holdFor = .zero
        let early = try await replay(isOther: true, checks: [check]).all()
        let usual = live.findings.first { $0.check == "error-rate" }
        #expect(try #require(early.first).at < #require(usual).at)
        // As a live run with these checks.
        var other = LiveBank(DetectorBank(checks: [check]), at: Afternoon.start)
        for cell in 1...Afternoon.cells { other.judge(Afternoon.points(of: cell), at: Afternoon.time(of: cell)) }
        #expect(early == other.findings)
    }

    @Test func afterAGapTheStateOfTheLiveRunIsTakenUp() async throws {
        var live = LiveBank(DetectorBank(checks: ShippedChecks.all), at: Afternoon.start)
        for cell in 1...Afternoon.cells {
            let (points, time) = (Afternoon.points(of: cell), Afternoon.time(of: cell))
            if (205..<230).contains(cell) {
                live.judgeUnstored(points, at: time)
                if cell == 229 { live.anchor(at: time, .gap) }
            } else {
                live.judge(points, at: time)
            }
        }
        let outcome = await write(live.inputs)
        #expect(outcome.cellsLost > 0)
        let replay = replay()
        let found = try await replay.all()
        let missing = Afternoon.time(of: 204)...Afternoon.time(of: 229)
        #expect(found == live.findings.filter { !missing.contains($0.at) })
        let gaps = await replay.summary.gaps
        #expect(gaps.reduce(0) { $0 + $1.cells } == outcome.cellsLost && gaps.count == 25)
    }

    @Test func aDamagedRowIsAGapUntilTheNextChain() async throws {
        let live = afternoon()
        _ = await write(live.inputs, configuration: .init(points: 500, chainBlocks: 4))
        let all = try await replay().all()
        try await damageRow(7)
        let replay = replay()
        let found = try await replay.all()
        let summary = await replay.summary
        let gap = try #require(summary.gaps.first)
        #expect(summary.gaps.count == 1 && gap.to - gap.from < .seconds(4 * 200) && found.count <= all.count)
        #expect(summary.cells < Afternoon.cells * 36 && summary.cells > Afternoon.cells * 20)
    }

    /// Changes a byte of a row behind the store's back.
    private func damageRow(_ sequence: Int64) async throws {
        let queue = try DatabaseQueue(path: folder.path + "/" + CellStore.fileName)
        try await queue.write { database in
            try database.execute(
                sql: "UPDATE records SET body = substr(body, 1, 20) || x'00' || substr(body, 22) WHERE sequence = ?",
                arguments: [sequence])
        }
    }

    @Test func whatIsNotStoredYetIsAskedForInVain() async throws {
        let replay = replay()
        #expect(try await replay.all() == [])
        let summary = await replay.summary
        #expect(summary.startedAt == nil && !summary.hasState)
    }
}
