import IngestWire
import SampleCodec
import Telemetry

/// Reads the sample blocks of one lane of one stream, and knows which stored frame starts the chain of each.
///
/// A block of a chain is read only when all that it builds on was to be stored: whoever reads the store can decode it.
struct LaneDecoder {
    /// For the block read last: sequence of the frame that starts its chain; nil when it is not one of a chain.
    private(set) var chainStart: UInt64?
    /// Samples that were left out since their series is one too many for an agent.
    private(set) var samplesRefused: UInt64 = 0
    /// The series that the block read last defines; nil when it is of a version that defines all anew in each block.
    private(set) var definitions: [Series]?
    private var currentChain: UInt64?
    private var decoder: SampleBlockChainDecoder
    private var columns = SampleColumns()
    private let seriesMax: Int

    /// Makes a decoder that waits for a block which builds on nothing.
    ///
    /// - Parameter seriesMax: samples of the series of one chain beyond so many are left out.
    init(limits: SampleBlockLimits, seriesMax: Int = .max) {
        decoder = SampleBlockChainDecoder(limits: limits)
        self.seriesMax = seriesMax
    }

    /// Decodes the block of a frame that is to be stored.
    ///
    /// Throws `chainBroken` when the agent must start a new chain, `tooLarge` and `corrupt`.
    mutating func samples(of block: [UInt8], sequence: UInt64) throws(WireError) -> [Sample] {
        do throws(SampleBlockError) {
            guard SampleBlockChainDecoder.isChained(block) else {
                chainStart = nil
                definitions = nil
                return try decoder.decode(block)
            }
            let (chainsBefore, seriesBefore) = (decoder.chainsRead, decoder.series.count)
            try decoder.decode(block, into: &columns)
            let isNew = decoder.chainsRead != chainsBefore
            if isNew { currentChain = sequence }
            definitions = Array(decoder.series[(isNew ? 0 : seriesBefore)...])
        } catch {
            throw Self.wireError(error, sequence)
        }
        chainStart = currentChain
        return columnsAsSamples()
    }

    private mutating func columnsAsSamples() -> [Sample] {
        let series = decoder.series
        var samples: [Sample] = []
        samples.reserveCapacity(columns.count)
        for position in 0..<columns.count {
            let number = Int(columns.series[position])
            guard number < seriesMax else {
                samplesRefused += 1
                continue
            }
            samples.append(
                Sample(series[number], Timestamp(millis: columns.times[position]), columns.value(at: position)))
        }
        return samples
    }

    /// A frame is not stored, since it is there already: what builds on it can't be either.
    mutating func passOver() {
        let refused = samplesRefused
        self = LaneDecoder(limits: decoder.limits, seriesMax: seriesMax)
        samplesRefused = refused
    }

    private static func wireError(_ error: SampleBlockError, _ sequence: UInt64) -> WireError {
        let code: WireError.Code =
            switch error.code {
            case .chainBroken: .chainBroken
            case .limitExceeded: .tooLarge
            default: .corrupt
            }
        return WireError(code, "frame \(sequence): \(error)")
    }
}
