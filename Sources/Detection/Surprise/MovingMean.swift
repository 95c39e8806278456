/// Mean of the last values.
struct MovingMean: Sendable, Codable, Hashable {
    private var ring: FloatRow
    private var count = 0
    private var sum = 0.0

    init(of length: Int) {
        ring = FloatRow(count: length)
    }

    mutating func take(_ value: Double) -> Double {
        let length = ring.values.count
        let place = count % length
        sum += Double(Float(value)) - Double(ring.values[place])
        ring.values[place] = Float(value)
        count += 1
        // What rounding left over goes once a round.
        if place == length - 1 { sum = ring.values.reduce(0) { $0 + Double($1) } }
        return sum / Double(min(count, length))
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { ring.heapBytes }
}
