import Foundation
import SQLiteFile
import SampleStore
import Telemetry

/// Blocks in a plain form, for a store that takes any decoder.
///
/// A block that starts with `>` builds on the one before it, whose last line it repeats.
enum Block {
    struct Damaged: Error {}

    struct Decoder: FrameDecoder {
        private var last: Substring?

        mutating func decode(_ bytes: [UInt8]) throws -> [Sample] {
            var text = Substring(String(decoding: bytes, as: UTF8.self))
            if text.first == ">" {
                let lines = text.dropFirst().split(separator: "\n", maxSplits: 1)
                guard lines.count == 2, lines.first == last else { throw Damaged() }
                text = lines[1]
            }
            let samples = try Block.decode(Array(text.utf8))
            last = text.split(separator: "\n").last
            return samples
        }
    }

    /// The block of `samples` that can be decoded only right after the block of `previous`.
    static func encode(_ samples: [Sample], after previous: [Sample]) -> [UInt8] {
        Array(">".utf8) + encode(previous.suffix(1)) + Array("\n".utf8) + encode(samples)
    }

    static func encode(_ samples: [Sample]) -> [UInt8] {
        let lines = samples.map { sample in
            let labels = sample.series.labels.labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
            return "\(sample.series.metric)|\(labels)|\(sample.timestamp.millis)|\(sample.value.bitPattern)"
        }
        return Array(lines.joined(separator: "\n").utf8)
    }

    @Sendable static func decode(_ bytes: [UInt8]) throws -> [Sample] {
        try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let parts = line.split(separator: "|", omittingEmptySubsequences: false)
            guard parts.count == 4, let millis = Int64(parts[2]), let bits = UInt64(parts[3]) else { throw Damaged() }
            let labels = parts[1].split(separator: ",").compactMap { pair -> Label? in
                let halves = pair.split(separator: "=")
                return halves.count == 2 ? Label(String(halves[0]), String(halves[1])) : nil
            }
            return Sample(
                Series(String(parts[0]), LabelSet(labels)), Timestamp(millis: millis), Double(bitPattern: bits))
        }
    }
}

/// Frames and samples of a few agents.
enum Fleet {
    static func time(_ seconds: Int64) -> Timestamp { Timestamp(millis: seconds * 1000) }

    static func key(_ node: String, session: UInt8 = 1, cluster: String = "alpha") -> SessionKey {
        SessionKey(cluster: cluster, node: node, session: Array(repeating: session, count: 16))
    }

    static func sample(_ metric: String, _ seconds: Int64, _ value: Double, _ labels: LabelSet = [:]) -> Sample {
        Sample(Series(metric, labels), time(seconds), value)
    }

    static func frame(
        _ key: SessionKey, _ sequence: UInt64, _ samples: [Sample], receivedAt: Int64 = 0, payload: [UInt8]? = nil,
        chainStart: UInt64? = nil
    ) throws -> IncomingFrame {
        let times = samples.map(\.timestamp)
        return try IncomingFrame(
            key: key, sequence: sequence, kind: .sampleBlock, from: times.min() ?? time(0), to: times.max() ?? time(0),
            receivedAt: time(receivedAt), payload: payload ?? Block.encode(samples),
            chainStart: chainStart)
    }

    /// A frame of one sample at its sequence times ten seconds.
    static func frame(_ key: SessionKey, _ sequence: UInt64) throws -> IncomingFrame {
        try frame(key, sequence, [sample("up", Int64(sequence) * 10, Double(sequence), ["node": key.node])])
    }

    static func open(_ folder: TemporaryFolder, fileBytesMax: Int? = nil) throws -> SampleStore {
        try SampleStore(directory: folder.path, fileBytesMax: fileBytesMax) { Block.Decoder() }
    }
}

/// Gathers the chunks of a query.
actor Basket {
    private(set) var chunks: [SeriesChunk] = []

    func add(_ chunk: SeriesChunk) {
        chunks.append(chunk)
    }

    /// The parts of each series joined, as `cluster/series` to (seconds, value).
    var joined: [String: [[Double]]] {
        chunks.reduce(into: [:]) { joined, chunk in
            joined["\(chunk.cluster)/\(chunk.series)", default: []] += zip(chunk.timestamps, chunk.values)
                .map { [$0.seconds, $1] }
        }
    }
}

extension SampleStore {
    /// Runs a query and gives its joined answer and its report.
    func answer(
        _ selector: String, from: Int64, to: Int64, step: Duration? = nil,
        adjust: (inout SampleQuery) -> Void = { _ in }
    ) async throws -> ([String: [[Double]]], QueryReport) {
        let basket = Basket()
        var query = SampleQuery(
            selector: try Selector(selector), from: Fleet.time(from), to: Fleet.time(to), step: step)
        adjust(&query)
        let report = try await self.query(query) { await basket.add($0) }
        return (await basket.joined, report)
    }
}

/// SplitMix64 (S.
///
/// Vigna, https://prng.di.unimi.it/splitmix64.c).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
