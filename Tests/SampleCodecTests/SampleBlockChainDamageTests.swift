import SampleCodec
import Telemetry
import Testing
import TocsinTestKit

@Suite struct SampleBlockChainDamageTests {
    private struct Chain {
        var before = SampleBlockChainDecoder()
        var block: [UInt8]
        var samples: [Sample]
    }

    /// A keyframe and a block after it, each with the decoder that would read it.
    private static func chains(seed: UInt64) throws -> [Chain] {
        var source = RandomSamples(seed: seed)
        var encoder = SampleBlockChainEncoder()
        var decoder = SampleBlockChainDecoder()
        return try (0..<3).map { round in
            let samples = source.chaos(count: 6) + source.rounds(2, series: 12 + round)
            let chain = Chain(before: decoder, block: try encoder.encode(samples), samples: samples)
            #expect(try decoder.decode(chain.block) == samples)
            return chain
        }
    }

    private static let codes: [SampleBlockError.Code] = [
        .truncated, .notABlock, .unsupportedVersion, .checksumMismatch, .limitExceeded, .malformed, .chainBroken,
    ]

    @Test func everyTruncationIsRejected() throws {
        for chain in try Self.chains(seed: 1) {
            for length in 0..<chain.block.count {
                var decoder = chain.before
                #expect(throws: SampleBlockError.self) { try decoder.decode(Array(chain.block[..<length])) }
            }
            var decoder = chain.before
            #expect(throws: SampleBlockError(.checksumMismatch)) { try decoder.decode(chain.block + [0]) }
        }
    }

    @Test func everyBitFlipIsRejected() throws {
        for chain in try Self.chains(seed: 2) {
            for bit in 0..<chain.block.count * 8 {
                var damaged = chain.block
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                var decoder = chain.before
                #expect(throws: SampleBlockError.self, "bit \(bit)") { try decoder.decode(damaged) }
                // A damaged block changes nothing: the right one can still be read.
                #expect(try decoder.decode(chain.block) == chain.samples, "bit \(bit)")
            }
        }
    }

    /// Damage under a right checksum: whatever comes of it is no trap.
    @Test(arguments: 1...3 as ClosedRange<UInt64>) func flipsWithRightChecksumDoNotTrap(seed: UInt64) throws {
        for chain in try Self.chains(seed: seed) {
            for bit in stride(from: 48 + Int(seed) % 3, to: (chain.block.count - 4) * 8, by: 6) {
                var damaged = Array(chain.block.dropLast(4))
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                damaged += withUnsafeBytes(of: CRC32.checksum(damaged).littleEndian) { Array($0) }
                var decoder = chain.before
                do {
                    _ = try decoder.decode(damaged)
                } catch {
                    #expect(Self.codes.contains(error.code) && !error.message.isEmpty)
                    // What was refused is never built upon: the right block is read as it is, or refused.
                    if let again = try? decoder.decode(chain.block) { #expect(again == chain.samples) }
                }
            }
        }
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>) func garbageIsRejected(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<3000 {
            var bytes: [UInt8] = Array("TSBK".utf8) + [2, UInt8.random(in: 0...31, using: &random)]
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                bytes.append(UInt8.random(in: 0...255, using: &random))
            }
            bytes += withUnsafeBytes(of: CRC32.checksum(bytes).littleEndian) { Array($0) }
            var decoder = SampleBlockChainDecoder()
            do {
                #expect(try decoder.decode(bytes).count <= SampleBlockLimits.default.samples)
            } catch {
                #expect(Self.codes.contains(error.code))
            }
        }
    }

    @Test func countsAreHeldAgainstTheLimits() throws {
        let samples = (0..<50).map { Sample(Series("m", ["n": "\($0)"]), Timestamp(millis: 1), 1) }
        var encoder = SampleBlockChainEncoder()
        let block = try encoder.encode(samples)
        let limits = [
            SampleBlockLimits(blockBytes: 60), SampleBlockLimits(bodyBytes: 60), SampleBlockLimits(samples: 49),
            SampleBlockLimits(series: 49), SampleBlockLimits(labels: 49), SampleBlockLimits(stringBytes: 1),
        ]
        for limit in limits {
            var (reader, writer) = (SampleBlockChainDecoder(limits: limit), SampleBlockChainEncoder(limits: limit))
            #expect(throws: SampleBlockError(.limitExceeded), "\(limit)") { try reader.decode(block) }
            #expect(throws: SampleBlockError(.limitExceeded), "\(limit)") { try writer.encode(samples) }
        }
    }
}
