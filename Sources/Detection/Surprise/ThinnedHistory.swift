/// Quantiles of a history that reaches far back in little room: at first every value is kept, and each time the room is
/// full every other one goes, until one in sixteen is taken; then the oldest makes way.
struct ThinnedHistory: Sendable, Codable, Hashable {
    private var ring: [Float] = []
    private var sorted: [Float] = []
    /// The oldest value, once the room is full.
    private var head = 0
    private var stride = 1
    private var index = 0

    private static let room = 128
    private static let strideMax = 16
    /// Values that a verdict takes.
    private static let least = 10

    /// Spreads that a value is away from the median of what was before it.
    ///
    /// A spread is the greatest of what the 10 % and 90 % quantiles, and the quartiles, say of a normal law, and of a
    /// fiftieth of the range.
    mutating func take(_ value: Double) -> Double {
        let score = score(Float(value))
        if index % stride == 0 { keep(Float(value)) }
        index += 1
        return score
    }

    private func score(_ value: Float) -> Double {
        guard sorted.count >= Self.least else { return 0 }
        func quantile(_ share: Double) -> Double { Double(sorted[Int(share * Double(sorted.count - 1))]) }
        let median = Double(sorted[sorted.count / 2])
        let range = Double(sorted[sorted.count - 1] - sorted[0])
        let tails = (quantile(0.9) - quantile(0.1)) / 2.563
        let quarters = (quantile(0.75) - quantile(0.25)) / 1.349
        var spread = max(tails, quarters, 0.02 * range)
        if spread <= 0 { spread = max(1e-9, abs(median) * 1e-3) }
        return (Double(value) - median) / spread
    }

    private mutating func keep(_ value: Float) {
        if ring.count < Self.room {
            ring.append(value)
            sorted.insert(value, at: position(of: value))
        } else if stride < Self.strideMax {
            ring = Swift.stride(from: 0, to: ring.count, by: 2).map { ring[$0] }
            sorted = ring.sorted()
            stride *= 2
            if index % stride == 0 { keep(value) }
        } else {
            let oldest = position(of: ring[head])
            ring[head] = value
            head = (head + 1) % Self.room
            replace(oldest, with: value)
        }
    }

    private mutating func replace(_ oldest: Int, with value: Float) {
        var place = oldest
        while place + 1 < sorted.count, sorted[place + 1] < value {
            sorted[place] = sorted[place + 1]
            place += 1
        }
        while place > 0, sorted[place - 1] > value {
            sorted[place] = sorted[place - 1]
            place -= 1
        }
        sorted[place] = value
    }

    /// The first place whose value is not less.
    private func position(of value: Float) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { 2 * Self.room * MemoryLayout<Float>.stride }
}
