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
        var lane = LaneDecoder(limits: .default, stream: 1)
        var starts: [UInt64?] = []
        for sequence in 1...7 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            // Frame 4 is of an agent that writes version 1 in between: it disturbs no chain.
            let block =
                try sequence == 4 ? SampleBlockEncoder().encode(samples) : encoder.encode(samples)
            #expect(try Array(lane.samples(of: block, sequence: sequence)) == samples)
            starts.append(lane.chainStart)
        }
        #expect(starts == [1, 1, 1, nil, 5, 5, 5])
    }

    @Test("After a missing block the chain is refused until a new one starts, and no value is wrong")
    func missingBlock() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, stream: 1)
        let blocks = try (1...4).map { try encoder.encode(round($0)) }
        _ = try lane.samples(of: blocks[0], sequence: 1)
        #expect(try refusal { _ = try lane.samples(of: blocks[2], sequence: 3) } == .chainBroken)
        #expect(try Array(lane.samples(of: blocks[3], sequence: 4)) == round(4))
        #expect(lane.chainStart == 4)
    }

    @Test("A block that is stored in part stands alone, and so does what builds on it, with all of its series")
    func storedInPart() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, seriesMax: 4, stream: 1)
        for sequence in 1...7 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            let judged = try lane.samples(of: encoder.encode(samples), sequence: sequence)
            #expect(Array(judged) == Array(samples.prefix(4)))
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
        var lane = LaneDecoder(limits: .default, stream: 1)
        _ = try lane.samples(of: try encoder.encode(round(1)), sequence: 1)
        _ = try encoder.encode(round(2))
        lane.passOver()
        let next = try encoder.encode(round(3))
        #expect(try refusal { _ = try lane.samples(of: next, sequence: 3) } == .chainBroken)
    }

    @Test("Damage and excess are told apart")
    func damage() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, stream: 1)
        var block = try encoder.encode(round(1))
        block[block.count / 2] ^= 1
        #expect(try refusal { _ = try lane.samples(of: block, sequence: 1) } == .corrupt)
        let large = try SampleBlockChainEncoder.oneBlock(round(1))
        var small = LaneDecoder(limits: SampleBlockLimits(samples: 4), stream: 1)
        #expect(try refusal { _ = try small.samples(of: large, sequence: 1) } == .tooLarge)
    }

    @Test("Series beyond the limit of an agent are left out and counted")
    func tooManySeries() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, seriesMax: 3, stream: 1)
        for number in 1...2 {
            let samples = round(number)
            #expect(
                try Array(lane.samples(of: try encoder.encode(samples), sequence: UInt64(number)))
                    == Array(samples.prefix(3)))
        }
        #expect(lane.samplesRefused == 4)
    }

    @Test("Series that are one too many for an agent's hour are neither handed on nor stored, whatever builds on them")
    func seriesLeftOut() throws {
        var encoder = encoder
        var lane = LaneDecoder(limits: .default, stream: 1)
        for sequence in 1...3 as ClosedRange<UInt64> {
            let samples = round(Int(sequence))
            let kept = [samples[0], samples[2], samples[3], samples[4]]
            let block = try encoder.encode(samples)
            #expect(try Array(lane.samples(of: block, sequence: sequence) { _ in [1] }) == kept)
            let stored = lane.rewritten(keeping: nil)
            #expect(try stored.map { try SampleBlockDecoder.decode($0.block) } == kept)
            #expect(lane.definitions == nil && lane.chainStart == nil)
        }
        #expect(lane.samplesLeftOut == 3 && lane.samplesRefused == 0)
        let alone = round(9)
        let block = try SampleBlockEncoder().encode(alone)
        #expect(try Array(lane.samples(of: block, sequence: 9) { _ in [0, 4] }) == Array(alone[1...3]))
        let stored = lane.rewritten(keeping: nil)
        #expect(try stored.map { try SampleBlockDecoder.decode($0.block) } == Array(alone[1...3]))
        #expect(lane.samplesLeftOut == 5)
    }

    @Test("Numbers of series mean the same in all blocks of a chain, and nothing else in any other chain or stream")
    func numberings() throws {
        var encoder = encoder
        var lanes = [LaneDecoder(limits: .default, stream: 1), LaneDecoder(limits: .default, stream: 2)]
        var series: [SampleBatch.Numbering: SeriesList] = [:]
        for sequence in 1...8 as ClosedRange<UInt64> {
            // A series more in each round, and others in each chain.
            let samples = (0..<Int(sequence)).map {
                Sample(Series("s\(Int(sequence - 1) / 3)-\($0)"), Timestamp(millis: Int64(sequence) * 1000), 1)
            }
            let block = try encoder.encode(samples)
            for lane in lanes.indices {
                let batch = try lanes[lane].samples(of: block, sequence: sequence)
                let numbering = try #require(batch.numbering)
                let before = series[numbering] ?? []
                #expect(batch.series.starts(with: before))
                #expect(batch.series.count == Int(sequence) && Array(batch) == samples)
                series[numbering] = batch.series
            }
        }
        #expect(Set(series.keys.map(\.stream)) == [1, 2])
        #expect(series.count == 6)
        let alone = try lanes[0].samples(of: SampleBlockEncoder().encode(round(1)), sequence: 9)
        #expect(alone.numbering == nil)
    }

    @Test("A chain that begins with all series of the one before goes on with its numbers, another order does not")
    func numberingGoesOn() throws {
        var encoder = SampleBlockChainEncoder(blocksPerChain: 2)
        var lane = LaneDecoder(limits: .default, stream: 1)
        var frames: [UInt64?] = []
        for sequence in 1...10 as ClosedRange<UInt64> {
            var samples = round(Int(sequence))
            // From the second chain on one series more, from the fourth on backwards, in the last one a series less.
            if sequence > 2 { samples.append(Sample(Series("new"), Timestamp(millis: 1), 1)) }
            if sequence > 6 { samples.reverse() }
            if sequence > 8 { samples.removeLast() }
            let batch = try lane.samples(of: encoder.encode(samples), sequence: sequence)
            #expect(Array(batch) == samples)
            frames.append(batch.numbering?.frame)
        }
        #expect(frames == [1, 1, 1, 1, 1, 1, 7, 7, 9, 9])
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
