/// A set of sequences as ascending ranges that neither overlap nor touch.
package struct SequenceRanges: Hashable, Sendable {
    /// The ranges, ascending.
    package private(set) var ranges: [ClosedRange<UInt64>] = []

    /// Makes the set of some ranges, in any order.
    package init(_ ranges: [ClosedRange<UInt64>] = []) {
        for range in ranges { insert(range) }
    }

    /// The greatest sequence; nil for the empty set.
    package var last: UInt64? { ranges.last?.upperBound }

    /// The first sequence from `sequence` on that is not in the set.
    package func gap(from sequence: UInt64) -> UInt64 {
        range(containing: sequence).map { $0.upperBound + 1 } ?? sequence
    }

    /// How many sequences of `range` are in the set.
    package func count(in range: ClosedRange<UInt64>) -> UInt64 {
        ranges.reduce(0) { sum, one in
            one.overlaps(range) ? sum + one.clamped(to: range).upperBound - one.clamped(to: range).lowerBound + 1 : sum
        }
    }

    /// The range that holds `sequence`.
    package func range(containing sequence: UInt64) -> ClosedRange<UInt64>? {
        let index = firstIndex(endingAtOrAfter: sequence)
        guard index < ranges.count, ranges[index].contains(sequence) else { return nil }
        return ranges[index]
    }

    /// The last range that ends before `sequence`.
    func range(before sequence: UInt64) -> ClosedRange<UInt64>? {
        let index = firstIndex(endingAtOrAfter: sequence)
        return index > 0 ? ranges[index - 1] : nil
    }

    /// The first range that begins after `sequence`.
    package func range(after sequence: UInt64) -> ClosedRange<UInt64>? {
        ranges[firstIndex(endingAtOrAfter: sequence)...].first { $0.lowerBound > sequence }
    }

    /// Adds a range; with its neighbours it becomes one.
    package mutating func insert(_ new: ClosedRange<UInt64>) {
        let start = firstIndex(endingAtOrAfter: new.lowerBound > 0 ? new.lowerBound - 1 : 0)
        var end = start
        var merged = new
        while end < ranges.count,
            ranges[end].lowerBound <= new.upperBound || ranges[end].lowerBound - 1 == new.upperBound
        {
            merged = min(merged.lowerBound, ranges[end].lowerBound)...max(merged.upperBound, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(start..<end, with: [merged])
    }

    /// Takes out all that is below `sequence`.
    package mutating func remove(before sequence: UInt64) {
        ranges.removeFirst(firstIndex(endingAtOrAfter: sequence))
        if let first = ranges.first, first.lowerBound < sequence { ranges[0] = sequence...first.upperBound }
    }

    private func firstIndex(endingAtOrAfter sequence: UInt64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
