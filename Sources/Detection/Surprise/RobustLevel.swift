/// Level and mean absolute deviation, both exponentially forgotten; an innovation counts at most four deviations, so
/// that an outage hardly moves them (Huber 1964).
///
/// The first values count 1/n each, so that it has a level from the second value on.
struct RobustLevel: Sendable, Codable, Hashable {
    private var mean = 0.0
    private var deviation = 0.0
    private var deviationAbove = 0.0
    private var deviationBelow = 0.0
    private var count = 0.0

    private static let clip = 4.0
    /// Values after which innovations are clipped.
    private static let clippedFrom = 30.0

    /// Deviations that a value is away from the level before it; the sign tells the side.
    mutating func take(_ value: Double, rate: Double) -> Double {
        move(value, rate: rate, scale: deviation, ofSide: false)
    }

    /// The same in deviations of the value's own side, of which there are at least half a common one.
    ///
    /// What jitters upwards all the time is not odd when it does so again, and what hardly ever falls is when it does.
    mutating func takeSided(_ value: Double, rate: Double) -> Double {
        let side = count > 0 && value < mean ? deviationBelow : deviationAbove
        return move(value, rate: rate, scale: max(side, 0.5 * deviation), ofSide: true)
    }

    private mutating func move(_ value: Double, rate: Double, scale: Double, ofSide: Bool) -> Double {
        if count == 0 { mean = value }
        var distance = value - mean
        let score = deviation > 0 ? distance / scale : 0
        if deviation > 0, count > Self.clippedFrom {
            distance = min(max(distance, -Self.clip * scale), Self.clip * scale)
        }
        let share = max(rate, 1 / (count + 1))
        mean += share * distance
        deviation += share * (abs(distance) - deviation)
        if ofSide {
            if distance >= 0 {
                deviationAbove += share * (distance - deviationAbove)
            } else {
                deviationBelow += share * (-distance - deviationBelow)
            }
        }
        count += 1
        return score
    }
}
