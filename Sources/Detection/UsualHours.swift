import Telemetry

/// What a quantile usually is at an hour of the day, learned while nothing is wrong.
///
/// Each hour is a mean of the days: the first ones count alike, later ones a quarter each, and a day counts no more
/// than twice what was known. An hour is known from the day after its first one on.
///
/// State: 24 means and their counts, 150 bytes.
struct UsualHours: Sendable, Codable, Hashable {
    private var means = FloatRow(count: hours)
    private var counts = [UInt8](repeating: 0, count: hours)
    /// The hour that goes on, in hours since 1970, and what it had so far.
    private var hour: Int64 = .min
    private var weighted = 0.0
    private var weight = 0.0

    private static let hours = 24
    private static let hourMillis: Int64 = 3_600_000

    /// What is usual at a time: the greatest of its hour and the two around it, so that what comes every day need not
    /// come on the minute; nil where the hour itself is not known.
    func usual(at millis: Int64) -> Double? {
        let index = Self.index(Self.hour(of: millis))
        guard counts[index] > 0 else { return nil }
        let around = [index, (index + 1) % Self.hours, (index + Self.hours - 1) % Self.hours]
        return around.filter { counts[$0] > 0 }.map { Double(means.values[$0]) }.max()
    }

    /// Takes a cell in which nothing was wrong.
    mutating func note(_ value: Double, of requests: Double, at millis: Int64) {
        let current = Self.hour(of: millis)
        if current != hour {
            if weight > 0 { remember(weighted / weight) }
            (hour, weighted, weight) = (current, 0, 0)
        }
        weighted += value * requests
        weight += requests
    }

    private mutating func remember(_ mean: Double) {
        let index = Self.index(hour)
        let known = Double(means.values[index])
        let clipped = counts[index] > 0 ? min(mean, 2 * known) : mean
        means.values[index] += Float((clipped - known) * max(0.25, 1 / (Double(counts[index]) + 1)))
        if counts[index] < .max { counts[index] += 1 }
    }

    /// A cell that ends with the hour is of it.
    private static func hour(of millis: Int64) -> Int64 { (millis - 1) / hourMillis }

    private static func index(_ hour: Int64) -> Int { Int((hour % 24 + 24) % 24) }

    /// Bytes outside of the value itself.
    var heapBytes: Int { means.heapBytes + counts.count }
}
