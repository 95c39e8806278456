import Telemetry

/// What a baseline or a shift sees: the numbers of a sentence.
struct UsualReading: Sendable, Codable, Hashable {
    /// The value judged, smoothed.
    var value: Double
    /// What is usual, or was the level before.
    var usual: Double
    /// How often the hour of the week was seen; 0 for shifts.
    var weeks: Int
}

/// What is usual at each hour of the week, with the usual spread about it.
///
/// - *Season*: a mean for each of the 168 hours of the week (UTC), on a logarithmic scale; hours join into each other
///   along straight lines. An hour that was not seen twice borrows from the same hour of other days of its sort
///   (weekdays, weekend); where fewer than two are known nothing is said.
/// - *Level*: what the last hours differ from the season by, followed with a time constant of 6 h.
/// - *Spread*: 1.25 times the mean absolute distance (which is the standard deviation of a normal law), over 12 h.
/// - Robust: each distance counts at most three spreads, so that an outage of an hour hardly moves anything.
///
/// State: 168 means and counts, under 1.5 KiB.
struct BaselineModel: Sendable, Codable, Hashable {
    private var means: [Float] = []
    private var counts: [UInt8] = []
    private var hour: Int64 = .min
    private var hourSum = 0.0
    private var hourCells = 0.0
    private var hourExpected = 0.0
    /// Season at the centres of the hour before, this hour and the next; nil where nothing is known.
    private var season: [Double?] = [nil, nil, nil]
    private var level = 0.0
    private var spread = 0.0
    private var spreadSeconds = 0.0
    private var smoothed: Double?
    /// The step, and the weight of a cell in the smoothed value; looked at anew each hour.
    private var stepSeconds = 10.0
    private var share = 1.0

    /// Bytes outside of the value itself.
    var heapBytes: Int { means.capacity * 4 + counts.capacity + season.capacity * 16 }

    /// The spread is never thought less than this: 5 %.
    static let spreadMin = 0.05
    static let hoursOfWeek: Int64 = 168

    /// Takes a value and gives how many spreads it is away from what is usual; nil as long as that is not known.
    mutating func take(
        _ value: Double, at time: Timestamp, step: Duration, smoothing: Duration
    ) -> (score: Double, reading: UsualReading)? {
        let scaled = SignalScale.scaled(value)
        let current = (time.millis - 1) / 3_600_000
        if current != hour {
            startHour(current)
            stepSeconds = step.inSeconds
            share = smoothing > step ? min(1, 2 * stepSeconds / (smoothing.inSeconds + stepSeconds)) : 1
        }
        let smooth = smoothed.map { $0 + share * (scaled - $0) } ?? scaled
        smoothed = smooth
        guard let expected = season(at: time.millis) else {
            note(scaled, clippedTo: nil)
            return nil
        }
        let distance = smooth - expected - level
        let usualSpread = max(Self.spreadMin, spread)
        let isLearning = spreadSeconds < 43_200
        note(scaled, clippedTo: isLearning ? nil : (expected + level, 3 * usualSpread))
        learn(distance, usualSpread: usualSpread, isLearning: isLearning)
        guard !isLearning else { return nil }
        let reading = UsualReading(
            value: SignalScale.unscaled(smooth), usual: SignalScale.unscaled(expected + level), weeks: seen(hour))
        return (distance / usualSpread, reading)
    }

    private mutating func learn(_ distance: Double, usualSpread: Double, isLearning: Bool) {
        spreadSeconds = min(43_200, spreadSeconds + stepSeconds)
        let bound = isLearning ? Double.infinity : 3 * usualSpread
        let clipped = min(max(distance, -bound), bound)
        level += clipped * min(1, stepSeconds / 21_600)
        spread += (1.2533 * abs(clipped) - spread) * min(1, stepSeconds / max(stepSeconds, spreadSeconds))
    }

    private mutating func note(_ scaled: Double, clippedTo usual: (centre: Double, width: Double)?) {
        if let usual {
            hourSum += min(max(scaled, usual.centre - usual.width), usual.centre + usual.width)
        } else {
            hourSum += scaled
        }
        hourCells += 1
    }

    // MARK: Hours

