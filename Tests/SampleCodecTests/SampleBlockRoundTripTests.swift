import SampleCodec
import Telemetry
import Testing

@Suite struct SampleBlockRoundTripTests {
    private let encoder = SampleBlockEncoder()

    private func expectRoundTrip(_ samples: [Sample], _ note: Comment) throws {
        let block = try encoder.encode(samples)
        let decoded = try SampleBlockDecoder.decode(block)
        #expect(decoded == samples, note)
        #expect(ReferenceDecoder.decode(block) == samples, note)
        let header = try SampleBlockHeader.read(block)
        #expect(header.sampleCount == samples.count, note)
        #expect(header.seriesCount == Set(samples.map(\.series)).count, note)
        #expect(header.minTime == samples.map(\.timestamp).min() ?? Timestamp(millis: 0), note)
        #expect(header.maxTime == samples.map(\.timestamp).max() ?? Timestamp(millis: 0), note)
    }

    @Test func emptyBlock() throws {
        try expectRoundTrip([], "empty")
    }

    @Test func handWrittenBlock() throws {
        let block = BlockBuilder().bytes
        let expected = [Sample(Series("m", ["a": "b"]), Timestamp(millis: 5), 3)]
        #expect(try SampleBlockDecoder.decode(block) == expected)
        #expect(try encoder.encode(expected) == block)
    }

    @Test(arguments: RandomSamples.awkwardValues) func awkwardValue(_ value: Double) throws {
        let series = Series("m")
        let alone = [Sample(series, Timestamp(millis: 1), value)]
        try expectRoundTrip(alone, "\(value.bitPattern)")
        let between = [1.5, value, -2.25, value].map { Sample(series, Timestamp(millis: 1), $0) }
        try expectRoundTrip(between, "\(value.bitPattern)")
    }

    @Test func awkwardTimes() throws {
        let times = RandomSamples.awkwardTimes
        let samples = times.flatMap { first in
            times.map { Sample(Series("m"), Timestamp(millis: first), Double($0 / 3)) }
        }
        try expectRoundTrip(samples, "times")
        try expectRoundTrip(samples.reversed(), "times backwards")
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>) func randomSamples(seed: UInt64) throws {
        var source = RandomSamples(seed: seed)
        try expectRoundTrip(source.chaos(count: Int.random(in: 1...300, using: &source.random)), "seed \(seed)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func roundsOfAProbe(seed: UInt64) throws {
        var source = RandomSamples(seed: seed)
        try expectRoundTrip(source.rounds(6, series: 50), "seed \(seed)")
    }

    @Test(arguments: 0...15) func decimalsTakeOneExponent(decimals: Int) throws {
        // The last place counts up: at its exponent each value is one more than the last, so all differences are 2
        // bytes.
        let power = Double("1e\(decimals)")!
        let samples = (1...64).map { Sample(Series("m"), Timestamp(millis: 1), Double($0 + 1000) / power) }
        try expectRoundTrip(samples, "\(decimals) decimals")
        let header = try SampleBlockHeader.read(encoder.encode(samples))
        #expect(header.bodyBytes < 64 * 3 + 16)
    }

    @Test func sharesWhatRepeats() throws {
        var source = RandomSamples(seed: 11)
        let samples = source.rounds(1, series: 2000)
        let block = try encoder.encode(samples)
        // 2000 series with 3 labels once each, first contact: names, times and values within 12 bytes a sample.
        #expect(block.count < samples.count * 12)
        let more = source.rounds(30, series: 500)
        let backfill = try encoder.encode(more)
        #expect(backfill.count < more.count * 2)
    }

    @Test func encodingIsRepeatable() throws {
        var source = RandomSamples(seed: 3)
        let samples = source.chaos(count: 100)
        #expect(try encoder.encode(samples) == encoder.encode(samples))
    }

    @Test func checksumEqualsTheReference() {
        #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(CRC32.checksum(bytes) == ReferenceDecoder.crc(bytes))
        let first = CRC32.checksum(bytes[..<300])
        #expect(CRC32.checksum(bytes[300...], continuing: first) == CRC32.checksum(bytes))
        #expect(CRC32.checksum([], continuing: first) == first)
    }
}
