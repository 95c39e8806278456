/// What is usual at an hour of the day, used only while it tells more than the plain level does.
struct DayProfile: Sendable, Codable, Hashable {
    private var means = FloatRow(count: hours)
    /// Up to 7, from where on a value weighs the same.
    private var counts = [UInt8](repeating: 0, count: hours)
    /// The hour that is lived through for the first time.
    private var firstHour: Int?
    private var level = 0.0
    private var errorOfLevel = 0.0
    private var errorOfProfile = 0.0
    private var count = 0.0

    private static let hours = 24
    /// Weight of a value in its hour, in the level, and in the two errors.
    private static let hourShare: Float = 0.15
    private static let share = 0.01

    /// What a value differs by from what was expected, and from what is usual.
    ///
    /// What an hour had minutes ago is expected to go on; usual at it is only what earlier days had. Else a fault that
    /// begins in an hour of the first day would pass for usual from its second cell on.
    mutating func take(_ value: Double, secondOfDay: Double) -> (residual: Double, fromUsual: Double) {
        if count == 0 { level = value }
        let hour = min(max(0, Int(secondOfDay / 3600)), Self.hours - 1)
        let isKnown = counts[hour] > 0
        if !isKnown { firstHour = hour } else if firstHour != hour { firstHour = nil }
        let ofLevel = value - level
        let ofProfile = isKnown ? value - Double(means.values[hour]) : ofLevel
        let isBetter = isKnown && errorOfProfile < errorOfLevel
        errorOfLevel += Self.share * (abs(ofLevel) - errorOfLevel)
        errorOfProfile += Self.share * (abs(ofProfile) - errorOfProfile)
        counts[hour] = min(7, counts[hour] + 1)
        means.values[hour] += max(Self.hourShare, 1 / Float(counts[hour])) * (Float(value) - means.values[hour])
        level += (count > 100 ? Self.share : 1 / (count + 1)) * ofLevel
        count += 1
        return (isBetter ? ofProfile : ofLevel, isBetter && firstHour == nil ? ofProfile : ofLevel)
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { means.heapBytes + counts.count }
}
