/// Joins steps to cells of five minutes, or of one step where steps are longer.
struct CellMean: Sendable, Codable, Hashable {
    private var sum = 0.0
    private var weight = 0.0
    private var seconds = 0.0

    static let secondsMin = 300.0

    /// The mean of the cell that this value fills; half a step may lack.
    ///
    /// A cell without weight has none.
    mutating func take(_ value: Double, weight share: Double, seconds step: Double) -> Double? {
        sum += value * share
        weight += share
        seconds += step
        guard seconds + step / 2 >= Self.secondsMin else { return nil }
        defer { self = CellMean() }
        return weight > 0 ? sum / weight : nil
    }
}
