import Signals
package import Telemetry

/// Figures and times as explanations print them.
package enum FigureText {
    /// A signal's value with its unit: 12.4 %, 1.25 s, 3.
    static func value(_ value: Double, of signal: SignalName) -> String {
        switch signal {
        case .errorRatio, .heapUsedRatio, .heapLiveRatio, .gcOverhead, .workingSetRatio, .readyRatio, .connectionRatio,
            .nodeMemoryUsedRatio, .diskUsedRatio, .inodeUsedRatio, .wraparoundRatio, .deadRowRatio, .rollbackRatio,
            .checkpointRequestedRatio, .cacheMissRatio,
            .logErrorRatio:
            "\(figure(value * 100)) %"
        case .latencyMeanSeconds, .latencyP50Seconds, .latencyP95Seconds, .latencyP99Seconds, .longestQuerySeconds,
            .idleInTransactionSeconds, .longestLockWaitSeconds,
            .certificateRemainingSeconds, .replicationLagSeconds, .replicationStalledSeconds, .slotInactiveSeconds:
            seconds(value)
        case .slotRetainedBytes: bytes(value)
        case .requestRate: "\(figure(value))/s"
        case .exhaustionSeconds: value >= GrowthWatch.never ? "30d" : coarse(value)
        case .burnRate: "\(figure(value))×"
        default: figure(value)
        }
    }

    /// At most three significant digits behind the point's left side, no trailing zeros: 0.0123, 1.25, 12.4, 812.
    static func figure(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-∞" : "∞" }
        let magnitude = abs(value)
        guard magnitude < 1e15 else { return "\(value)" }
        let decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : magnitude >= 0.1 ? 3 : 4
        let scale = [1.0, 10, 100, 1_000, 10_000][decimals]
        let scaled = Int64((magnitude * scale).rounded())
        let whole = scaled / Int64(scale)
        var fraction = String(scaled % Int64(scale))
        fraction = String(repeating: "0", count: max(0, decimals - fraction.count)) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return sign + (fraction.isEmpty || decimals == 0 ? "\(whole)" : "\(whole).\(fraction)")
    }

    /// 850 ms, 1.25 s, 6m40s.
    static func seconds(_ value: Double) -> String {
        guard value.isFinite else { return "\(figure(value)) s" }
        if value > 0, value < 1 { return "\(figure(value * 1000)) ms" }
        return value < 120 ? "\(figure(value)) s" : duration(Duration.milliseconds(Int64(min(value, 1e12) * 1000)))
    }

    /// 512 B, 16 MiB, 12.4 GiB.
    static func bytes(_ value: Double) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var rest = value
        var unit = 0
        while abs(rest) >= 1024, unit < units.count - 1 {
            rest /= 1024
            unit += 1
        }
        return "\(figure(rest)) \(units[unit])"
    }

    /// Seconds to the minute, to 5 min beyond an hour: forecasts know no better.
    static func coarse(_ value: Double) -> String {
        let unit = value >= 3600 ? 300.0 : 60
        return duration(Duration.seconds(max(0, min(value, 1e9) / unit).rounded() * unit))
    }

    /// 45s, 5m, 1h30m, 2d.
    package static func duration(_ duration: Duration) -> String {
        let millis = max(0, duration.wholeMilliseconds)
        if millis < 1000, millis > 0 { return "\(millis)ms" }
        var rest = millis / 1000
        var parts: [String] = []
        for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60), ("s", 1)] where rest >= length {
            parts.append("\(rest / length)\(unit)")
            rest %= length
        }
        return parts.isEmpty ? "0s" : parts.prefix(2).joined()
    }

    /// 02:10:30Z, with the date when it is not `day`'s.
    package static func time(_ timestamp: Timestamp, day: Timestamp) -> String {
        let seconds = floorDivide(timestamp.millis, 1000)
        let date = floorDivide(seconds, 86_400)
        let second = seconds - date * 86_400
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
        return date == floorDivide(day.millis, 86_400_000) ? clock : "\(civil(day: date))T\(clock)"
    }

    /// 2026-11-28, in UTC.
    package static func day(_ timestamp: Timestamp) -> String {
        civil(day: floorDivide(timestamp.millis, 86_400_000))
    }

    /// Date of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
    private static func civil(day: Int64) -> String {
        let shifted = day + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(two(month))-\(two(dayOfYear - (153 * monthIndex + 2) / 5 + 1))"
    }

    private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value < 0 && quotient * divisor != value ? quotient - 1 : quotient
    }
}

