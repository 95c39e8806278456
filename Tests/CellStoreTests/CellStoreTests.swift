import CellCodec
import CellStore
import Detection
import Foundation
import SQLiteFile
import Scenarios
import Signals
import Telemetry
import Testing

@Suite struct CellStoreTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func time(_ second: Int) -> Timestamp { Afternoon.start + .seconds(second) }

    private func block(_ index: Int, startsChain: Bool, bytes: Int = 100) -> StoredRecord {
        .block(
            [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: bytes), startsChain: startsChain,
            from: time(index * 60), to: time(index * 60 + 59), cells: 10)
    }

    @Test func rowsComeBackInTheirOrderAfterAnotherStart() async throws {
        let records: [StoredRecord] = [
            .anchor([1, 2, 3], at: time(0), reason: .start), block(0, startsChain: true), block(1, startsChain: false),
            .gap(from: time(120), to: time(180), cells: 7, because: "too many"), block(3, startsChain: true),
        ]
        do {
            let store = try CellStore(directory: folder.path)
            try store.append(Array(records[..<2]))
            try store.append(Array(records[2...]))
        }
        let store = try CellStore(directory: folder.path)
        #expect(store.quarantinedPath == nil)
        let start = try #require(try await store.start(for: time(10_000)))
        let rows = try await store.rows(from: start)
        #expect(rows.compactMap(\.record) == records)
        #expect(try await store.rows(from: (rows.last?.sequence ?? 0) + 1).isEmpty)
        let sizes = try await store.sizes()
        #expect(sizes.oldest == time(0) && sizes.newest == time(3 * 60 + 59))
    }

    @Test func aReplayStartsAtTheLastAnchorThatIsNotLater() async throws {
        let store = try CellStore(directory: folder.path)
        #expect(try await store.start(for: time(0)) == nil)
        try store.append([block(0, startsChain: true), .anchor([], at: time(60), reason: .day)])
        try store.append([block(1, startsChain: true), .anchor([], at: time(120), reason: .day)])
        #expect(try await store.start(for: time(59)) == 1)
        #expect(try await store.start(for: time(60)) == 2)
        #expect(try await store.start(for: time(1000)) == 4)
    }

    @Test func retentionByAgeTakesWholeChains() async throws {
        let store = try CellStore(directory: folder.path)
        try store.append((0..<10).map { block($0, startsChain: $0 % 4 == 0) })
        // The second chain, of blocks 4 to 7, has one block that is young enough.
        let report = try await store.enforceRetention(now: time(7 * 60), ageMax: .seconds(1), bytesMax: 1 << 30)
        #expect(report.rowsByAge == 4)
        let rows = try await store.rows(from: 0)
        #expect(rows.first?.record?.startsChain == true && rows.first?.record?.from == time(4 * 60))
        // Of what is all too old the last chain stays: its end tells where a gap begins.
        _ = try await store.enforceRetention(now: time(100_000), ageMax: .seconds(1), bytesMax: 1 << 30)
        #expect(try await store.rows(from: 0).map(\.to) == [time(8 * 60 + 59), time(9 * 60 + 59)])
    }

    @Test func retentionBySizeKeepsTheNewest() async throws {
        let store = try CellStore(directory: folder.path)
        for index in 0..<40 { try store.append([block(index, startsChain: index % 4 == 0, bytes: 50_000)]) }
        let before = try await store.sizes().usedBytes
        #expect(before > 2_000_000)
        let report = try await store.enforceRetention(now: time(0), ageMax: .seconds(1 << 30), bytesMax: 700_000)
        let after = try await store.sizes()
        #expect(after.usedBytes <= 700_000 && report.rowsBySize >= 27 && report.rowsByAge == 0)
        #expect(after.newest == time(39 * 60 + 59))
        #expect(try await store.rows(from: 0).first?.record?.startsChain == true)
    }

    @Test func aFullFileIsSaidAndTheGapIsStoredWhenThereIsRoom() async throws {
        let small = try CellStore(directory: folder.path, fileBytesMax: 160_000)
        let writer = CellWriter(small, configuration: .init(points: 500, chainBlocks: 5))
        var live = LiveBank(DetectorBank(checks: []), at: Afternoon.start)
        var random = ScenarioRandom(seed: 1, name: "noise")
        for cell in 1...200 {
            var points = Afternoon.points(of: cell, services: 10)
            for index in points.indices {
                points[index].value = random.unit()
                for pod in 0..<2 { points[index].contributions[pod].value = random.unit() }
            }
            live.judge(points, at: Afternoon.time(of: cell))
        }
        let outcome = await writer.take(live.inputs, now: Afternoon.start, isLast: true)
        #expect(outcome.failure?.hasPrefix("full") == true)
        #expect(outcome.cellsLost > 0 && outcome.cells > 0)
        // Room again: retention has removed something.
        _ = try await small.enforceRetention(now: Afternoon.start, ageMax: .seconds(1 << 30), bytesMax: 90_000)
        var tape = CellTape()
        tape.append(Afternoon.points(of: 600))
        let later = await writer.take([.tape(tape)], now: Afternoon.time(of: 600), isLast: true)
        #expect(later.failure == nil && later.cells == tape.points.count)
        let rows = try await small.rows(from: 0).compactMap(\.record)
        let gaps = rows.filter { $0.kind == .gap }
        #expect(gaps.reduce(0) { $0 + $1.cells } == outcome.cellsLost && gaps.allSatisfy { $0.note.contains("full") })
        // What follows a gap builds on nothing before it.
        for (gap, next) in zip(rows, rows.dropFirst()) where gap.kind == .gap { #expect(next.startsChain) }
        #expect(rows.last?.kind == .block)
    }

    @Test func aDamagedFileIsSetAsideAndTheNextOneGoesOn() async throws {
        do {
            let store = try CellStore(directory: folder.path)
            try store.append([block(0, startsChain: true)])
        }
        let path = folder.path + "/" + CellStore.fileName
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for index in 0..<min(4096, bytes.count) { bytes[index] = 0xA5 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let store = try CellStore(directory: folder.path)
        #expect(store.quarantinedPath != nil)
        try store.append([block(1, startsChain: true)])
        #expect(try await store.rows(from: 0).count == 1)
    }

    @Test func aStateThatIsNoneIsToldApart() throws {
        var bank = DetectorBank(checks: ShippedChecks.all)
        for cell in 1...260 { _ = bank.process(Afternoon.points(of: cell)) }
        let image = DetectorImage.encode(bank)
        #expect(image.subjects == 6 && image.leftOut == 0)
        let read = try #require(DetectorImage.decode(image.body))
        #expect(read == bank.snapshot)
        for length in 0..<min(image.body.count, 400) {
            #expect(DetectorImage.decode(Array(image.body[..<length])) == nil)
        }
        #expect(DetectorImage.decode([2] + image.body.dropFirst()) == nil)
        let cut = DetectorImage.encode(bank, bytesMax: 60_000)
        #expect(cut.leftOut > 0 && cut.subjects > 0)
        #expect(DetectorImage.decode(cut.body) != nil)
    }
}
