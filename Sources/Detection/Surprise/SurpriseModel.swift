import Glibc
package import Telemetry

/// How odd the last values of a series are, learned from the series alone, in one pass and bounded room.
///
/// Values are taken in cells of five minutes at least (faster series are averaged). Two judges share a cell:
/// - *Shape*: four numbers, each against its own past, as -log10 of how rare it is, and summed: the value less what is
///   usual at its hour (where hours tell more than the level), the mean of 60 cells, that of 30 cells, and how new the
///   course of the last 24 cells is. It needs a past: below 120 cells it is silent, and less sure up to some hundred.
/// - *Magnitude*: mean deviations that the value is away from the level, and from what is usual at its hour; the lesser
///   counts. It needs 20 cells, is trusted while there is no tail to judge by (up to 750 cells), and fades after.
///
/// Both are multiples of a threshold of their own, so 1 is an alarm. `SurpriseAlarm` says which ones are told.
///
/// Measured on the given half of ../shared/detect (2026-11-28): `docs/detection.md`. State: under 8 KiB.
package struct SurpriseModel: Sendable, Codable, Hashable {
    /// What a cell came to.
    package struct Verdict: Sendable, Codable, Hashable {
        /// The greater of the two judges' scores, as multiples of their thresholds.
        package var score: Double
        /// The score if it is an alarm that was not told before, else 0.
        package var alarm: Double
        /// Mean of the cell.
        package var value: Double
        /// What is usual: the level, or what earlier days had at this hour where that tells more.
        package var usual: Double
    }

    private var cell = CellMean()
    private var slow = RobustLevel()
    private var fast = RobustLevel()
    private var sidedValue = RobustLevel()
    private var sidedResidual = RobustLevel()
    private var day = DayProfile()
    private var longMean = MovingMean(of: 60)
    private var shortMean = MovingMean(of: 30)
    private var residuals = ThinnedHistory()
    private var longMeans = ThinnedHistory()
    private var pattern = PatternNovelty()
    private var residualTail = TailHistogram(sides: 2)
    private var longTail = TailHistogram(sides: 2)
    private var shortTail = TailHistogram(sides: 2)
    private var patternTail = TailHistogram(sides: 1)
    private var alarm = SurpriseAlarm()

    private static let slowRate = 0.002
    private static let fastRate = 0.01
    private static let fastClip = 8.0
    /// Far beyond any measurement, and far from what numbers of four bytes hold.
    private static let valueMax = 1e30

    /// Makes a model that knows nothing.
    package init() {}

    /// Takes a value over the step that ends at a time, of a weight in its cell; nil until a cell is full.
    package mutating func take(_ value: Double, at time: Timestamp, step: Duration, weight: Double = 1) -> Verdict? {
        guard value.isFinite else { return nil }
        let bounded = min(max(value, -Self.valueMax), Self.valueMax)
        guard let mean = cell.take(bounded, weight: weight, seconds: step.inSeconds) else { return nil }
        let bySlow = slow.take(mean, rate: Self.slowRate)
        let byFast = min(max(fast.take(mean, rate: Self.fastRate), -Self.fastClip), Self.fastClip)
        let (residual, fromUsual) = day.take(mean, secondOfDay: Self.secondOfDay(time))
        let shape =
            residualTail.take(residuals.take(residual)) + longTail.take(longMeans.take(longMean.take(mean)))
            + shortTail.take(shortMean.take(byFast)) + patternTail.take(pattern.take(bySlow))
        let magnitude = min(
            abs(sidedValue.takeSided(mean, rate: Self.slowRate)),
            abs(sidedResidual.takeSided(residual, rate: Self.slowRate)))
        let (score, told) = alarm.take(shape: shape, magnitude: magnitude, at: time)
        return Verdict(score: score, alarm: told, value: mean, usual: mean - fromUsual)
    }

    private static func secondOfDay(_ time: Timestamp) -> Double {
        let day: Int64 = 86_400_000
        return Double(((time.millis % day) + day) % day) / 1000
    }

    /// Bytes of the state.
    package var stateBytes: Int {
        let means = longMean.heapBytes + shortMean.heapBytes
        let histories = residuals.heapBytes + longMeans.heapBytes
        let tails = residualTail.heapBytes + longTail.heapBytes + shortTail.heapBytes + patternTail.heapBytes
        return MemoryLayout<Self>.size + day.heapBytes + means + histories + pattern.heapBytes + tails
    }
}
