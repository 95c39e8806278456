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
    /// The block read last when it stands alone; what a chained one held is in `columns`.
    private var alone: [Sample]?
    private var stored: StoredLane
    private let seriesMax: Int

    /// Makes a decoder that waits for a block which builds on nothing.
    ///
    /// - Parameter seriesMax: samples of the series of one chain beyond so many are left out.
    init(limits: SampleBlockLimits, seriesMax: Int = .max) {
        decoder = SampleBlockChainDecoder(limits: limits)
        stored = StoredLane(limits: limits)
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
                let samples = try decoder.decode(block)
                alone = samples
                return samples
            }
            alone = nil
            let (chainsBefore, seriesBefore) = (decoder.chainsRead, decoder.series.count)
            try decoder.decode(block, into: &columns)
            let isNew = decoder.chainsRead != chainsBefore
            if isNew { currentChain = sequence }
            definitions = Array(decoder.series[(isNew ? 0 : seriesBefore)...])
        } catch {
            throw Self.wireError(error, sequence)
        }
        chainStart = currentChain
        let samples = columnsAsSamples(seriesMax: seriesMax)
        samplesRefused += UInt64(columns.count - samples.count)
        return samples
    }

    private func columnsAsSamples(seriesMax: Int) -> [Sample] {
        let series = decoder.series
        var samples: [Sample] = []
        samples.reserveCapacity(columns.count)
        for position in 0..<columns.count {
            let number = Int(columns.series[position])
            guard number < seriesMax else { continue }
            samples.append(
                Sample(series[number], Timestamp(millis: columns.times[position]), columns.value(at: position)))
        }
        return samples
    }

    /// All samples of the block read last, those that are not judged too.
    private var all: [Sample] { alone ?? columnsAsSamples(seriesMax: .max) }

    /// What is stored in place of the block read last, which then stands alone; nil when it is stored as it came.
    ///
    /// - Parameter filter: gives what of all samples is kept; nil when all of it is.
    mutating func rewritten(keeping filter: (([Sample]) -> [Sample])?) -> StoredLane.Rewritten? {
        let kept = filter.map { $0(all) }
        var lane = stored
        let rewritten = lane.rewritten(chainStart: chainStart, kept: kept) { all }
        stored = lane
        if rewritten != nil { (chainStart, definitions) = (nil, nil) }
        return rewritten
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
