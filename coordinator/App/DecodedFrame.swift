import Foundation
import IngestWire
import Telemetry
import TocsinProto

/// What a frame holds, decoded and checked before it is stored: a frame that does not decode never becomes durable.
enum DecodedFrame: Sendable {
    case samples(SampleBatch)
    case edges([Edge])

    /// Decodes a frame's payload within the limits; its lane's chain moves on.
    init(
        _ frame: Tocsin_V1_Frame, lane: inout LaneDecoder, limits: WireLimits, refusing: LaneDecoder.Refusal
    ) throws(WireError) {
        switch frame.payload {
        case .sampleBlock(let block):
            guard block.count <= limits.blockBytesMax else {
                throw WireError(
                    .tooLarge, "a sample block of \(block.count) bytes, at most \(limits.blockBytesMax) are taken")
            }
            self = .samples(try lane.samples(of: [UInt8](block), sequence: frame.sequence, refusing: refusing))
        case .edgeBatch(let batch):
            self = .edges(try batch.decoded(limits: limits))
        case nil:
            throw WireError(.invalidField, "frame \(frame.sequence) has no payload that this version knows")
        }
    }

    /// Samples held.
    var sampleCount: Int {
        switch self {
        case .samples(let samples): samples.count
        case .edges: 0
        }
    }

    /// Edges held.
    var edgeCount: Int {
        switch self {
        case .samples: 0
        case .edges(let edges): edges.count
        }
    }

    /// Earliest and latest time inside, or nil when the frame is empty.
    var timeRange: ClosedRange<Timestamp>? {
        switch self {
        case .samples(let samples): samples.timeRange
        case .edges(let edges): Self.range(of: edges.lazy.map(\.at))
        }
    }

    private static func range(of times: some Sequence<Timestamp>) -> ClosedRange<Timestamp>? {
        times.reduce(nil) { range, time in
            range.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
        }
    }
}