/// What a signal is called in a sentence, and what its events and contributors are.
struct SignalWords: Sendable {
    let title: String
    /// Events behind the value, plural, nil where there are none.
    let events: String?
    /// Contributors, plural.
    let contributors: String
    /// What 0 and 1 mean, for signals that have no other value.
    let states: (zero: String, one: String)?

    init(_ signal: SignalName) {
        switch signal {
        case .errorRatio: self.init("Error ratio", "requests", "pods")
        case .requestRate: self.init("Request rate", nil, "pods")
        case .latencyMeanSeconds: self.init("Mean latency", "requests", "pods")
        case .latencyP50Seconds: self.init("P50 latency", "requests", "pods")
        case .latencyP95Seconds: self.init("P95 latency", "requests", "pods")
        case .latencyP99Seconds: self.init("P99 latency", "requests", "pods")
        case .heapUsedRatio: self.init("Heap in use", nil, "JVMs")
        case .heapLiveRatio: self.init("Heap live after collection", nil, "JVMs")
        case .gcOverhead: self.init("Time in garbage collection", nil, "JVMs")
        case .workingSetRatio: self.init("Working set of the memory limit", nil, "containers")
        case .oomKills: self.init("OOM kills", nil, "containers")
        case .restarts: self.init("Container restarts", nil, "containers")
        case .readyRatio: self.init("Ready pods", "pods", "pods")
        case .healthUp: self.init("Health", nil, "pods", ("Health is down", "Health is up"))
        case .poolPending: self.init("Threads waiting for a pooled connection", nil, "pods")
        case .databaseUp:
            self.init("Database", nil, "instances", ("The database does not answer", "The database answers"))
        case .connectionRatio: self.init("Connections in use", nil, "instances")
        case .longestQuerySeconds: self.init("Longest query", nil, "instances")
        case .idleInTransactionSeconds: self.init("Longest idle transaction", nil, "instances")
        case .lockWaiters: self.init("Sessions waiting for a lock", nil, "instances")
        case .longestLockWaitSeconds: self.init("Longest lock wait", nil, "instances")
        case .probeUp: self.init("Probe", nil, "targets", ("The probe gets no answer", "The probe gets an answer"))
        case .burnRate: self.init("Error budget burns at", nil, "pods")
        case .exhaustionSeconds: self.init("Time to exhaustion", nil, "parts")
        case .deviation: self.init("Distance from what is usual", nil, "pods")
        case .surprise: self.init("Oddness of its course", nil, "pods")
        case .levelShift: self.init("Shift of level", nil, "pods")
        case .certificateRemainingSeconds: self.init("Time until the certificate expires", nil, "targets")
        case .nodeMemoryUsedRatio: self.init("Memory in use", nil, "nodes")
        case .nodeOOMKills: self.init("OOM kills on the node", nil, "nodes")
        case .diskUsedRatio: self.init("Room taken", nil, "file systems")
        case .inodeUsedRatio: self.init("Inodes taken", nil, "file systems")
        case .logErrorRatio: self.init("Errors among log entries", "entries", "logs")
        case .logErrors: self.init("Errors in logs", nil, "logs")
        case .logNewPatterns: self.init("New kinds of error in logs", nil, "logs")
        default: self.init(signal.rawValue, nil, "contributors")
        }
    }

    private init(
        _ title: String, _ events: String?, _ contributors: String, _ states: (zero: String, one: String)? = nil
    ) {
        self.states = states
        self.title = title
        self.events = events
        self.contributors = contributors
    }
}
