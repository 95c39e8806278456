import Signals
import Telemetry

/// What follows from a check, in plain numbers: computed once, so that a point costs no conversions.
struct Tuning: Sendable {
    let kind: WindowKind
    /// Whether the value is another one than the signal's, or a quantile, whose window holds counts.
    let isMeasured: Bool
    let isErrorRatio: Bool
    /// Whether no events mean that all is well.
    let isWeightedByEvents: Bool
    private let isAbove: Bool
    private let enter: Double
    let minimumVolume: Double
    let windowMillis: Int64
    /// 0 where there is no test for low volumes.
    let lowVolumeMillis: Int64

    init(_ check: Check) {
        kind = WindowKind(check.signal)
        windowMillis = check.window.wholeMilliseconds
        lowVolumeMillis = check.lowVolume?.window.wholeMilliseconds ?? 0
        let isQuantile = check.signal.quantileShare != nil && check.direction == .above
        isMeasured = check.measure != .signal || isQuantile
        isErrorRatio = check.signal == .errorRatio
        isWeightedByEvents = isErrorRatio || check.signal == .latencyMeanSeconds
        isAbove = check.direction == .above
        enter = check.enter
        minimumVolume = check.minimumVolume
    }

    /// What `Check.isBreach` says.
    @inline(__always)
    func isBreach(_ value: Double) -> Bool { isAbove ? value >= enter : value <= enter }
}

/// A check as detectors hold it: one object for all subjects that have the same.
///
/// So a detector is half as large, and what all of them read at each point stays in the processor's nearest cache.
final class SharedCheck: Sendable {
    let check: Check
    let tuning: Tuning

    init(_ check: Check) {
        self.check = check
        tuning = Tuning(check)
    }
}

/// A shared check as a value: equal and written like the check itself.
struct CheckReference: Sendable, Hashable, Codable {
    let shared: SharedCheck

    init(_ shared: SharedCheck) { self.shared = shared }

    init(from decoder: any Decoder) throws { shared = SharedCheck(try Check(from: decoder)) }

    func encode(to encoder: any Encoder) throws { try shared.check.encode(to: encoder) }

    static func == (lhs: CheckReference, rhs: CheckReference) -> Bool {
        lhs.shared === rhs.shared || lhs.shared.check == rhs.shared.check
    }

    func hash(into hasher: inout Hasher) { hasher.combine(shared.check) }
}

/// A step in milliseconds, reckoned only when it changes.
struct StepMillis: Sendable {
    private var step = Duration.zero
    private var millis: Int64 = 0

    mutating func of(_ step: Duration) -> Int64 {
        if step != self.step {
            self.step = step
            millis = step.wholeMilliseconds
        }
        return millis
    }
}
