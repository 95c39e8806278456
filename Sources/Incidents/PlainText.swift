import Signals

/// Numbers as people read them, the same on every machine.
enum PlainText {
    /// `45s`, `2m10s`, `1h05m`, `3d4h`; less than a second is `0s`, negative durations too.
    static func duration(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: seconds % 60 == 0 ? "\(minutes)m" : "\(minutes)m\(padded(seconds % 60))s"
        case ..<86_400: "\(hours)h\(padded(minutes % 60))m"
        default: "\(days)d\(hours % 24)h"
        }
    }

    /// A signal's value in the unit that its name implies: ratios in percent, times in seconds, the rest bare.
    static func value(_ value: Double, of signal: SignalName?) -> String {
        let name = signal?.rawValue ?? ""
        if isRatio(name) { return number(value * 100) + " %" }
        guard name.hasSuffix("_seconds") else { return number(value) }
        // Nobody reads a certificate's three weeks in seconds.
        return (7200..<1e12).contains(value) ? duration(.seconds(Int64(value))) : number(value) + " s"
    }

    /// A signal's name in words, its unit left out: `error ratio`, `latency mean`.
    static func signal(_ signal: SignalName?) -> String {
        guard let name = signal?.rawValue else { return "value" }
        let bare = name.hasSuffix("_seconds") ? String(name.dropLast("_seconds".count)) : name
        return String(bare.map { $0 == "_" ? " " : $0 })
    }

    /// At most one decimal from 10 on, at most two below, three below 0.1; no trailing zeros.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : (value < 0 ? "-inf" : "inf") }
        let magnitude = value.magnitude
        guard magnitude < 1e15 else { return "\(value)" }
        let decimals = magnitude >= 10 ? 1 : (magnitude >= 0.1 ? 2 : 3)
        let scale = decimals == 1 ? 10 : (decimals == 2 ? 100 : 1000)
        let scaled = Int64((magnitude * Double(scale)).rounded())
        let fraction = scaled % Int64(scale)
        var text = String(scaled / Int64(scale))
        if fraction != 0 {
            let digits = String(fraction)
            var tail = String(repeating: "0", count: decimals - digits.count) + digits
            while tail.last == "0" { tail.removeLast() }
            text += "." + tail
        }
        return value < 0 && scaled != 0 ? "-" + text : text
    }

    private static func isRatio(_ name: String) -> Bool {
        name.hasSuffix("_ratio") || name == SignalName.gcOverhead.rawValue
    }

    private static func padded(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
