import SampleCodec
import Telemetry
import Testing
import TocsinTestKit

@Suite struct SampleBlockDamageTests {
    private static func block(seed: UInt64) throws -> [UInt8] {
        var source = RandomSamples(seed: seed)
        return try SampleBlockEncoder().encode(source.rounds(3, series: 20))
    }

    @Test func everyTruncationIsRejected() throws {
        let block = try Self.block(seed: 1)
        for length in 0..<block.count {
            #expect(throws: SampleBlockError(.truncated), "\(length) bytes") {
                try SampleBlockDecoder.decode(Array(block[..<length]))
            }
        }
        #expect(throws: SampleBlockError(.truncated)) { try SampleBlockDecoder.decode(block + [0]) }
    }

    @Test func everyBitFlipIsRejected() throws {
        let block = try Self.block(seed: 2)
        var accepted: [Int] = []
        for bit in 0..<block.count * 8 {
            var damaged = block
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            if (try? SampleBlockDecoder.decode(damaged)) != nil { accepted.append(bit) }
            if (try? SampleBlockHeader.read(damaged)) != nil { accepted.append(bit) }
        }
        #expect(accepted == [])
        #expect(try !SampleBlockDecoder.decode(block).isEmpty)
    }

    /// Damage under a right checksum: whatever comes of it, it is not a trap and not more samples than the limit.
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func flipsWithRightChecksumDoNotTrap(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let block = try Self.block(seed: seed)
        let builder = BlockBuilder()
        for bit in 0..<block.count * 8 {
            var damaged = Array(block.dropLast(4))
            damaged[min(bit / 8, damaged.count - 1)] ^= 1 << UInt8(bit % 8)
            expectNoTrap(sealed(damaged))
        }
        for _ in 0..<3000 {
            var damaged = builder
            damaged.body[Int.random(in: 0..<damaged.body.count, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            damaged.body[Int.random(in: 0..<damaged.body.count, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            expectNoTrap(damaged.bytes)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func garbageIsRejected(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2000 {
            let garbage = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect((try? SampleBlockDecoder.decode(garbage)) == nil)
            // The same as body of a block whose header and checksum are right.
            let body = BlockBuilder(samples: 4, series: 2, strings: 2, labels: 1, body: garbage)
            expectNoTrap(body.bytes)
            expectNoTrap(body.with { $0.flags = 1 }.bytes)
        }
    }

    private func sealed(_ bytes: [UInt8]) -> [UInt8] {
        bytes + withUnsafeBytes(of: CRC32.checksum(bytes).littleEndian) { Array($0) }
    }

    private func expectNoTrap(_ bytes: [UInt8]) {
        do {
            let decoded = try SampleBlockDecoder.decode(bytes)
            #expect(decoded.count == (try? SampleBlockHeader.read(bytes))?.sampleCount)
        } catch {
            #expect(!error.message.isEmpty && error.offset >= 0)
        }
    }

    @Test func bombIsRejectedBeforeItInflates() throws {
        // 16 MiB of zeros deflate to 16 KiB. The header tells the truth, so the limit must hold.
        let zeros = SampleBlockLimits(bodyBytes: 1 << 20)
        var source = RandomSamples(seed: 4)
        let samples = source.rounds(1, series: 1)
        let many = (0..<400_000).map { _ in samples[0] }
        let bomb = try SampleBlockEncoder().encode(many)
        #expect(bomb.count < 4000)
        #expect(throws: SampleBlockError(.limitExceeded)) { try SampleBlockDecoder.decode(bomb, limits: zeros) }
        // The header lies: more body than it says, then less.
        for lie in [-1, 1] as [Int64] {
            var damaged = Array(bomb.dropLast(4))
            let body = Int64(try SampleBlockHeader.read(bomb).bodyBytes) + lie
            damaged.replaceSubrange(32..<36, with: withUnsafeBytes(of: UInt32(body).littleEndian) { Array($0) })
            #expect(throws: SampleBlockError(.malformed)) { try SampleBlockDecoder.decode(sealed(damaged)) }
        }
        // More than DEFLATE can ever give for so few bytes is refused without trying.
        let impossible = BlockBuilder(flags: 1, bodyBytes: 15 << 20, body: [0x03, 0x00])
        #expect(throws: SampleBlockError(.limitExceeded)) { try SampleBlockDecoder.decode(impossible.bytes) }
    }

    private static let faults: [(String, SampleBlockError.Code, @Sendable (inout BlockBuilder) -> Void)] = [
        ("other magic", .notABlock, { $0.magic = Array("TSBL".utf8) }),
        ("next version", .unsupportedVersion, { $0.version = 3 }),
        ("unknown flag", .unsupportedVersion, { $0.flags = 2 }),
        ("longer header", .unsupportedVersion, { $0.headerSize = 52 }),
        ("bytes behind", .truncated, { $0.trailing = [0] }),
        ("payload size too small", .truncated, { $0.payloadBytes = 13 }),
        ("payload size huge", .truncated, { $0.payloadBytes = .max }),
        ("two sizes", .malformed, { $0.bodyBytes = 13 }),
        ("sample count huge", .limitExceeded, { $0.samples = .max }),
        ("more samples than bytes", .limitExceeded, { $0.samples = 5 }),
        ("series without samples", .limitExceeded, { $0.series = 2 }),
        ("samples without series", .malformed, { $0.series = 0 }),
        ("string count huge", .limitExceeded, { $0.strings = .max }),
        ("label count huge", .limitExceeded, { $0.labels = .max }),
        ("labels too few", .malformed, { $0.labels = 0 }),
        ("labels too many", .malformed, { $0.labels = 2 }),
        ("times reversed", .malformed, { $0.minMillis = 6 }),
        (
            "earliest time wrong", .malformed,
            {
                $0.minMillis = 4; $0.body[11] = 4
            }
        ),
        ("latest time wrong", .malformed, { $0.maxMillis = 6 }),
        (
            "no samples but a time", .malformed,
            {
                $0.samples = 0; $0.series = 0
            }
        ),
        ("not UTF-8", .malformed, { $0.body[4] = 0xFF }),
        ("string too long", .limitExceeded, { $0.body.replaceSubrange(0..<1, with: [0xFF, 0x7F]) }),
        ("string longer than the body", .malformed, { $0.body[0] = 100 }),
        ("metric not in the table", .malformed, { $0.body[6] = 3 }),
        ("label not in the table", .malformed, { $0.body[8] = 3 }),
        ("row of no series", .malformed, { $0.body[10] = 2 }),
        ("row before the first series", .malformed, { $0.body[10] = 1 }),
        ("unknown value encoding", .malformed, { $0.body[12] = 17 }),
        (
            "number beyond 64 bits", .malformed,
            { $0.body.replaceSubrange(13..<14, with: [UInt8](repeating: 0xFF, count: 10)) }
        ),
        ("number without end", .malformed, { $0.body[13] = 0x80 }),
        ("bytes behind the columns", .malformed, { $0.body.append(0) }),
        ("empty body", .limitExceeded, { $0.body = [] }),
        (
            "empty label value", .malformed,
            { $0.body = [1, 1, 0, 0x6D, 0x61, 0, 1, 1, 2, 0, 0, 1, 6] }
        ),
        (
            "labels out of order", .malformed,
            {
                $0.labels = 2; $0.body.replaceSubrange(7..<10, with: [2, 2, 1, 1, 2])
            }
        ),
        (
            "label twice", .malformed,
            {
                $0.labels = 2; $0.body.replaceSubrange(7..<10, with: [2, 1, 1, 1, 2])
            }
        ),
    ]

    @Test(arguments: faults.map(\.0)) func malformedBlock(name: String) throws {
        let (_, code, change) = try #require(Self.faults.first { $0.0 == name })
        #expect(throws: SampleBlockError(code)) {
            try SampleBlockDecoder.decode(BlockBuilder().with(change).bytes)
        }
    }

    @Test func errorsSayWhereAndHowMuch() {
        let error = #expect(throws: SampleBlockError.self) {
            try SampleBlockDecoder.decode(BlockBuilder().with { $0.body[8] = 3 }.bytes)
        }
        #expect(error?.offset == 8 && error?.found == 3 && error?.expected == 3)
        #expect(error?.description.contains("at byte 8") == true)
    }
}
