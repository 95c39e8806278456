/// Samples as three columns of one length, with series by number: what goes through a chain without an allocation a
/// sample.
///
/// Kept by the caller and used again for every block, so that its storage is too.
package struct SampleColumns: Sendable, Equatable {
    /// The series of each sample, as numbered by the encoder or decoder that the columns belong to.
    package var series: [UInt32] { seriesStorage }
    /// The time of each sample, in milliseconds since 1970-01-01T00:00:00Z.
    package private(set) var times: [Int64] = []
    /// The bits of each value.
    package private(set) var bits: [UInt64] = []

    var seriesStorage: [UInt32] = []

    /// Makes columns without samples.
    package init() {}

    /// Samples in the columns.
    package var count: Int { seriesStorage.count }

    /// Whether there are no samples.
    package var isEmpty: Bool { seriesStorage.isEmpty }

    /// The value of a sample.
    ///
    /// Precondition: the position is below `count`.
    package func value(at position: Int) -> Double { Double(bitPattern: bits[position]) }

    /// Adds a sample.
    package mutating func append(series number: UInt32, millis: Int64, value: Double) {
        seriesStorage.append(number)
        times.append(millis)
        bits.append(value.bitPattern)
    }

    /// Takes all samples out, and keeps the storage.
    package mutating func removeAll() {
        seriesStorage.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        bits.removeAll(keepingCapacity: true)
    }

    mutating func resize(to count: Int) {
        removeAll()
        seriesStorage.append(contentsOf: repeatElement(0, count: count))
        times.append(contentsOf: repeatElement(0, count: count))
        bits.append(contentsOf: repeatElement(0, count: count))
    }

    /// Takes over the samples of `other` without giving up the storage.
    mutating func copy(_ other: SampleColumns) {
        removeAll()
        seriesStorage.append(contentsOf: other.seriesStorage)
        times.append(contentsOf: other.times)
        bits.append(contentsOf: other.bits)
    }

    mutating func renumber(_ number: (UInt32) -> UInt32) {
        for position in seriesStorage.indices { seriesStorage[position] = number(seriesStorage[position]) }
    }

    mutating func setOrder(count: Int) {
        for position in 0..<count { seriesStorage[position] = UInt32(truncatingIfNeeded: position) }
    }

    mutating func setOrder(_ order: [UInt32]) {
        for position in order.indices { seriesStorage[position] = order[position] }
    }
}

/// The three columns of a block through the models, written once for both sides.
struct ColumnCoder: Sendable {
    /// Those of all coders until their first block: a lane that is not used has none of its own.
    private static let initialContexts = [UInt32](repeating: BitContext.initial, count: ValueModel.contextCount)
    private var contexts = initialContexts
    private var timeModel = TimeModel()

    /// What the block says of itself before its columns.
    struct Shape {
        var firstNew: Int
        var hasSameOrder: Bool
        var isRegular: Bool
        var start: Int64
    }

    mutating func reset() {
        for position in contexts.indices { contexts[position] = BitContext.initial }
        timeModel.reset()
    }

    /// Codes all columns; a reader fills them, a writer has them filled.
    ///
    /// `hints` and `interned` are the writer's alone.
    mutating func code<Coder: SymbolCoder>(
        _ columns: inout SampleColumns, shape: Shape, state: inout ChainState, hints: inout [UInt8],
        interned: [UInt32], coder: inout Coder
    ) {
        contexts.withUnsafeMutableBufferPointer { buffer in
            guard let contexts = buffer.baseAddress, columns.count > 0 else { return }
            columns.withOrder { numbers in
                if !shape.hasSameOrder {
                    OrderModel.code(numbers, firstNew: shape.firstNew, state: &state, coder: &coder, contexts: contexts)
                }
            }
            guard !coder.isHopeless else { return }
            columns.withTimes { times, numbers in
                timeModel.code(
                    times, numbers: numbers, isRegular: shape.isRegular, start: shape.start, state: &state,
                    coder: &coder, contexts: contexts)
            }
            guard !coder.isHopeless else { return }
            columns.withBits { bits, numbers in
                Self.codeValues(
                    bits, numbers, state: &state, hints: &hints, interned: interned, coder: &coder, contexts: contexts)
            }
        }
    }

    private static func codeValues<Coder: SymbolCoder>(
        _ bits: UnsafeMutableBufferPointer<UInt64>, _ numbers: UnsafeBufferPointer<UInt32>, state: inout ChainState,
        hints: inout [UInt8], interned: [UInt32], coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) {
        var neighbour = 0
        state.slots.withUnsafeBufferPointer { slots in
            state.states.withUnsafeMutableBufferPointer { states in
                hints.withUnsafeMutableBufferPointer { hints in
                    guard let base = states.baseAddress else { return }
                    for position in bits.indices {
                        let number = Int(numbers[position])
                        let moved = slots[Int(states[number].slot)].moved ? 1 : 0
                        let hint = Coder.writes ? hints[Int(interned[number])] : SeriesHint.none
                        bits[position] = ValueModel.value(
                            bits[position], hint: hint, series: number, states: base, neighbour: &neighbour,
                            moved: moved, coder: &coder, contexts: contexts)
                        if Coder.writes, neighbour == 1 {
                            hints[Int(interned[number])] = SeriesHint.next(after: states[number], hint)
                        }
                    }
                }
            }
        }
    }
}

extension SampleColumns {
    fileprivate mutating func withOrder(_ body: (UnsafeMutableBufferPointer<UInt32>) -> Void) {
        seriesStorage.withUnsafeMutableBufferPointer { body($0) }
    }

    fileprivate mutating func withTimes(
        _ body: (UnsafeMutableBufferPointer<Int64>, UnsafeBufferPointer<UInt32>) -> Void
    ) {
        seriesStorage.withUnsafeBufferPointer { numbers in times.withUnsafeMutableBufferPointer { body($0, numbers) } }
    }

    fileprivate mutating func withBits(
        _ body: (UnsafeMutableBufferPointer<UInt64>, UnsafeBufferPointer<UInt32>) -> Void
    ) {
        seriesStorage.withUnsafeBufferPointer { numbers in bits.withUnsafeMutableBufferPointer { body($0, numbers) } }
    }
}
