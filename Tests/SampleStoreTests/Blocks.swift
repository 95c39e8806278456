import Foundation
import SQLiteFile
import SampleCodec
import SampleStore
import Selectors
import Telemetry

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
            receivedAt: time(receivedAt), payload: try payload ?? SampleBlockEncoder().encode(samples),
            chainStart: chainStart)
    }

    /// A frame of one sample at its sequence times ten seconds.
    static func frame(_ key: SessionKey, _ sequence: UInt64) throws -> IncomingFrame {
        try frame(key, sequence, [sample("up", Int64(sequence) * 10, Double(sequence), ["node": key.node])])
    }

    /// Frames of one session as an agent sends them: chains of blocks, with the series that each defines.
    static func chain(
        _ key: SessionKey, from first: UInt64 = 1, rounds: [[Sample]], blocksPerChain: Int = 60, receivedAt: Int64 = 0
    ) throws -> [IncomingFrame] {
        var encoder = SampleBlockChainEncoder(blocksPerChain: blocksPerChain)
        var decoder = SampleBlockChainDecoder()
        var start = first
        return try rounds.enumerated().map { index, samples in
            let payload = try encoder.encode(samples)
            let (chains, count) = (decoder.chainsRead, decoder.series.count)
            _ = try decoder.decode(payload)
            if decoder.chainsRead != chains { start = first + UInt64(index) }
            var frame = try frame(
                key, first + UInt64(index), samples, receivedAt: receivedAt, payload: payload, chainStart: start)
            frame.definitions = decoder.series.dropping(first: decoder.chainsRead == chains ? count : 0)
            return frame
        }
    }

    static func open(_ folder: TemporaryFolder, fileBytesMax: Int? = nil) throws -> SampleStore {
        try SampleStore(directory: folder.path, fileBytesMax: fileBytesMax)
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
            selector: try SeriesSelector(selector), from: Fleet.time(from), to: Fleet.time(to), step: step)
        adjust(&query)
        let report = try await self.query(query) { await basket.add($0) }
        return (await basket.joined, report)
    }
}
