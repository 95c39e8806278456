package import Telemetry

/// Writes blocks that build on each other; the format is version 2 of `proto/SAMPLE_BLOCK.md`.
///
/// Every block but a keyframe can be read only right after the one written before it. A keyframe, which can be read
/// alone, comes first, after `startChain()`, after `blocksPerChain` blocks and after an error.
package struct SampleBlockChainEncoder: Sendable {
    /// What a block and a chain may hold; the same as the reader's.
    package let limits: SampleBlockLimits
    /// Blocks of a chain, its keyframe included: at least 1.
    package let blocksPerChain: Int

    private var state = ChainState()
    private var coder = ColumnCoder()
    private var definitions = ChainDefinitions()
    private var needsKeyframe = true
    // By interned number: the series, its number in the chain, and the scale that served it.
    private var known: [Series] = []
    private var index: [Series: UInt32] = [:]
    private var chainNumbers: [UInt32] = []
    private var hints: [UInt8] = []
    // By chain number: the interned one.
    private var interned: [UInt32] = []
    private var scratch = SampleColumns()
    private var gathered = SampleColumns()
    private var coded: [UInt8] = []
    private var plain: [UInt8] = []

    /// Makes an encoder whose first block is a keyframe.
    package init(limits: SampleBlockLimits = .default, blocksPerChain: Int = 60) {
        precondition(blocksPerChain >= 1, "a chain has at least its keyframe, not \(blocksPerChain) blocks")
        self.limits = limits
        self.blocksPerChain = blocksPerChain
    }

    /// Makes the next block a keyframe.
    package mutating func startChain() {
        needsKeyframe = true
    }

    /// Forgets all interned series, whose numbers are then void, and makes the next block a keyframe.
    package mutating func forgetSeries() {
        known.removeAll(keepingCapacity: true)
        index.removeAll(keepingCapacity: true)
        chainNumbers.removeAll(keepingCapacity: true)
        hints.removeAll(keepingCapacity: true)
        needsKeyframe = true
    }

    /// The number under which `encode(_:)` takes a series; the same for equal series, until `forgetSeries()`.
    ///
    /// Throws `limitExceeded` when there are as many as the limits allow: forget those, and intern what is still alive.
    package mutating func intern(_ series: Series) throws(SampleBlockError) -> UInt32 {
        if let number = index[series] { return number }
        guard known.count < limits.series else {
            throw SampleBlockError(
                .limitExceeded, "too many series", offset: 0, found: UInt64(known.count) + 1,
                expected: UInt64(limits.series))
        }
        let number = UInt32(known.count)
        index[series] = number
        known.append(series)
        chainNumbers.append(ChainState.nobody)
        hints.append(SeriesHint.none)
        return number
    }

    /// Writes one block that decodes to exactly these samples in this order.
    ///
    /// Throws `limitExceeded` when they don't fit in one block. A full dictionary starts a new chain by itself.
    package mutating func encode(_ samples: [Sample]) throws(SampleBlockError) -> [UInt8] {
        do {
            try gather(samples)
        } catch {
            // The dictionary holds what ended long ago; what is still alive may fit.
            forgetSeries()
            try gather(samples)
        }
        return try encode(gathered)
    }

    /// Writes one block of samples whose series were interned.
    ///
    /// Precondition: every number is one of `intern(_:)`'s.
    ///
    /// Takes no memory a sample once the storage has grown to the size of the blocks.
    package mutating func encode(_ columns: SampleColumns) throws(SampleBlockError) -> [UInt8] {
        guard columns.count <= limits.samples else {
            throw SampleBlockError(
                .limitExceeded, "too many samples", offset: 0, found: UInt64(columns.count),
                expected: UInt64(limits.samples))
        }
        let isKeyframe = needsKeyframe || state.index >= UInt64(blocksPerChain)
        if isKeyframe { reset() }
        // Until the block is whole, what was learned from it must not be built upon.
        needsKeyframe = true
        let block = try write(columns, isKeyframe: isKeyframe)
        guard block.count <= limits.blockBytes else {
            throw SampleBlockError(
                .limitExceeded, "block too large", offset: 0, found: UInt64(block.count),
                expected: UInt64(limits.blockBytes))
        }
        needsKeyframe = false
        return block
    }

    private mutating func gather(_ samples: [Sample]) throws(SampleBlockError) {
        gathered.removeAll()
        var previous = ChainState.nobody
        for sample in samples {
            // Rounds repeat their order, and equal strings that share storage compare at once.
            var guess = ChainState.nobody
            if previous == ChainState.nobody {
                guess = 0
            } else {
                guess = previous + 1
            }
            if Int(guess) >= known.count || known[Int(guess)] != sample.series { guess = try intern(sample.series) }
            gathered.append(series: guess, millis: sample.timestamp.millis, value: sample.value)
            previous = guess
        }
    }

    private mutating func reset() {
        state.reset()
        coder.reset()
        definitions.reset()
        interned.removeAll(keepingCapacity: true)
        for position in chainNumbers.indices { chainNumbers[position] = ChainState.nobody }
    }

    /// The columns with the chain's numbers, and the series that the chain doesn't have yet.
    private mutating func translate(_ columns: SampleColumns) -> [Series] {
        scratch.copy(columns)
        var new: [Series] = []
        scratch.renumber { number in
            let place = Int(number)
            precondition(place < chainNumbers.count, "series \(number) was not interned")
            if chainNumbers[place] == ChainState.nobody {
                chainNumbers[place] = UInt32(interned.count)
                interned.append(number)
                new.append(known[place])
            }
            return chainNumbers[place]
        }
        return new
    }

    private mutating func write(_ columns: SampleColumns, isKeyframe: Bool) throws(SampleBlockError) -> [UInt8] {
        let firstNew = interned.count
        let new = translate(columns)
        var header = ChainBlockHeader()
        header.sampleCount = columns.count
        header.minTime = columns.times.min() ?? 0
        header.maxTime = columns.times.max() ?? 0
        if isKeyframe {
            header.flags.insert(.keyframe)
        } else {
            (header.chain, header.index, header.predecessor) = (state.id, state.index, state.checksum)
        }
        let section = try writeDefinitions(new, &header)
        if new.isEmpty, !columns.isEmpty, scratch.series == state.order { header.flags.insert(.sameOrder) }
        if TimeModel.isRegular(scratch.times, numbers: scratch.series, state: state) {
            header.flags.insert(.regularTimes)
        }
        code(header, firstNew: firstNew)
        swap(&state.order, &scratch.seriesStorage)
        header.codedBytes = coded.count
        header.plainBytes = plain.count
        var block = ByteWriter(reserving: section.count + coded.count + plain.count + 64)
        header.write(to: &block)
        block.append(section)
        block.append(coded)
        block.append(plain)
        let checksum = CRC32.checksum(block.bytes)
        block.fixed(checksum)
        state.close(checksum: checksum)
        return block.bytes
    }

    private mutating func writeDefinitions(
        _ new: [Series], _ header: inout ChainBlockHeader
    ) throws(SampleBlockError) -> [UInt8] {
        guard !new.isEmpty else { return [] }
        let section = try definitions.write(new, limits: limits, state: &state)
        guard section.count <= limits.bodyBytes else {
            throw SampleBlockError(
                .limitExceeded, "definitions too large", offset: 0, found: UInt64(section.count),
                expected: UInt64(limits.bodyBytes))
        }
        header.flags.insert(.definitions)
        header.newSeries = new.count
        header.definitionBytes = section.count
        header.storedDefinitionBytes = section.count
        guard let deflated = Deflate.compress(section, level: 9) else { return section }
        header.flags.insert(.deflated)
        header.storedDefinitionBytes = deflated.count
        return deflated
    }

    private mutating func code(_ header: ChainBlockHeader, firstNew: Int) {
        let shape = ColumnCoder.Shape(
            firstNew: firstNew, hasSameOrder: header.flags.contains(.sameOrder),
            isRegular: header.flags.contains(.regularTimes), start: header.minTime)
        BitContext.rates.withUnsafeBufferPointer { rates in
            guard let rates = rates.baseAddress else { return }
            var writer = SymbolWriter(rates: rates, coded: coded, plain: plain)
            coder.code(&scratch, shape: shape, state: &state, hints: &hints, interned: interned, coder: &writer)
            writer.finish()
            coded = writer.coded
            plain = writer.plain
        }
    }
}
