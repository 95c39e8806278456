/// A set of sequences as ascending ranges that neither overlap nor touch.
struct SequenceRanges: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt64>] = []

    /// The range that holds `sequence`.
    func range(containing sequence: UInt64) -> ClosedRange<UInt64>? {
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
    func range(after sequence: UInt64) -> ClosedRange<UInt64>? {
        ranges[firstIndex(endingAtOrAfter: sequence)...].first { $0.lowerBound > sequence }
    }

    mutating func insert(_ new: ClosedRange<UInt64>) {
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

    mutating func remove(before sequence: UInt64) {
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
