import CellCodec
import Foundation
import SampleCodec
import Scenarios
import Signals
import Telemetry
import Testing

@Suite struct CellBlockTests {
    /// Blocks of a chain, and what was put into them.
    private func chain(seed: UInt64, blocks: Int = 4, records: Int = 120) -> (blocks: [[UInt8]], tape: CellTape) {
        var tapes = CellTapes(seed: seed)
        var encoder = CellBlockEncoder()
        var all = CellTape()
        var sealed: [[UInt8]] = []
        for _ in 0..<blocks {
            let tape = tapes.tape(records: records)
            all.append(tape)
            #expect(encoder.append(tape) == 0)
            if let block = encoder.seal() { sealed.append(block) }
        }
        return (sealed, all)
    }

    @Test(arguments: 1...40)
    func everyBitComesBackInTheSameOrder(seed: Int) throws {
        let (blocks, tape) = chain(seed: UInt64(seed))
        var decoder = CellBlockDecoder()
        var read = CellTape()
        for block in blocks { try decoder.decode(block, onto: &read) }
        #expect(read.points.count == tape.points.count)
        for (index, (point, other)) in zip(read.points, tape.points).enumerated() where point.bits != other.bits {
            Issue.record("cell \(index): \(point.bits) is not \(other.bits)")
            return
        }
        #expect(read.sweeps == tape.sweeps)
    }

    @Test func everyTruncationAndEveryFlippedBitIsRefused() throws {
        let (blocks, _) = chain(seed: 7, blocks: 2, records: 6)
        var first = CellBlockDecoder()
        var tape = CellTape()
        try first.decode(blocks[0], onto: &tape)
        let cells = tape.points.count
        for block in [blocks[0], blocks[1]] {
            for length in 0..<block.count {
                var decoder = first
                #expect(throws: CellBlockError.self) { try decoder.decode(Array(block[..<length]), onto: &tape) }
            }
            for bit in 0..<block.count * 8 {
                var damaged = block
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                var decoder = first
                #expect(throws: CellBlockError.self) { try decoder.decode(damaged, onto: &tape) }
            }
        }
        #expect(tape.points.count == cells, "nothing of what is refused is kept")
    }

