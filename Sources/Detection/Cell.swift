import Signals
import Telemetry

/// A point without names: all that a check needs as long as nothing stands, in plain numbers.
struct Cell {
    let at: Timestamp
    let step: Duration
    let value: Double?
    let valueIfMissingHealthy: Double?
    let volume: Double
    let coverage: Coverage

    @inline(__always)
    init(_ point: borrowing SignalPoint) {
        at = point.at
        step = point.step
        value = point.value
        valueIfMissingHealthy = point.valueIfMissingHealthy
        volume = point.volume
        coverage = point.coverage
    }

    /// Errors and events of a ratio as they would be if all missing contributors were healthy; nil without data.
    var errorsAndEvents: (errors: Double, events: Double)? {
        guard let value, value.isFinite, let healthy = valueIfMissingHealthy else {
            return coverage.allowsClosing && volume == 0 ? (0, 0) : nil
        }
        let errors = value * volume
        return (errors, healthy > 0 ? errors / healthy : volume)
    }
}

extension Subject {
    /// Equality field by field: the standard operator for inequality is generic and costs ten times as much.
    func isSame(as other: Subject) -> Bool {
        path == other.path && kind == other.kind && cluster == other.cluster
    }
}
