import Glibc
import Telemetry

/// Turns scores into alarms that are told once.
///
/// - *Cooldown*: after an alarm of shape there is none for 8 % of the past (20 to 150 cells), after one of magnitude
///   for 12 cells, unless the score is twice that of the last.
/// - *Habituation*: each alarm raises its judge's threshold by a tenth; that is forgotten over twice the time known, at
///   least four weeks. So a series that is odd all the time is told of ever less.
struct SurpriseAlarm: Sendable, Codable, Hashable {
    private struct Judge: Sendable, Codable, Hashable {
        var habit = 0.0
        var lastCell = -1_000_000
        var lastScore = 0.0

        mutating func isTold(_ score: Double, cell: Int, cooldown: Double) -> Bool {
            guard score >= 1 + habit,
                Double(cell - lastCell) > cooldown || score >= SurpriseAlarm.escalation * lastScore
            else { return false }
            lastCell = cell
            lastScore = score
            habit += SurpriseAlarm.habitStep
            return true
        }
    }

    private var cells = 0
    private var startMillis: Int64 = 0
    private var lastMillis: Int64 = 0
    private var shape = Judge()
    private var magnitude = Judge()

    static let escalation = 2.0
    static let habitStep = 0.1
    private static let habitMemory = 2.0
    private static let habitSecondsMin = 14 * 86_400.0

    private static let shapeFrom = 120
    private static let shapeThreshold = 5.0
    /// The threshold is higher while the past is short, by a fifth at 300 cells.
    private static let shapeDoubt = 0.2 * 300
    private static let shapeDoubtFrom = 150.0
    /// Cells before anything is said.
    static let magnitudeFrom = 20
    private static let magnitudeThreshold = 5.0
    private static let magnitudeMax = 20.0
    /// Up to here magnitude is trusted in full; then by the square of how much longer the past is.
    private static let magnitudeFull = 750.0
    private static let cooldownOfMagnitude = 12.0

    /// The greater score of a cell, and the same if it is to be told, else 0.
    mutating func take(shape sum: Double, magnitude deviations: Double, at time: Timestamp) -> (Double, Double) {
        if cells == 0 { startMillis = time.millis } else { forget(until: time) }
        lastMillis = time.millis
        let past = Double(cells)
        let doubt = Self.shapeDoubt / max(past, Self.shapeDoubtFrom)
        let byShape = cells >= Self.shapeFrom ? sum / (Self.shapeThreshold * (1 + doubt)) : 0
        let faded = past <= Self.magnitudeFull ? 1 : Self.magnitudeFull / past
        let byMagnitude =
            cells >= Self.magnitudeFrom
            ? min(Self.magnitudeMax, deviations) / Self.magnitudeThreshold * faded * faded : 0
        let cooldown = min(max(0.08 * past, 20), 150)
        var told = 0.0
        if shape.isTold(byShape, cell: cells, cooldown: cooldown) { told = byShape }
        if magnitude.isTold(byMagnitude, cell: cells, cooldown: Self.cooldownOfMagnitude) {
            told = max(told, byMagnitude)
        }
        cells += 1
        return (max(byShape, byMagnitude), told)
    }

    private mutating func forget(until time: Timestamp) {
        let passed = Double(max(0, time.millis - lastMillis)) / 1000
        let known = max(Double(time.millis - startMillis) / 1000, Self.habitSecondsMin)
        let kept = exp(-passed / (Self.habitMemory * known))
        shape.habit *= kept
        magnitude.habit *= kept
    }
}