    /// Damage behind the checksum: any outcome but a trap, and no more cells than the block says.
    @Test(arguments: 1...20)
    func whatTheChecksumDoesNotCatchTrapsNothing(seed: Int) throws {
        let (blocks, _) = chain(seed: UInt64(seed), blocks: 1, records: 30)
        var random = ScenarioRandom(seed: UInt64(seed), name: "damage")
        for _ in 0..<300 {
            var block = Array(blocks[0].dropLast(4))
            for _ in 0...Int(random.unit() * 3) {
                block[Int(random.unit() * Double(block.count))] ^= UInt8(random.unit() * 255)
            }
            let checksum = CRC32.checksum(block)
            block += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }
            var decoder = CellBlockDecoder()
            var tape = CellTape()
            do {
                try decoder.decode(block, onto: &tape)
            } catch {
                #expect(tape.isEmpty)
            }
        }
    }

    @Test func aBlockOutOfItsPlaceIsRefusedUntilTheNextChain() throws {
        let (blocks, _) = chain(seed: 3)
        let (others, _) = chain(seed: 4)
        var tape = CellTape()
        var decoder = CellBlockDecoder()
        #expect(throws: CellBlockError.self) { try decoder.decode(blocks[1], onto: &tape) }
        try decoder.decode(blocks[0], onto: &tape)
        var skipping = decoder
        #expect(throws: CellBlockError.self) { try skipping.decode(blocks[2], onto: &tape) }
        #expect(throws: CellBlockError.self) { try skipping.decode(blocks[1], onto: &tape) }
        var mixing = decoder
        #expect(throws: CellBlockError.self) { try mixing.decode(others[1], onto: &tape) }
        try mixing.decode(others[0], onto: &tape)
        try decoder.decode(blocks[1], onto: &tape)
    }

    @Test func theHeaderTellsTheSpanWithoutTheRest() throws {
        let (blocks, _) = chain(seed: 5, blocks: 1)
        var decoder = CellBlockDecoder()
        var tape = CellTape()
        try decoder.decode(blocks[0], onto: &tape)
        let header = try CellBlockHeader(of: blocks[0])
        let times = tape.points.map(\.at) + tape.sweeps.map(\.at)
        #expect(header.from == times.min() && header.to == times.max() && header.points == tape.points.count)
        #expect(throws: CellBlockError.self) { try CellBlockHeader(of: Array(blocks[0].dropLast())) }
    }

    @Test func whatTheFormHasNoPlaceForIsCountedAndLeftOut() throws {
        var point = SignalPoint(
            subject: Subject(cluster: "c", kind: .node, path: "node/a"), signal: .nodeReady,
            at: Timestamp(millis: 10_000), step: .seconds(10), value: 1, valueIfMissingHealthy: 1,
            coverage: Coverage(present: 1, expected: 1))
        var tape = CellTape()
        tape.append([point])
        point.step = .microseconds(1)
        tape.append([point])
        point.step = .seconds(10)
        point.subject.path = String(repeating: "x", count: 5000)
        tape.append([point])
        var encoder = CellBlockEncoder()
        #expect(encoder.append(tape) == 2)
        let sealed = encoder.seal()
        let block = try #require(sealed)
        var decoder = CellBlockDecoder()
        var read = CellTape()
        try decoder.decode(block, onto: &read)
        #expect(read.points == [tape.points[0]])
        #expect(encoder.seal() == nil)
    }

    @Test func limitsHoldBeforeMemoryIsTaken() {
        let (blocks, tape) = chain(seed: 6, blocks: 1)
        var tooMany = CellBlockDecoder(limits: CellBlockLimits(points: tape.points.count - 1))
        var tooLarge = CellBlockDecoder(limits: CellBlockLimits(blockBytes: blocks[0].count - 1))
        var tooManyNames = CellBlockDecoder(limits: CellBlockLimits(names: 3))
        var read = CellTape()
        #expect(throws: CellBlockError.self) { try tooMany.decode(blocks[0], onto: &read) }
        #expect(throws: CellBlockError.self) { try tooLarge.decode(blocks[0], onto: &read) }
        #expect(throws: CellBlockError.self) { try tooManyNames.decode(blocks[0], onto: &read) }
        #expect(read.isEmpty)
    }

    // MARK: Size

    /// Idle services of three pods, whose answers come at times that vary by milliseconds.
    @Test func quietCellsTakeAFractionOfAByte() throws {
        var random = ScenarioRandom(seed: 1, name: "quiet")
        let signals: [SignalName] = [
            .errorRatio, .requestRate, .latencyMeanSeconds, .heapLiveRatio, .gcOverhead, .workingSetRatio, .oomKills,
            .restarts, .readyRatio, .healthUp, .poolPending, .probeUp,
        ]
        var encoder = CellBlockEncoder()
        var (bytes, cells) = (0, 0)
        for cell in 1...360 {
            var tape = CellTape()
            for service in 0..<20 {
                let at = Timestamp(millis: 1_795_478_400_000 + Int64(cell) * 10_000)
                let known = at - .milliseconds(2000 + Int64(random.unit() * 30))
                tape.append(
                    signals.map { signal in
                        let value: Double? = signal == .errorRatio || signal == .latencyMeanSeconds ? nil : 1
                        var point = SignalPoint(
                            subject: Subject(cluster: "c", kind: .workload, path: "shop/Deployment/service-\(service)"),
                            signal: signal, at: at, step: .seconds(10), value: value, valueIfMissingHealthy: value,
                            coverage: Coverage(present: 3, expected: 3),
                            contributions: (0..<(value == nil ? 0 : 3)).map { pod in
                                Contribution(contributor: "service-\(service)-7d9c-\(pod)", value: 1)
                            })
                        point.knownAt = known
                        return point
                    })
            }
            cells += tape.points.count
            _ = encoder.append(tape)
            if cell % 6 == 0 { bytes += encoder.seal()?.count ?? 0 }
        }
        #expect(Double(bytes) / Double(cells) < 0.2, "\(bytes) bytes for \(cells) cells")
    }

    // MARK: Golden blocks

    /// The seeds of the fuzzer are blocks of version 1: whatever comes later must read them as what they were.
    @Test(arguments: [1, 2, 3])
    func blocksOfVersionOneStayReadable(seed: Int) throws {
        var tapes = CellTapes(seed: UInt64(seed), subjects: seed)
        var encoder = CellBlockEncoder(isDeflating: seed == 1)
        var file: [UInt8] = []
        var expected = CellTape()
        for _ in 0..<3 {
            let tape = tapes.tape(records: 5)
            expected.append(tape)
            _ = encoder.append(tape)
            guard let block = encoder.seal() else { continue }
            file += [UInt8(block.count & 255), UInt8(block.count >> 8)] + block
        }
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzz/CellFuzz/corpus/chain-\(seed)")
        if ProcessInfo.processInfo.environment["TOCSIN_REWRITE_GOLDEN"] != nil { try Data(file).write(to: path) }
        var rest = [UInt8](try Data(contentsOf: path))[...]
        var decoder = CellBlockDecoder()
        var read = CellTape()
        while !rest.isEmpty {
            let length = Int(rest.removeFirst()) | Int(rest.removeFirst()) << 8
            try decoder.decode(Array(rest.prefix(length)), onto: &read)
            rest = rest.dropFirst(length)
        }
        #expect(read.points.map(\.bits) == expected.points.map(\.bits))
        #expect(read.sweeps == expected.sweeps && read.points.count > 10)
    }
}
