package import Telemetry

/// Reads blocks of every version: version 1, and the chains of version 2 in the order they were written.
///
/// Bytes from disk or network never trap. A block that doesn't follow the one read before is `chainBroken`, and leaves
/// the decoder as it was; after any other error only a keyframe can be read.
package struct SampleBlockChainDecoder: Sendable {
    /// What a block and a chain may hold; the same as the writer's.
    package let limits: SampleBlockLimits
    /// Keyframes read: with each, all numbers of series mean something else.
    package private(set) var chainsRead: UInt64 = 0

    private var state = ChainState()
    private var coder = ColumnCoder()
    private var definitions = ChainDefinitions()
    private var isSound = false
    private var columns = SampleColumns()

    /// Makes a decoder that waits for a keyframe.
    package init(limits: SampleBlockLimits = .default) {
        self.limits = limits
    }

    /// The series of the chain, by number.
    package var series: SeriesList { definitions.series }

    /// Whether bytes claim to be a block of version 2, which others can build on, and not of another version.
    package static func isChained(_ bytes: [UInt8]) -> Bool {
        bytes.count > 4 && bytes[4] == ChainBlockHeader.version
    }

    /// The samples of a block, in the order they were written.
    package mutating func decode(_ bytes: [UInt8]) throws(SampleBlockError) -> [Sample] {
        if bytes.count > 4, bytes[4] == SampleBlockHeader.currentVersion {
            return try SampleBlockDecoder.decode(bytes, limits: limits)
        }
        var decoded = columns
        columns = SampleColumns()
        defer { columns = decoded }
        try decode(bytes, into: &decoded)
        let series = definitions.series.all
        var samples: [Sample] = []
        samples.reserveCapacity(decoded.count)
        for position in 0..<decoded.count {
            samples.append(
                Sample(
                    series[Int(decoded.series[position])], Timestamp(millis: decoded.times[position]),
                    decoded.value(at: position)))
        }
        return samples
    }

    /// The samples of a block of version 2 by the numbers of `series`; no samples when it throws.
    ///
    /// Takes no memory a sample once the columns have grown to the size of the blocks.
    package mutating func decode(_ bytes: [UInt8], into decoded: inout SampleColumns) throws(SampleBlockError) {
        decoded.removeAll()
        try bytes.withUnsafeBufferPointer { (buffer) throws(SampleBlockError) in
            let header = try ChainBlockHeader.read(buffer, limits: limits)
            if header.flags.contains(.keyframe) { reset() } else { try checkPlace(header) }
            // Until the block is whole, nothing may be built upon it.
            isSound = false
            do throws(SampleBlockError) {
                try read(buffer, header, into: &decoded)
            } catch {
                decoded.removeAll()
                throw error
            }
            isSound = true
        }
    }

    private mutating func reset() {
        state.reset()
        coder.reset()
        definitions.reset(asReader: true)
        chainsRead += 1
    }

    private func checkPlace(_ header: ChainBlockHeader) throws(SampleBlockError) {
        guard isSound, header.chain == state.id, header.index == state.index, header.predecessor == state.checksum
        else {
            throw SampleBlockError(
                .chainBroken, isSound ? "not the block after the last one" : "no keyframe was read", offset: 0,
                found: header.index, expected: isSound ? state.index : 0)
        }
        if header.flags.contains(.sameOrder), header.sampleCount != state.orderCount {
            throw SampleBlockError(
                .malformed, "the same order with another count", offset: 6, found: UInt64(header.sampleCount),
                expected: UInt64(state.orderCount))
        }
    }

    private mutating func read(
        _ bytes: UnsafeBufferPointer<UInt8>, _ header: ChainBlockHeader, into decoded: inout SampleColumns
    ) throws(SampleBlockError) {
        let firstNew = state.states.count
        var offset = header.size
        let section = UnsafeBufferPointer(rebasing: bytes[offset..<offset + header.storedDefinitionBytes])
        offset += section.count
        let coded = UnsafeBufferPointer(rebasing: bytes[offset..<offset + header.codedBytes])
        offset += coded.count
        let plain = UnsafeBufferPointer(rebasing: bytes[offset..<offset + header.plainBytes])
        if header.newSeries > 0 { try readDefinitions(section, header) }
        guard header.sampleCount == 0 || !state.states.isEmpty else {
            throw SampleBlockError(.malformed, "samples without series", offset: 6, found: UInt64(header.sampleCount))
        }
        decoded.resize(to: header.sampleCount)
        if header.flags.contains(.sameOrder) { state.putOrder(into: &decoded) }
        guard code(header, firstNew: firstNew, coded: coded, plain: plain, &decoded) else {
            throw SampleBlockError(.malformed, "columns that no writer writes", offset: header.size)
        }
        guard decoded.times.min() ?? 0 == header.minTime, decoded.times.max() ?? 0 == header.maxTime else {
            throw SampleBlockError(.malformed, "times are not those of the header", offset: 6)
        }
        if !header.flags.contains(.sameOrder) { state.setOrder(decoded.series) }
        state.close(checksum: ChainBlockHeader.checksum(of: bytes))
    }

    private mutating func readDefinitions(
        _ section: UnsafeBufferPointer<UInt8>, _ header: ChainBlockHeader
    ) throws(SampleBlockError) {
        guard header.flags.contains(.deflated) else {
            return try definitions.read(section, count: header.newSeries, limits: limits, state: &state)
        }
        let inflated = try Deflate.decompress(section, size: header.definitionBytes)
        try inflated.withUnsafeBufferPointer { (buffer) throws(SampleBlockError) in
            try definitions.read(buffer, count: header.newSeries, limits: limits, state: &state)
        }
    }

    private mutating func code(
        _ header: ChainBlockHeader, firstNew: Int, coded: UnsafeBufferPointer<UInt8>,
        plain: UnsafeBufferPointer<UInt8>, _ decoded: inout SampleColumns
    ) -> Bool {
        let shape = ColumnCoder.Shape(
            firstNew: firstNew, hasSameOrder: header.flags.contains(.sameOrder),
            isRegular: header.flags.contains(.regularTimes), start: header.minTime)
        return BitContext.rates.withUnsafeBufferPointer { rates in
            guard let rates = rates.baseAddress else { return false }
            var reader = SymbolReader(rates: rates, coded: coded, plain: plain)
            var hints: [UInt8] = []
            coder.code(&decoded, shape: shape, state: &state, hints: &hints, interned: [], coder: &reader)
            return reader.isSound
        }
    }
}
