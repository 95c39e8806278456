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
    /// Samples that were left out since the agent brought in too many series.
    private(set) var samplesLeftOut: UInt64 = 0
    /// The series that the block read last defines; nil when it is of a version that defines all anew in each block.
    private(set) var definitions: [Series]?
    private var currentChain: UInt64?
    private var decoder: SampleBlockChainDecoder
    private var columns = SampleColumns()
    /// The block read last when it stands alone; what a chained one held is in `columns`.
    private var alone: [Sample]?
    private var stored: StoredLane
    private let seriesMax: Int
    /// Numbers of the chain's series that are left out.
    private var leftOut: Set<Int> = []

    /// Gives the positions of those series that are one too many; nil when there are none.
    typealias Refusal = ([Series]) -> Set<Int>?

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
    ///
    /// - Parameter refusing: asked once for each series that a block defines.
    mutating func samples(
        of block: [UInt8], sequence: UInt64, refusing: Refusal = { _ in nil }
    ) throws(WireError) -> [Sample] {
        do throws(SampleBlockError) {
            guard SampleBlockChainDecoder.isChained(block) else {
                chainStart = nil
                definitions = nil
                leftOut = []
                let samples = admitted(try decoder.decode(block), refusing)
                alone = samples
                return samples
            }
            alone = nil
            let (chainsBefore, seriesBefore) = (decoder.chainsRead, decoder.series.count)
            try decoder.decode(block, into: &columns)
            let isNew = decoder.chainsRead != chainsBefore
            if isNew { currentChain = sequence }
            noteDefinitions(from: isNew ? 0 : seriesBefore, refusing)
        } catch {
            throw Self.wireError(error, sequence)
        }
        chainStart = currentChain
        let samples = columnsAsSamples(seriesMax: seriesMax)
        let gone = leftOut.isEmpty ? 0 : columns.series.prefix(columns.count).count { leftOut.contains(Int($0)) }
        samplesLeftOut += UInt64(gone)
        samplesRefused += UInt64(columns.count - gone - samples.count)
        return samples
    }

    /// Notes the series that a block of a chain defines, which begin at a number.
    private mutating func noteDefinitions(from first: Int, _ refusing: Refusal) {
        let defined = Array(decoder.series[first...])
        definitions = defined
        if first == 0 { leftOut = [] }
        guard !defined.isEmpty, let positions = refusing(defined) else { return }
        leftOut.formUnion(positions.map { first + $0 })
    }

    /// The samples of a block that stands alone, without those of series that are too many.
    private mutating func admitted(_ samples: [Sample], _ refusing: Refusal) -> [Sample] {
        guard !samples.isEmpty, let positions = refusing(samples.map(\.series)) else { return samples }
        leftOut = positions
        samplesLeftOut += UInt64(positions.count)
        return samples.enumerated().filter { !positions.contains($0.offset) }.map(\.element)
    }

    private func columnsAsSamples(seriesMax: Int) -> [Sample] {
        let series = decoder.series
        var samples: [Sample] = []
        samples.reserveCapacity(columns.count)
        for position in 0..<columns.count {
            let number = Int(columns.series[position])
            guard number < seriesMax, leftOut.isEmpty || !leftOut.contains(number) else { continue }
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
        // What is left out must not be in the store either, nor its name in the catalogue.
        let kept = filter.map { $0(all) } ?? (leftOut.isEmpty ? nil : all)
        var lane = stored
        let rewritten = lane.rewritten(chainStart: chainStart, kept: kept) { all }
        stored = lane
        if rewritten != nil { (chainStart, definitions) = (nil, nil) }
        return rewritten
    }

    /// A frame is not stored, since it is there already: what builds on it can't be either.
    mutating func passOver() {
        let (refused, leftOut) = (samplesRefused, samplesLeftOut)
        self = LaneDecoder(limits: decoder.limits, seriesMax: seriesMax)
        (samplesRefused, samplesLeftOut) = (refused, leftOut)
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
