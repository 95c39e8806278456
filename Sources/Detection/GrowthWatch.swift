import Signals
import Telemetry

/// What a growth watch sees: the numbers of a sentence.
struct GrowthReading: Sendable, Codable, Hashable {
    /// The pod or container.
    var contributor: String
    /// Its level now, a share.
    var level: Double
    /// Growth an hour.
    var perHour: Double
    /// Seconds to the limit at that growth, and at the fastest and slowest that the data allow.
    var seconds: Double
    var secondsLow: Double
    var secondsHigh: Double
    /// How long was looked at.
    var overSeconds: Double
}

/// Follows the floors of a share in its fullest contributors and tells when growth will reach the limit.
///
/// - A contributor's *floor* is its lowest value in three minutes: what no collection brings down. Floors of the last
///   two hours are kept, after the warm-up that follows a start; a fall to less than 60 % is a start anew.
/// - The slope is that of Theil and Sen (the median of the slopes of all pairs; Sen 1968), its bounds are Sen's at 98
///   %.
/// - Growth to a plateau is told by the levels of three equal parts: if they approach each other by a factor r, the
///   series ends at a limit of its own (Aitken's extrapolation), and only if that lies beyond the real limit it is a
///   leak.
/// - Growth that a collection took back before is none either: it must be a quarter more than the deepest sudden fall
///   of the last half day.
/// - Growth that stays within levels that the contributor had before and came back from (a daily peak, a collector that
///   waits) is not one either, unless it had filled up then.
///
/// At most three contributors of 40 floors: under 1 KiB. Slopes are computed once in three minutes, and only where the
/// floors have grown.
struct GrowthWatch: Sendable, Codable, Hashable {
    /// A horizon that stands for none: 30 days.
    static let never = 2_592_000.0
    static let contributorsMax = 3

    private var segments: [GrowthSegment] = []

    /// Bytes outside of the value itself.
    var heapBytes: Int {
        segments.reduce(0) { $0 + MemoryLayout<GrowthSegment>.stride + $1.heapBytes }
    }

    /// Takes a cell; nil as long as nothing can be said.
    mutating func take(_ point: SignalPoint, rule: Exhaustion) -> (value: Double, reading: GrowthReading?)? {
        let bucketMillis = Exhaustion.bucketMillis
        for contribution in point.contributions.prefix(8) where contribution.value.isFinite {
            guard let index = segment(of: contribution, at: point.at.millis) else { continue }
            segments[index].take(Float(contribution.value), at: point.at.millis, bucketMillis: bucketMillis, rule: rule)
        }
        let horizon = point.at.millis - 3 * bucketMillis
        if segments.contains(where: { $0.lastAt < horizon }) { segments.removeAll { $0.lastAt < horizon } }
        guard let worst = segments.min(by: { ($0.horizonSeconds, $0.name) < ($1.horizonSeconds, $1.name) }) else {
            return nil
        }
        if worst.horizonSeconds < Self.never { return (worst.horizonSeconds, worst.reading) }
        // As long as one has too short a history nobody knows that all is well.
        return segments.allSatisfy(\.isKnown) ? (Self.never, nil) : nil
    }

    private mutating func segment(of contribution: Contribution, at millis: Int64) -> Int? {
        if let known = segments.firstIndex(where: { $0.name == contribution.contributor }) { return known }
        if segments.count < Self.contributorsMax {
            segments.append(GrowthSegment(name: contribution.contributor, startAt: millis))
            return segments.count - 1
        }
        // A newcomer takes the place of one that is clearly less full and has nothing to tell.
        let lowest = segments.indices.min { segments[$0].lastValue < segments[$1].lastValue }
        guard let lowest, segments[lowest].horizonSeconds >= Self.never,
            Double(segments[lowest].lastValue) + 0.1 < contribution.value
        else { return nil }
        segments[lowest] = GrowthSegment(name: contribution.contributor, startAt: millis)
        return lowest
    }
}

/// One contributor's floors since it started.
struct GrowthSegment: Sendable, Codable, Hashable {
    let name: String
    /// Start of the segment, and the first bucket that counts.
    private var startAt: Int64
    private(set) var lastAt: Int64
    private(set) var lastValue: Float = 0
    private var bucket: Int64 = .min
    private var floor: Float = 0
    /// Oldest first, in two bytes each.
    private var floors: [PackedFloor] = []
    /// The highest floor before the ones kept, from which it came back.
    private var peakBefore: Float = 0
    /// The deepest fall within two buckets, forgotten by half in twelve hours: what a collection takes back.
    private var fallBefore: Float = 0
    private(set) var horizonSeconds = GrowthWatch.never
    private var growth: Growth?

    private static let fallKept: Float = 0.997_116
    /// Growth must be more than what collections took back before by this factor.
    private static let fallMargin: Float = 1.25

