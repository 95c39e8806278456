import SampleCodec
import Telemetry
import Testing

@Suite struct SampleBlockLimitsTests {
    private let time = Timestamp(millis: 1)

    private func samples(_ count: Int) -> [Sample] {
        (0..<count).map { Sample(Series("m", ["n": "\($0)"]), time, Double($0)) }
    }

    private static let cases: [(String, SampleBlockLimits)] = [
        ("block bytes", SampleBlockLimits(blockBytes: 300)),
        ("body bytes", SampleBlockLimits(bodyBytes: 400)),
        ("samples", SampleBlockLimits(samples: 99)),
        ("series", SampleBlockLimits(series: 99)),
        ("labels", SampleBlockLimits(labels: 99)),
        ("labels of a series", SampleBlockLimits(labelsPerSeries: 1)),
        ("string bytes", SampleBlockLimits(stringBytes: 9)),
    ]

    /// What the writer refuses to write under a limit, the reader refuses to read under it.
    @Test(arguments: cases.map(\.0)) func bothSidesHoldTheLimit(name: String) throws {
        let limits = try #require(Self.cases.first { $0.0 == name }).1
        var wanted = samples(100)
        if name == "labels of a series" { wanted[50].series.labels["o"] = "two" }
        if name == "string bytes" { wanted[50].series.labels["o"] = "ten letters" }
        #expect(throws: SampleBlockError(.limitExceeded)) { try SampleBlockEncoder(limits: limits).encode(wanted) }
        let block = try SampleBlockEncoder().encode(wanted)
        #expect(throws: SampleBlockError(.limitExceeded)) { try SampleBlockDecoder.decode(block, limits: limits) }
        #expect(try SampleBlockDecoder.decode(block) == wanted)
    }

    @Test func splitsWhatDoesNotFit() throws {
        let limits = SampleBlockLimits(samples: 30, series: 7)
        let wanted = samples(100)
        let batch = SampleBlockEncoder(limits: limits).encodeAll(wanted)
        #expect(batch.refused == 0)
        #expect(batch.blocks.count > 14)
        #expect(try batch.blocks.flatMap { try SampleBlockDecoder.decode($0, limits: limits) } == wanted)
    }

    @Test func refusesOnlyTheSampleThatCannotFit() throws {
        var wanted = samples(20)
        wanted[13].series.metric = String(repeating: "m", count: 5000)
        let batch = SampleBlockEncoder().encodeAll(wanted)
        #expect(batch.refused == 1)
        wanted.remove(at: 13)
        #expect(try batch.blocks.flatMap { try SampleBlockDecoder.decode($0) } == wanted)
        #expect(SampleBlockEncoder().encodeAll([]).blocks.isEmpty)
    }
}

extension SampleBlockError {
    /// An error to compare codes with.
    init(_ code: Code) {
        do {
            _ = try SampleBlockHeader.read([])
            fatalError("no bytes are no block")
        } catch {
            self = error
            self.code = code
        }
    }
}
