import Glibc
import Signals

/// Logarithms, and which signals are judged by factors rather than by differences.
enum NaturalLog {
    static func of(_ value: Double) -> Double { log(value) }

    static func inverse(_ value: Double) -> Double { exp(value) }
}

/// The scale on which a signal's usual values spread evenly.
enum SignalScale {
    /// Least value that is told from nothing, in the signal's unit.
    private static let least = 1e-3

    /// A value on the scale: the logarithm, since rates, times and shares vary by factors.
    static func scaled(_ value: Double) -> Double { NaturalLog.of(max(value, 0) + least) }

    /// The value back from the scale.
    static func unscaled(_ scaled: Double) -> Double { max(0, NaturalLog.inverse(scaled) - least) }
}