    private mutating func startHour(_ next: Int64) {
        if hour != .min, hourCells > 0 { remember(hourSum / hourCells) }
        hour = next
        hourSum = 0
        hourCells = 0
        season = [usual(next - 1), usual(next), usual(next + 1)]
    }

    private mutating func remember(_ mean: Double) {
        if means.isEmpty {
            means = Array(repeating: 0, count: Int(Self.hoursOfWeek))
            counts = Array(repeating: 0, count: Int(Self.hoursOfWeek))
        }
        let index = Self.index(hour)
        // The first weeks are averaged; then a week counts a quarter.
        let weight = max(0.25, 1 / (Float(counts[index]) + 1))
        means[index] += (Float(mean) - means[index]) * weight
        if counts[index] < .max { counts[index] += 1 }
    }

    private func seen(_ hour: Int64) -> Int { counts.isEmpty ? 0 : Int(counts[Self.index(hour)]) }

    /// The usual mean of an hour: its own, else that of the days of its sort; nil when fewer than two are known.
    private func usual(_ hour: Int64) -> Double? {
        guard !counts.isEmpty else { return nil }
        let index = Self.index(hour)
        if counts[index] >= 2 { return Double(means[index]) }
        let days: ClosedRange<Int> = index < 120 ? 0...4 : 5...6
        var sum = 0.0
        var known = 0.0
        for day in days where counts[day * 24 + index % 24] > 0 {
            sum += Double(means[day * 24 + index % 24])
            known += 1
        }
        return known >= 2 ? sum / known : nil
    }

    private func season(at millis: Int64) -> Double? {
        guard let own = season[1] else { return nil }
        let position = Double((millis - 1) - hour * 3_600_000) / 3_600_000
        let neighbour = position < 0.5 ? season[0] : season[2]
        guard let neighbour else { return own }
        return own + (neighbour - own) * abs(position - 0.5)
    }

    /// Hours since Monday 00:00 UTC; 1970-01-01 was a Thursday.
    private static func index(_ hour: Int64) -> Int {
        Int(((hour + 72) % hoursOfWeek + hoursOfWeek) % hoursOfWeek)
    }
}

/// The level of the last quarter of an hour against the hour before it.
///
/// State: 16 means of five minutes.
struct ShiftModel: Sendable, Codable, Hashable {
    private var bucket: Int64 = .min
    private var sum = 0.0
    private var cells = 0.0
    /// Oldest first, on a logarithmic scale.
    private var means: [Float] = []
    private var score: Double?
    private var reading: UsualReading?

    /// Bytes outside of the value itself.
    var heapBytes: Int { means.capacity * 4 }

    /// The spread is never thought less than this: 5 %.
    static let spreadMin = 0.05

    mutating func take(_ value: Double, at time: Timestamp) -> (score: Double, reading: UsualReading)? {
        let current = (time.millis - 1) / LevelShift.bucket.wholeMilliseconds
        if current != bucket {
            // After a gap of more than a bucket levels are not comparable.
            if bucket != .min, current - bucket > 2 {
                means = []
            } else if bucket != .min, cells > 0 {
                means.append(Float(sum / cells))
                if means.count > LevelShift.recentBuckets + LevelShift.referenceBuckets { means.removeFirst() }
            }
            bucket = current
            sum = 0
            cells = 0
            judge()
        }
        sum += SignalScale.scaled(value)
        cells += 1
        guard let score, let reading else { return nil }
        return (score, reading)
    }

    private mutating func judge() {
        score = nil
        reading = nil
        guard means.count == LevelShift.recentBuckets + LevelShift.referenceBuckets else { return }
        let recent = Self.median(means.suffix(LevelShift.recentBuckets))
        let reference = means.prefix(LevelShift.referenceBuckets)
        let before = Self.median(reference)
        // 1.4826: the median distance of a normal law to its standard deviation.
        let spread = max(Self.spreadMin, 1.4826 * Self.median(ArraySlice(reference.map { abs($0 - Float(before)) })))
        score = (recent - before) / spread
        reading = UsualReading(value: SignalScale.unscaled(recent), usual: SignalScale.unscaled(before), weeks: 0)
    }

    private static func median(_ values: ArraySlice<Float>) -> Double {
        let sorted = values.sorted()
        let half = sorted.count / 2
        return Double(sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2)
    }
}
