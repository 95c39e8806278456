import IngestWire
import SampleCodec
import Telemetry
import Testing

@testable import CoordinatorApp

/// What a stream's blocks may build on, and what the store is told of it.
struct LaneDecoderTests {
    private var encoder = SampleBlockChainEncoder(blocksPerChain: 3)

    private func round(_ number: Int) -> [Sample] {
        (0..<5).map { series in
            Sample(
                Series("s\(series)", ["node": "a"]), Timestamp(millis: Int64(number) * 1000),
                Double(number * series))
        }
    }

    @Test("Blocks of a chain name the frame that starts it; other blocks name none")
    func chainStarts() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default)
        var starts: [UInt64?] = []
        for sequence in 1...7 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            // Frame 4 is of an agent that writes version 1 in between: it disturbs no chain.
            let block =
                try sequence == 4 ? SampleBlockEncoder().encode(samples) : encoder.encode(samples)
            #expect(try lane.samples(of: block, sequence: sequence) == samples)
            starts.append(lane.chainStart)
        }
        #expect(starts == [1, 1, 1, nil, 5, 5, 5])
    }

    @Test("After a missing block the chain is refused until a new one starts, and no value is wrong")
    func missingBlock() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default)
        let blocks = try (1...4).map { try encoder.encode(round($0)) }
        _ = try lane.samples(of: blocks[0], sequence: 1)
        #expect(try refusal { _ = try lane.samples(of: blocks[2], sequence: 3) } == .chainBroken)
        #expect(try lane.samples(of: blocks[3], sequence: 4) == round(4))
        #expect(lane.chainStart == 4)
    }

    @Test("A block that is stored in part stands alone, and so does what builds on it, with all of its series")
    func storedInPart() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, seriesMax: 4)
        for sequence in 1...7 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            #expect(try lane.samples(of: encoder.encode(samples), sequence: sequence) == Array(samples.prefix(4)))
            let rewritten = lane.rewritten(keeping: sequence == 2 ? { Array($0.dropFirst()) } : nil)
            let block = try rewritten.map { try SampleBlockDecoder.decode($0.block) }
            switch sequence {
            case 2: #expect(block == Array(samples.dropFirst()) && lane.chainStart == nil && lane.definitions == nil)
            case 3: #expect(block == samples && lane.chainStart == nil)
            default: #expect(block == nil && lane.chainStart == (sequence - 1) / 3 * 3 + 1)
            }
        }
    }

    @Test("What builds on a frame that was there already is refused: the store could not read it")
    func repeatedFrame() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default)
        _ = try lane.samples(of: try encoder.encode(round(1)), sequence: 1)
        _ = try encoder.encode(round(2))
        lane.passOver()
        let next = try encoder.encode(round(3))
        #expect(try refusal { _ = try lane.samples(of: next, sequence: 3) } == .chainBroken)
    }

    @Test("Damage and excess are told apart")
    func damage() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default)
        var block = try encoder.encode(round(1))
        block[block.count / 2] ^= 1
        #expect(try refusal { _ = try lane.samples(of: block, sequence: 1) } == .corrupt)
        let large = try SampleBlockChainEncoder.oneBlock(round(1))
        var small = LaneDecoder(limits: SampleBlockLimits(samples: 4))
        #expect(try refusal { _ = try small.samples(of: large, sequence: 1) } == .tooLarge)
    }

    @Test("Series beyond the limit of an agent are left out and counted")
    func tooManySeries() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, seriesMax: 3)
        for number in 1...2 {
            let samples = round(number)
            #expect(
                try lane.samples(of: try encoder.encode(samples), sequence: UInt64(number)) == Array(samples.prefix(3)))
        }
        #expect(lane.samplesRefused == 4)
    }

    @Test("Series that are one too many for an agent's hour are neither handed on nor stored, whatever builds on them")
    func seriesLeftOut() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default)
        for sequence in 1...3 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            let kept = [samples[0], samples[2], samples[3], samples[4]]
            let block = try encoder.encode(samples)
            #expect(try lane.samples(of: block, sequence: sequence) { _ in [1] } == kept)
            let stored = lane.rewritten(keeping: nil)
            #expect(try stored.map { try SampleBlockDecoder.decode($0.block) } == kept)
            #expect(lane.definitions == nil && lane.chainStart == nil)
        }
        #expect(lane.samplesLeftOut == 3 && lane.samplesRefused == 0)
        let alone = round(9)
        let block = try SampleBlockEncoder().encode(alone)
        #expect(try lane.samples(of: block, sequence: 9) { _ in [0, 4] } == Array(alone[1...3]))
        let stored = lane.rewritten(keeping: nil)
        #expect(try stored.map { try SampleBlockDecoder.decode($0.block) } == Array(alone[1...3]))
        #expect(lane.samplesLeftOut == 5)
    }

    private func refusal(_ body: () throws -> Void) throws -> WireError.Code? {
        do {
            try body()
            return nil
        } catch let error as WireError {
            return error.code
        }
    }
}

extension SampleBlockChainEncoder {
    fileprivate static func oneBlock(_ samples: [Sample]) throws -> [UInt8] {
        var encoder = SampleBlockChainEncoder()
        return try encoder.encode(samples)
    }
}