    /// What the last verdict saw.
    private struct Growth: Sendable, Codable, Hashable {
        var level: Float
        var perHour: Float
        var seconds: Float
        var secondsLow: Float
    }

    init(name: String, startAt: Int64) {
        self.name = name
        self.startAt = startAt
        lastAt = startAt
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { floors.count * MemoryLayout<PackedFloor>.stride + name.utf8.count }

    /// Whether there are enough floors for a verdict.
    var isKnown: Bool { floors.count >= Exhaustion.bucketsMin }

    mutating func take(_ value: Float, at millis: Int64, bucketMillis: Int64, rule: Exhaustion) {
        lastAt = millis
        lastValue = value
        let previous = floors.last(where: \.isKnown)?.level ?? (bucket == .min ? nil : floor)
        if let previous, value < previous * 0.6 { startAnew(at: millis) }
        guard millis - startAt >= rule.warmUp.wholeMilliseconds else { return }
        let current = (millis - 1) / bucketMillis
        if bucket == .min {
            bucket = current
            floor = value
        } else if current == bucket {
            floor = min(floor, value)
        } else {
            push(missing: min(Int64(Exhaustion.bucketsMax), current - bucket - 1))
            bucket = current
            floor = value
            judge(rule, bucketSeconds: Double(bucketMillis) / 1000)
        }
    }

    private mutating func startAnew(at millis: Int64) {
        peakBefore = max(peakBefore, PackedFloor.highest(floors[...]), floor)
        floors = []
        bucket = .min
        startAt = millis
        horizonSeconds = GrowthWatch.never
        growth = nil
    }

    private mutating func push(missing: Int64) {
        let before = floors.suffix(2).filter(\.isKnown).map(\.level).max() ?? floor
        fallBefore = max(fallBefore * Self.fallKept, before - floor)
        floors.append(PackedFloor(floor))
        for _ in 0..<max(0, missing) { floors.append(.missing) }
        let excess = floors.count - Exhaustion.bucketsMax
        guard excess > 0 else { return }
        peakBefore = max(peakBefore, PackedFloor.highest(floors.prefix(excess)))
        floors.removeFirst(excess)
    }

    private mutating func judge(_ rule: Exhaustion, bucketSeconds: Double) {
        horizonSeconds = GrowthWatch.never
        growth = nil
        let points = floors.enumerated().filter(\.element.isKnown).map {
            (x: Double($0.offset), y: Double($0.element.level))
        }
        guard points.count >= Exhaustion.bucketsMin, let trend = GrowthTrend(points, rule) else { return }
        // A level it was at before, and came back from, is no news; one that had filled up is.
        let peak = Double(peakBefore)
        guard peak > 0.9 * rule.limit || trend.level > peak + rule.minimumGrowth else { return }
        let lowest = points.map(\.y).min() ?? 0
        guard trend.level - lowest > Double(fallBefore * Self.fallMargin) else { return }
        guard trend.slowest > 0, let buckets = trend.bucketsUntil(rule.limit) else { return }
        let room = max(0, rule.limit - trend.level)
        let seconds = buckets * bucketSeconds
        guard seconds <= rule.reachMax * Double(floors.count) * bucketSeconds else { return }
        let slowest = max(seconds, room / trend.slowest * bucketSeconds)
        // What the slowest growth that the data allow leaves is what is sure.
        horizonSeconds = min(GrowthWatch.never, slowest)
        growth = Growth(
            level: Float(trend.level), perHour: Float(trend.slope / bucketSeconds * 3600), seconds: Float(seconds),
            secondsLow: Float(min(seconds, room / trend.fastest * bucketSeconds)))
    }

    /// The numbers of the sentence; nil while nothing grows towards its limit.
    var reading: GrowthReading? {
        growth.map {
            GrowthReading(
                contributor: name, level: Double($0.level), perHour: Double($0.perHour), seconds: Double($0.seconds),
                secondsLow: Double($0.secondsLow), secondsHigh: horizonSeconds,
                overSeconds: Double(floors.count) * Double(Exhaustion.bucketMillis) / 1000)
        }
    }
}

/// A floor of a share in two bytes: multiples of 1/32768, up to 2.
struct PackedFloor: Sendable, Codable, Hashable {
    private let units: UInt16

    /// A bucket without a value.
    static let missing = PackedFloor(units: .max)

    init(_ level: Float) { units = UInt16(min(max(0, level * 32_768), Float(UInt16.max - 1)).rounded()) }

    private init(units: UInt16) { self.units = units }

    init(from decoder: any Decoder) throws { units = try decoder.singleValueContainer().decode(UInt16.self) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(units)
    }

    var isKnown: Bool { units != .max }

    var level: Float { Float(units) / 32_768 }

