import Signals
import Telemetry

/// What follows from a check: computed once, kept out of snapshots and of comparisons.
struct Tuning: Sendable, Codable, Hashable {
    private(set) var isSet = false
    private(set) var kind = WindowKind.point
    private(set) var windowMillis: Int64 = 0
    /// 0 where there is no test for low volumes.
    private(set) var lowVolumeMillis: Int64 = 0
    private(set) var isMeasured = false
    /// The plain measure of a signal whose cells stand for themselves.
    private(set) var isPlainPoint = false
    private(set) var isErrorRatio = false
    /// Whether no events mean that all is well.
    private(set) var isWeightedByEvents = false

    private var step = Duration.zero
    private var stepMillis: Int64 = 0

    init() {}

    /// A step in milliseconds, reckoned only when it changes.
    mutating func millis(of step: Duration) -> Int64 {
        if step != self.step {
            self.step = step
            stepMillis = step.wholeMilliseconds
        }
        return stepMillis
    }

    init(_ check: Check) {
        isSet = true
        kind = WindowKind(check.signal)
        windowMillis = check.window.wholeMilliseconds
        lowVolumeMillis = check.lowVolume?.window.wholeMilliseconds ?? 0
        isMeasured = check.measure != .signal
        isErrorRatio = check.signal == .errorRatio
        isWeightedByEvents = isErrorRatio || check.signal == .latencyMeanSeconds
        isPlainPoint = kind == .point && !isMeasured
    }

    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
        // An empty object, so that the key can stay.
        _ = encoder.container(keyedBy: NoKeys.self)
    }

    static func == (lhs: Tuning, rhs: Tuning) -> Bool { true }

    func hash(into hasher: inout Hasher) {}

    private enum NoKeys: CodingKey {}
}
