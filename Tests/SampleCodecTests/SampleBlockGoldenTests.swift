import Foundation
import SampleCodec
import Telemetry
import Testing

/// Blocks on file, written by the first version of this format: a reader that no longer reads them has broken old
/// agents.
@Suite struct SampleBlockGoldenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/blocks")

    private static let golden: [(String, [Sample])] = [
        ("v1-empty.tsb", []),
        (
            "v1-values.tsb",
            RandomSamples.awkwardValues.enumerated().flatMap { index, value in
                [
                    Sample(Series("alone_\(index)"), Timestamp(millis: Int64(index)), value),
                    Sample(Series("together", ["é": "日本語"]), Timestamp(millis: -Int64(index)), value),
                ]
            }
        ),
        ("v1-times.tsb", RandomSamples.awkwardTimes.map { Sample(Series("t"), Timestamp(millis: $0), 1.25) }),
        (
            "v1-rounds.tsb",
            {
                var source = RandomSamples(seed: 2026)
                return source.rounds(4, series: 60)
            }()
        ),
    ]

    @Test(arguments: golden.map(\.0)) func readsTheBlockOnFile(name: String) throws {
        let samples = try #require(Self.golden.first { $0.0 == name }).1
        let url = Self.folder.appending(path: name)
        if ProcessInfo.processInfo.environment["TOCSIN_WRITE_GOLDEN"] == "1" {
            try Data(SampleBlockEncoder().encode(samples)).write(to: url)
        }
        let bytes = [UInt8](try Data(contentsOf: url))
        #expect(try SampleBlockDecoder.decode(bytes) == samples)
        #expect(ReferenceDecoder.decode(bytes) == samples)
        // Another zlib may deflate to other bytes; the body before it is the same.
        let written = try SampleBlockEncoder().encode(samples)
        #expect(try SampleBlockHeader.read(written) == SampleBlockHeader.read(bytes) || written.count != bytes.count)
        #expect(try SampleBlockHeader.read(written).bodyBytes == SampleBlockHeader.read(bytes).bodyBytes)
    }

    // A chain in one file: each block after four bytes of its length. Values first, then two rounds, then times.
    private static let chain = [golden[1].1, golden[3].1, golden[3].1.reversed(), golden[2].1, golden[0].1]

    @Test func readsTheChainOnFile() throws {
        let url = Self.folder.appending(path: "v2-chain.tsb")
        var encoder = SampleBlockChainEncoder()
        let written = try Self.chain.map { try encoder.encode($0) }
        let stored = written.flatMap { block in
            withUnsafeBytes(of: UInt32(block.count).littleEndian) { Array($0) } + block
        }
        if ProcessInfo.processInfo.environment["TOCSIN_WRITE_GOLDEN"] == "2" { try Data(stored).write(to: url) }
        var rest = [UInt8](try Data(contentsOf: url))[...]
        var decoder = SampleBlockChainDecoder()
        var reference = ReferenceChainDecoder()
        for samples in Self.chain {
            let size = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            let block = Array(rest.dropFirst(4).prefix(size))
            rest = rest.dropFirst(4 + size)
            #expect(try decoder.decode(block) == samples)
            #expect(reference.decode(block) == samples)
        }
        #expect(rest.isEmpty)
    }
}
