import Telemetry

/// Durations as people write them.
enum DurationText {
    /// `850ms`, `12s`, `5m`, `1h05m`, `3d04h`: two units at most, rounded down.
    static func short(_ duration: Duration) -> String {
        let millis = max(0, duration.wholeMilliseconds)
        let seconds = millis / 1000
        switch seconds {
        case 0: return "\(millis)ms"
        case ..<60: return "\(seconds)s"
        case ..<600: return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds / 60)m\(TimeText.pad(seconds % 60, 2))s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return pair(seconds / 60, per: 60, "h", "m")
        default: return pair(seconds / 3600, per: 24, "d", "h")
        }
    }

    private static func pair(_ amount: Int64, per: Int64, _ large: String, _ small: String) -> String {
        amount % per == 0
            ? "\(amount / per)\(large)" : "\(amount / per)\(large)\(TimeText.pad(amount % per, 2))\(small)"
    }

    /// Reads `90s`, `5m`, `1h30m`, `2d`, `1w`, `250ms`; nil for anything else, nothing and more than ten years
    /// included.
    static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { ("a"..."z").contains($0) }
            rest = rest.dropFirst(unit.count)
            guard let amount = Int64(digits), let scale = millis[String(unit)], scale < smallest else { return nil }
            smallest = scale
            let (part, overflow) = amount.multipliedReportingOverflow(by: scale)
            guard !overflow, part <= limitMillis, total + part <= limitMillis else { return nil }
            total += part
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }

    private static let millis: [String: Int64] = [
        "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
    ]
    private static let limitMillis: Int64 = 10 * 365 * 86_400_000
}
