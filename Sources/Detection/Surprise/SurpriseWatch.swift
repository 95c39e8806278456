import Signals
import Telemetry

/// What a surprise check remembers: the model, what its last cell came to, and what was expected before an odd cell.
///
/// The model takes to a new level within hours, since odd is what is new. What a finding is about lasts: once a cell is
/// odd enough, later ones are compared with what was expected then, until the value is most of the way back, or for a
/// day, after which it is usual.
struct SurpriseWatch: Sendable, Codable, Hashable {
    private struct Departure: Sendable, Codable, Hashable {
        var usual: Double
        var score: Double
        var sinceMillis: Int64
    }

    private var model = SurpriseModel()
    private var departure: Departure?
    private var last: (score: Double, reading: UsualReading)? {
        lastReading.map { (lastScore, $0) }
    }
    private var lastScore = 0.0
    private var lastReading: UsualReading?

    private static let millisMax: Int64 = 86_400_000

    /// The score and the numbers of the last full cell; nil before the first.
    mutating func take(
        _ point: SignalPoint, value: Double, weight: Double, rule: Baseline, enter: Double
    ) -> (score: Double, reading: UsualReading)? {
        guard let verdict = model.take(value, at: point.at, step: point.step, weight: weight) else { return last }
        if let known = departure {
            let reading = UsualReading(value: verdict.value, usual: known.usual, weeks: 0)
            let isOver = point.at.millis - known.sinceMillis > Self.millisMax
            if !isOver, rule.isOnSide(reading), reading.factor >= rule.minimumRatio.squareRoot() {
                departure?.score = max(known.score, verdict.score)
                return note(max(known.score, verdict.score), reading)
            }
            departure = nil
        }
        let reading = UsualReading(value: verdict.value, usual: verdict.usual, weeks: 0)
        let score = rule.isOnSide(reading) ? verdict.score : 0
        if score >= enter, rule.isEnough(reading) {
            departure = Departure(usual: verdict.usual, score: score, sinceMillis: point.at.millis)
        }
        return note(score, reading)
    }

    private mutating func note(_ score: Double, _ reading: UsualReading) -> (Double, UsualReading) {
        lastScore = score
        lastReading = reading
        return (score, reading)
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { model.stateBytes - MemoryLayout<SurpriseModel>.size }
}

extension Baseline {
    /// Whether the value lies on the side that counts.
    func isOnSide(_ reading: UsualReading) -> Bool { side.distance(reading.value - reading.usual) > 0 }

    /// Whether it is about enough, and the value far enough from what is usual.
    func isEnough(_ reading: UsualReading) -> Bool {
        max(reading.value, reading.usual) >= minimumValue && reading.factor >= minimumRatio
    }
}
