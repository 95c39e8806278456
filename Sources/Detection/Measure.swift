package import Signals

/// How a check's value comes from its signal: the levels `enter` and `leave` are levels of this value.
package enum Measure: Hashable, Sendable, Codable {
    /// The signal itself over the check's window.
    case signal
    /// How many times faster than allowed an error budget is spent.
    case burnRate(BurnRate)
    /// Seconds until a growing share reaches its limit; direction `below`.
    case timeToExhaustion(Exhaustion)
    /// Usual spreads that the signal is away from what is usual at this hour; direction `above`. Adaptive.
    case deviation(Baseline)
    /// Usual spreads that the last quarter of an hour is away from the time before; direction `above`. Adaptive.
    case shift(LevelShift)
    /// How odd the course of the signal is, as a multiple of what is told of; direction `above`. Adaptive.
    case surprise(Baseline)

    /// Whether the level is learned rather than configured: such findings alone are worth P3 at most.
    package var isAdaptive: Bool {
        switch self {
        case .deviation, .shift, .surprise: true
        case .signal, .burnRate, .timeToExhaustion: false
        }
    }

    /// Whether what is told of a part of a cell and of its rest comes to the same as the cell in one.
    var addsUp: Bool {
        switch self {
        case .signal, .burnRate: true
        case .timeToExhaustion, .deviation, .shift, .surprise: false
        }
    }

    /// How long the measure itself looks before it says anything, beside the check's `for`.
    package var evidence: Duration {
        switch self {
        case .signal, .burnRate: .zero
        case .timeToExhaustion(let exhaustion):
            exhaustion.warmUp + Exhaustion.bucket * (Exhaustion.bucketsMin + 1)
        case .deviation: .seconds(2 * 86_400)
        case .shift: LevelShift.bucket * (LevelShift.recentBuckets + LevelShift.referenceBuckets)
        case .surprise: .seconds(CellMean.secondsMin) * SurpriseAlarm.magnitudeFrom
        }
    }
}

/// An error budget and the two windows over which its use is judged; both must burn for the value to be high.
///
/// Source: Google, "The Site Reliability Workbook", chapter 5, multiwindow multi-burn-rate alerts.
package struct BurnRate: Hashable, Sendable, Codable {
    /// Share of requests that shall succeed, 0..<1, such as 0.99.
    package var objective: Double
    /// The window that tells that it matters, such as 1 h.
    package var long: Duration
    /// The window that tells that it still goes on, such as 5 min.
    package var short: Duration

    /// Makes a budget.
    package init(objective: Double, long: Duration, short: Duration) {
        self.objective = objective
        self.long = long
        self.short = short
    }
}

/// When the growth of a share (of heap, of a memory limit) is a leak.
package struct Exhaustion: Hashable, Sendable, Codable {
    /// The level that ends it, 1 for a share.
    package var limit: Double
    /// Below this level nothing is said: collectors leave garbage in the old generation up to about half of the heap.
    package var minimumLevel: Double
    /// Growth over the time looked at must be at least this.
    package var minimumGrowth: Double
    /// The limit must not be further away than this many times what was looked at: hours are not told from minutes.
    package var reachMax: Double
    /// This long after a start nothing is looked at: classes, caches and pools fill up.
    package var warmUp: Duration

    /// The lowest values of this long are one bucket.
    static let bucket = Duration.seconds(180)
    static let bucketMillis: Int64 = 180_000
    /// Buckets that a verdict takes at least: about 20 min.
    static let bucketsMin = 7
    /// Buckets that are looked at at most: 2 h.
    static let bucketsMax = 40

    /// Makes a rule.
    package init(
        limit: Double = 1, minimumLevel: Double = 0.65, minimumGrowth: Double = 0.03, reachMax: Double = 4,
        warmUp: Duration = .seconds(600)
    ) {
        self.limit = limit
        self.minimumLevel = minimumLevel
        self.minimumGrowth = minimumGrowth
        self.reachMax = reachMax
        self.warmUp = warmUp
    }
}

/// What is usual at an hour of the week, learned from the signal.
package struct Baseline: Hashable, Sendable, Codable {
    /// Which side is unusual.
    package enum Side: String, Sendable, Codable, CaseIterable {
        case up, down, both
    }

    /// Which side is unusual.
    package var side: Side
    /// The greater of value and usual must be at least this.
    package var minimumValue: Double
    /// The value must be at least this many times what is usual, or the usual that many times the value; 1: any.
    package var minimumRatio: Double

    /// Makes a rule.
    package init(side: Side = .both, minimumValue: Double = 0, minimumRatio: Double = 1.5) {
        self.side = side
        self.minimumValue = minimumValue
        self.minimumRatio = minimumRatio
    }
}

/// When a change of level within a quarter of an hour is a shift.
package struct LevelShift: Hashable, Sendable, Codable {
    /// Which side counts.
    package var side: Baseline.Side
    /// The levels before and after must differ by at least this factor.
    package var minimumRatio: Double

    /// Means of this long are one bucket.
    static let bucket = Duration.seconds(300)
    /// Buckets of the new level: a quarter of an hour.
    static let recentBuckets = 3
    /// Buckets of the level before: an hour.
    static let referenceBuckets = 12

    /// Makes a rule.
    package init(side: Baseline.Side = .both, minimumRatio: Double = 1.5) {
        self.side = side
        self.minimumRatio = minimumRatio
    }
}

/// A second test for ratios of quiet services: a confidence bound in place of the minimum volume.
///
/// It breaches when so many errors would be less likely than 1 - `confidence` if the true ratio were `enter` (the exact
/// binomial tail, which is the lower bound of Clopper and Pearson, 1934), or at `enoughErrors` errors and a ratio of
/// `enter`.
package struct LowVolume: Hashable, Sendable, Codable {
    /// One-sided confidence, 0..<1.
    package var confidence: Double
    /// How far back it looks.
    package var window: Duration
    /// This many errors need no bound.
    package var enoughErrors: Double

    /// Makes a test; with the defaults one error in three requests is nothing and nine in ten are a breach of 5 %.
    package init(confidence: Double = 0.999, window: Duration = .seconds(3600), enoughErrors: Double = 20) {
        self.confidence = confidence
        self.window = window
        self.enoughErrors = enoughErrors
    }
}

extension Check {
    /// What unit the value, `enter` and `leave` have: the signal's own, or the measure's.
    package var valueSignal: SignalName {
        switch measure {
        case .signal: signal
        case .burnRate: .burnRate
        case .timeToExhaustion: .exhaustionSeconds
        case .deviation: .deviation
        case .shift: .levelShift
        case .surprise: .surprise
        }
    }
}

extension SignalName {
    /// Multiples of the rate at which an error budget may be spent.
    package static let burnRate = SignalName(rawValue: "burn_rate")
    /// Seconds until a growing share reaches its limit.
    package static let exhaustionSeconds = SignalName(rawValue: "exhaustion_seconds")
    /// Usual spreads away from what is usual.
    package static let deviation = SignalName(rawValue: "deviation")
    /// Multiples of what is told of.
    package static let surprise = SignalName(rawValue: "surprise")
    /// Usual spreads away from the level before.
    package static let levelShift = SignalName(rawValue: "level_shift")
}
