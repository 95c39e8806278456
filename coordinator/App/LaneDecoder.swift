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
    private(set) var definitions: SeriesList?
    private var currentChain: UInt64?
    /// The chain that the numbers of series were first given in: a chain that begins with all series of the one before
    /// goes on with its numbers.
    private var numberedFrom: UInt64 = 0
    private var decoder: SampleBlockChainDecoder
    /// What the block read last holds when it is one of a chain, until it is known what is stored of it.
    private var columns = SampleColumns()
    /// The same when it stands alone.
    private var alone: [Sample]?
    private var stored: StoredLane
    private let seriesMax: Int
    /// The stream, as what numbers of series belong to.
    private let stream: UInt64
    /// Numbers of the chain's series that are left out.
    private var leftOut: Set<Int> = []

    /// Gives the positions of those series that are one too many; nil when there are none.
    typealias Refusal = (SeriesList) -> Set<Int>?

    /// Makes a decoder that waits for a block which builds on nothing.
    ///
    /// - Parameters:
    ///   - seriesMax: samples of the series of one chain beyond so many are left out.
    ///   - stream: number of the stream, which no other one of the process has.
    init(limits: SampleBlockLimits, seriesMax: Int = .max, stream: UInt64) {
        decoder = SampleBlockChainDecoder(limits: limits)
        stored = StoredLane(limits: limits)
        self.seriesMax = seriesMax
        self.stream = stream
    }

    /// Decodes the block of a frame that is to be stored.
    ///
    /// Throws `chainBroken` when the agent must start a new chain, `tooLarge` and `corrupt`.
    ///
    /// - Parameter refusing: asked once for each series that a block defines.
    mutating func samples(
        of block: [UInt8], sequence: UInt64, refusing: Refusal = { _ in nil }
    ) throws(WireError) -> SampleBatch {
        do throws(SampleBlockError) {
            guard SampleBlockChainDecoder.isChained(block) else {
                chainStart = nil
                definitions = nil
                leftOut = []
                let samples = admitted(try decoder.decode(block), refusing)
                alone = samples
                return SampleBatch(samples)
            }
            alone = nil
            let (chainsBefore, seriesBefore) = (decoder.chainsRead, decoder.series)
            try decoder.decode(block, into: &columns)
            let isNew = decoder.chainsRead != chainsBefore
            if isNew {
                currentChain = sequence
                if seriesBefore.isEmpty || !decoder.series.starts(with: seriesBefore) { numberedFrom = sequence }
            }
            noteDefinitions(from: isNew ? 0 : seriesBefore.count, refusing)
        } catch {
            throw Self.wireError(error, sequence)
        }
        chainStart = currentChain
        return admittedOfChain()
    }

    /// Notes the series that a block of a chain defines, which begin at a number.
    private mutating func noteDefinitions(from first: Int, _ refusing: Refusal) {
        let defined = decoder.series.dropping(first: first)
        definitions = defined
        if first == 0 { leftOut = [] }
        guard !defined.isEmpty, let positions = refusing(defined) else { return }
        leftOut.formUnion(positions.map { first + $0 })
    }

    /// The samples of a block that stands alone, without those of series that are too many.
    private mutating func admitted(_ samples: [Sample], _ refusing: Refusal) -> [Sample] {
        guard !samples.isEmpty, let positions = refusing(SeriesList(samples.map(\.series))) else { return samples }
        leftOut = positions
        samplesLeftOut += UInt64(positions.count)
        return samples.enumerated().filter { !positions.contains($0.offset) }.map(\.element)
    }

    /// The samples of a block of a chain, without those of series that are too many.
    private mutating func admittedOfChain() -> SampleBatch {
        let all = batch
        guard decoder.series.count > seriesMax || !leftOut.isEmpty else { return all }
        let (seriesMax, leftOut) = (seriesMax, leftOut)
        var (refused, gone) = (0, 0)
        let kept = all.keeping { position in
            let number = Int(all.numbers[position])
            if leftOut.contains(number) { gone += 1 } else if number >= seriesMax { refused += 1 } else { return true }
            return false
        }
        samplesLeftOut += UInt64(gone)
        samplesRefused += UInt64(refused)
        return kept
    }

    /// The samples of the last block of a chain.
    private var batch: SampleBatch {
        SampleBatch(
            numbering: .init(stream: stream, frame: numberedFrom), series: decoder.series,
            numbers: columns.series, times: columns.times, bits: columns.bits)
    }

    /// All samples of the block read last that an agent may bring in, those that are not judged too.
    private var all: [Sample] {
        let (batch, leftOut) = (batch, leftOut)
        guard !leftOut.isEmpty else { return alone ?? batch.samples }
        return alone ?? batch.keeping { !leftOut.contains(Int(batch.numbers[$0])) }.samples
    }

    /// What is stored in place of the block read last, which then stands alone; nil when it is stored as it came.
    ///
    /// Asked once for each block: its samples are not kept beyond, so that a stream at rest holds none.
    ///
    /// - Parameter filter: gives what of all samples is kept; nil when all of it is.
    mutating func rewritten(keeping filter: (([Sample]) -> [Sample])?) -> StoredLane.Rewritten? {
        defer { (columns, alone) = (SampleColumns(), nil) }
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
        self = LaneDecoder(limits: decoder.limits, seriesMax: seriesMax, stream: stream)
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
