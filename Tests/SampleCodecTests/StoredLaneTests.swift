import SampleCodec
import Telemetry
import Testing

/// What is stored of a lane when some of its samples are not to be.
@Suite struct StoredLaneTests {
    /// Rounds of two series; of the round `number` both have that value.
    private func round(_ number: Int) -> [Sample] {
        let at = Timestamp(millis: Int64(number) * 10_000)
        return [
            Sample(Series("up", ["instance": "orders"]), at, Double(number)),
            Sample(Series("up", ["node": "n1"]), at, Double(number)),
        ]
    }

    private func isOwn(_ sample: Sample) -> Bool { sample.series.labels[LabelName.instance] == nil }

    /// Stores blocks of chains of four, dropping one series in some rounds; gives what a reader of the store sees.
    private func stored(
        rounds: Int, dropping: Set<Int>, seesRewritten: Set<Int>
    ) throws -> [[Sample]] {
        var encoder = SampleBlockChainEncoder(blocksPerChain: 4)
        var decoder = SampleBlockChainDecoder()
        var lane = StoredLane()
        var start: UInt64 = 0
        var read: [[Sample]] = []
        var reader = SampleBlockChainDecoder()
        for number in 1...rounds {
            let samples = round(number)
            let block = try encoder.encode(samples)
            let chains = decoder.chainsRead
            _ = try decoder.decode(block)
            if decoder.chainsRead != chains { start = UInt64(number) }
            let kept = dropping.contains(number) ? samples.filter(isOwn) : nil
            let stored = lane.rewritten(chainStart: start, kept: kept) { samples }
            #expect((stored != nil) == seesRewritten.contains(number), "\(number)")
            #expect(stored?.lost ?? 0 == 0)
            read.append(try reader.decode(stored?.block ?? block))
        }
        return read
    }

    @Test func `what is kept whole is stored as it came`() throws {
        #expect(try stored(rounds: 9, dropping: [], seesRewritten: []) == (1...9).map(round))
    }

    @Test(
        arguments: [
            ([2], [2, 3, 4]), ([1], [1, 2, 3, 4]), ([4], [4]), ([5], [5, 6, 7, 8]), ([4, 5, 9], [4, 5, 6, 7, 8, 9]),
        ] as [(Set<Int>, Set<Int>)])
    func `a block that loses samples, and what builds on it, stands alone; the next chain is as it came`(
        dropping: Set<Int>, rewritten: Set<Int>
    ) throws {
        let read = try stored(rounds: 9, dropping: dropping, seesRewritten: rewritten)
        #expect(read == (1...9).map { dropping.contains($0) ? round($0).filter(isOwn) : round($0) })
    }

    @Test func `a block of which nothing is kept is an empty one`() throws {
        var lane = StoredLane()
        let stored = try #require(lane.rewritten(chainStart: 1, kept: []) { [] })
        #expect(try SampleBlockDecoder.decode(stored.block) == [] && stored.lost == 0)
        // A block that stands alone by itself does not touch the chain.
        #expect(lane.rewritten(chainStart: nil, kept: nil) { [] } == nil)
        let lone = try #require(lane.rewritten(chainStart: nil, kept: round(2)) { [] })
        #expect(try SampleBlockDecoder.decode(lone.block) == round(2))
        let next = try #require(lane.rewritten(chainStart: 1, kept: nil) { round(3) })
        #expect(try SampleBlockDecoder.decode(next.block) == round(3))
        #expect(lane.rewritten(chainStart: 9, kept: nil) { [] } == nil)
    }

    @Test func `what does not fit is counted`() throws {
        var lane = StoredLane(limits: SampleBlockLimits(samples: 2))
        let many = round(1) + round(2) + round(3)
        let stored = try #require(lane.rewritten(chainStart: 1, kept: many) { [] })
        #expect(stored.lost == 5)
        #expect(try SampleBlockDecoder.decode(stored.block) == [many[0]])
        var tiny = StoredLane(limits: SampleBlockLimits(stringBytes: 1))
        let none = try #require(tiny.rewritten(chainStart: 1, kept: many) { [] })
        #expect(try SampleBlockDecoder.decode(none.block) == [] && none.lost == 6)
    }
}