    /// The highest known level, 0 when none is.
    static func highest(_ floors: ArraySlice<PackedFloor>) -> Float {
        floors.filter(\.isKnown).map(\.level).max() ?? 0
    }
}

/// A robust line through floors; x counts buckets.
struct GrowthTrend {
    let slope: Double
    let slowest: Double
    let fastest: Double
    /// Means of the first, middle and last third, and the standard error of each.
    private let parts: (first: Double, middle: Double, last: Double)
    private let partError: Double
    /// Slope of the later half.
    private let late: Double
    private let partBuckets: Double

    /// The level now: that of the last third, moved on by half its length and by the bucket in which a floor comes
    /// first.
    let level: Double

    /// Nil when too little has grown, or not far enough.
    init?(_ points: [(x: Double, y: Double)], _ rule: Exhaustion) {
        let third = points.count / 3
        let values = points.map(\.y)
        parts = (
            Self.mean(values.prefix(third)), Self.mean(values.dropFirst(third).dropLast(third)),
            Self.mean(values.suffix(third))
        )
        partError = Self.noise(values) / Double(max(1, third)).squareRoot()
        guard third > 0, parts.last - parts.first >= rule.minimumGrowth, parts.last >= rule.minimumLevel * 0.9 else {
            return nil
        }
        let (all, slopes) = Self.theilSen(points)
        slope = all
        (slowest, fastest) = Self.bounds(slopes, count: points.count)
        late = Self.theilSen(points.suffix((points.count + 1) / 2)).median
        partBuckets = Double(points.count - third) / 2
        let now = parts.last + max(0, min(slope, late)) * Double(third + 1) / 2
        level = min(now, (values.last ?? now) + max(0, slope))
        guard slope > 0, Self.isSteady(values), level >= rule.minimumLevel else { return nil }
    }

    /// Buckets until the level is reached, nil when growth ends before.
    func bucketsUntil(_ limit: Double) -> Double? {
        let room = limit - level
        guard room > 0 else { return 0 }
        let (early, later) = (parts.middle - parts.first, parts.last - parts.middle)
        guard later > 0, late > 0 else { return nil }
        let linear = room / min(slope, late)
        // In doubt growth slows down: hours are told from less than one.
        guard early > 0, later - partError < (early + partError) * 0.95 else { return linear }
        let factor = max(0.01, (later - partError) / (early + partError))
        let reach = later * factor / (1 - factor)
        guard reach > room else { return nil }
        // later × (r + r² + … + r^k) = room, solved for k.
        let remaining = 1 - room / reach
        return max(linear, partBuckets * Self.logarithm(remaining, base: factor))
    }

    private static func logarithm(_ value: Double, base: Double) -> Double {
        NaturalLog.of(max(value, 1e-12)) / NaturalLog.of(base)
    }

    private static func theilSen(_ points: some RandomAccessCollection<(x: Double, y: Double)>) -> (
        median: Double, slopes: [Double]
    ) {
        let list = Array(points)
        var slopes: [Double] = []
        slopes.reserveCapacity(list.count * (list.count - 1) / 2)
        for right in list.indices.dropFirst() {
            for left in 0..<right { slopes.append((list[right].y - list[left].y) / (list[right].x - list[left].x)) }
        }
        slopes.sort()
        return (slopes.isEmpty ? 0 : middle(slopes), slopes)
    }

    /// Sen's bounds of the slope: ranks at 2.33 standard deviations of Kendall's statistic (98 %).
    private static func bounds(_ slopes: [Double], count: Int) -> (Double, Double) {
        guard let least = slopes.first, let greatest = slopes.last else { return (0, 0) }
        let n = Double(count)
        let spread = 2.33 * (n * (n - 1) * (2 * n + 5) / 18).squareRoot()
        let low = Int(((Double(slopes.count) - spread) / 2).rounded(.down))
        let high = slopes.count - 1 - low
        guard low > 0, high < slopes.count else { return (least, greatest) }
        return (slopes[low], slopes[high])
    }

    /// A jump is no growth: from quarter to quarter the level must rise, each time by an eighth of the whole at least.
    private static func isSteady(_ values: [Double]) -> Bool {
        let count = values.count
        let quarters = (0..<4).map { mean(values[(count * $0 / 4)..<(count * ($0 + 1) / 4)]) }
        let least = (quarters[3] - quarters[0]) / 8
        return (1...3).allSatisfy { quarters[$0] - quarters[$0 - 1] >= least }
    }

    private static func mean(_ values: ArraySlice<Double>) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }

    /// Standard deviation of one floor about a smooth course, from second differences, which a slope does not touch:
    /// their variance is six times that of a value.
    private static func noise(_ values: [Double]) -> Double {
        guard values.count >= 3 else { return 0 }
        let bends = (2..<values.count).map { index -> Double in
            let outer: Double = values[index] + values[index - 2]
            return abs(outer - 2 * values[index - 1])
        }
        return 1.4826 * middle(bends.sorted()) / 6.0.squareRoot()
    }

    private static func middle(_ sorted: [Double]) -> Double {
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }
}
