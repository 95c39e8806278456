import Glibc

/// How rare a number is on its side of zero: -log10 of the share of the past, slowly forgotten, that was as extreme.
///
/// Numbers are counted in bins of a quarter of an octave. Beyond the largest number seen the tail goes on by the law of
/// Pareto whose exponent is that of the top 2 % (Hill 1975).
struct TailHistogram: Sendable, Codable, Hashable {
    /// Bins of numbers from zero on, then those below zero where the number has two sides.
    private var bins: FloatRow
    private var total = 0.0
    private var weight = 1.0
    private var count = 0

    static let binsOfSide = 64
    private static let binsAnOctave = 4.0
    /// Bin of 1.
    private static let unitBin = 16
    /// A number counts half as much as one that comes this many later.
    private static let halfLife = 4000.0
    /// Numbers that a verdict takes.
    private static let least = 100
    private static let topShare = 0.02
    private static let growth = exp2(1 / halfLife)
    /// Weights are brought down when they have grown to this.
    private static let weightMax = 1e6

    init(sides: Int) {
        bins = FloatRow(count: sides * Self.binsOfSide)
    }

    mutating func take(_ number: Double) -> Double {
        let side = number >= 0 || bins.values.count == Self.binsOfSide ? 0 : Self.binsOfSide
        let octaves = log2(abs(number) + 1e-12) * Self.binsAnOctave
        let floor = octaves.rounded(.down)
        let bin = min(max(Int(floor) + Self.unitBin, 0), Self.binsOfSide - 1)
        let surprise = count >= Self.least ? surprise(side, bin, part: octaves - floor) : 0
        bins.values[side + bin] += Float(weight)
        total += weight
        weight *= Self.growth
        count += 1
        if weight > Self.weightMax { bringDown() }
        return surprise
    }

    private mutating func bringDown() {
        for bin in bins.values.indices { bins.values[bin] /= Float(weight) }
        total /= weight
        weight = 1
    }

    private func surprise(_ side: Int, _ bin: Int, part: Double) -> Double {
        bins.values.withUnsafeBufferPointer { bins in
            let last = Self.binsOfSide - 1
            let above = Self.sum(bins, from: side + bin + 1, to: side + last + 1)
            let share = bin > 0 && bin < last ? 1 - part : 0.5
            let extreme = Double(above) + Double(bins[side + bin]) * share
            let surprise = -log10((extreme + 0.5 * weight) / (total + weight))
            guard above <= 0, bins[side + bin] <= 0 else { return surprise }
            return surprise + beyond(bins, side, bin, part)
        }
    }

    private static func sum(_ bins: UnsafeBufferPointer<Float>, from first: Int, to end: Int) -> Float {
        var lanes = SIMD8<Float>()
        var place = first
        if let raw = UnsafeRawPointer(bins.baseAddress) {
            while place + 8 <= end {
                lanes += (raw + place * 4).loadUnaligned(as: SIMD8<Float>.self)
                place += 8
            }
        }
        var sum = lanes.sum()
        while place < end {
            sum += bins[place]
            place += 1
        }
        return sum
    }

    /// What lies beyond all that was seen: octaves beyond, over the mean excess of the top numbers.
    private func beyond(_ bins: UnsafeBufferPointer<Float>, _ side: Int, _ bin: Int, _ part: Double) -> Double {
        guard let top = (0..<Self.binsOfSide).last(where: { bins[side + $0] > 0 }), bin > top else {
            return 0
        }
        var held = 0.0
        var excess = 0.0
        var first = top
        while first > 0, held < Self.topShare * total {
            held += Double(bins[side + first])
            first -= 1
        }
        for place in (first + 1)..<max(first + 1, top + 1) {
            excess += Double(bins[side + place]) * (Double(place - first) - 0.5)
        }
        let mean = max(1, excess / max(held, 1e-9))
        return (Double(bin - top - 1) + part) / mean * 0.4343
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { bins.heapBytes }
}
