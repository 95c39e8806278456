import Foundation
import IngestWire
import SampleCodec
import Telemetry
import TocsinProto

/// What a frame holds, decoded and checked before it is stored: a frame that does not decode never becomes durable.
enum DecodedFrame: Sendable {
    case samples([Sample])
    case edges([Edge])

    /// Decodes a frame's payload within the limits.
    init(_ frame: Tocsin_V1_Frame, limits: WireLimits, blockLimits: SampleBlockLimits) throws(WireError) {
        switch frame.payload {
        case .sampleBlock(let block):
            guard block.count <= limits.blockBytesMax else {
                throw WireError(
                    .tooLarge, "a sample block of \(block.count) bytes, at most \(limits.blockBytesMax) are taken")
            }
            do {
                self = .samples(try SampleBlockDecoder.decode([UInt8](block), limits: blockLimits))
            } catch {
                throw WireError(.corrupt, "frame \(frame.sequence): \(error)")
            }
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
        let times: [Timestamp]
        switch self {
        case .samples(let samples): times = samples.map(\.timestamp)
        case .edges(let edges): times = edges.map(\.at)
        }
        guard let first = times.min(), let last = times.max() else { return nil }
        return first...last
    }
}
