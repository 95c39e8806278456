/// How far the course of the last two dozen values is from the nearest of those before.
///
/// The distance is the root of the mean squared difference (the discord of Keogh, Lin and Fu 2005, over a bounded
/// past).
/// Sums of squares for each lag l are kept and moved on: D(l) += (x(i) - x(i-l))² - (x(i-m) - x(i-m-l))². One lag a
/// value is summed anew, so that rounding does not pile up.
struct PatternNovelty: Sendable, Codable, Hashable {
    /// The newest first.
    private var past = FloatRow(count: lags + length + 1)
    private var sums = FloatRow(count: lags)
    private var count = 0

    private static let length = 24
    private static let lags = 392
    /// A value beyond this many deviations adds nothing to what is new already.
    private static let clip = 1000.0

    /// Takes a value in usual deviations; 0 as long as there is nothing to compare with.
    mutating func take(_ value: Double) -> Double {
        let value = Float(min(max(value, -Self.clip), Self.clip))
        let index = count
        count += 1
        let least = past.values.withUnsafeMutableBufferPointer { past in
            sums.values.withUnsafeMutableBufferPointer { sums in
                Self.move(past, sums, value, index)
            }
        }
        return (Double(max(0, least)) / Double(Self.length)).squareRoot()
    }

    private static func move(
        _ past: UnsafeMutableBufferPointer<Float>, _ sums: UnsafeMutableBufferPointer<Float>, _ value: Float,
        _ index: Int
    ) -> Float {
        guard let newest = past.baseAddress else { return 0 }
        (newest + 1).update(from: newest, count: past.count - 1)
        past[0] = value
        let leaving = past[length]
        let known = max(0, min(lags, index - length))
        for lag in 0..<known {
            let (came, went) = (value - past[lag + 1], leaving - past[length + 1 + lag])
            sums[lag] += came * came - went * went
        }
        for lag in known..<max(known, min(lags, index)) {
            let came = value - past[lag + 1]
            sums[lag] += came * came
        }
        // Lags whose course is whole.
        let whole = min(lags, index - length + 1)
        guard whole >= length else { return 0 }
        let renewed = index % whole
        if index >= renewed + length { sums[renewed] = distance(past, lag: renewed) }
        return least(sums, from: length - 1, to: whole)
    }

    private static func distance(_ past: UnsafeMutableBufferPointer<Float>, lag: Int) -> Float {
        var sum: Float = 0
        for place in 0..<length {
            let difference = past[place] - past[place + lag + 1]
            sum += difference * difference
        }
        return sum
    }

    private static func least(_ sums: UnsafeMutableBufferPointer<Float>, from first: Int, to end: Int) -> Float {
        // Two times eight at a time: the compiler does not reorder comparisons of floats by itself.
        var even = SIMD8<Float>(repeating: .infinity)
        var odd = even
        var place = first
        if let raw = UnsafeRawPointer(sums.baseAddress) {
            while place + 16 <= end {
                let one = (raw + place * 4).loadUnaligned(as: SIMD8<Float>.self)
                let other = (raw + place * 4 + 32).loadUnaligned(as: SIMD8<Float>.self)
                even.replace(with: one, where: one .< even)
                odd.replace(with: other, where: other .< odd)
                place += 16
            }
        }
        even.replace(with: odd, where: odd .< even)
        var least = even.min()
        while place < end {
            least = min(least, sums[place])
            place += 1
        }
        return least
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { past.heapBytes + sums.heapBytes }
}
