package import Detection
import Signals

/// The checks of `deploy/config/thresholds.yaml` that scenarios and the simulated month have signals for.
package enum ShippedChecks {
    /// Thresholds on signals.
    package static let thresholds: [Check] = services + memory + availability + databases

    /// Burn rate, leaks and what is learned.
    package static let measures: [Check] = [
        Check(
            name: "error-budget", group: "error-rate", family: .errorRate, title: "Error budget burns",
            signal: .errorRatio, direction: .above, enter: 14.4, leave: 14.4, holdFor: .seconds(120),
            leaveFor: .seconds(600), minimumVolume: 500,
            measure: .burnRate(BurnRate(objective: 0.99, long: .seconds(3600), short: .seconds(300)))),
        Check(
            name: "heap-leak", group: "heap", family: .memory, title: "Heap leak", signal: .heapLiveRatio,
            direction: .below, enter: 6 * 3600, leave: 12 * 3600, holdFor: .zero, leaveFor: .seconds(1800),
            measure: .timeToExhaustion(Exhaustion())),
        Check(
            name: "memory-leak", group: "container-memory", family: .memory, title: "Memory leak",
            signal: .workingSetRatio, direction: .below, enter: 6 * 3600, leave: 12 * 3600, holdFor: .zero,
            leaveFor: .seconds(1800), measure: .timeToExhaustion(Exhaustion(minimumLevel: 0.75))),
        Check(
            name: "traffic-drop", group: "traffic", family: .availability, title: "Unusually little traffic",
            signal: .requestRate, direction: .above, enter: 8, leave: 4, holdFor: .seconds(300),
            leaveFor: .seconds(600), window: .seconds(120),
            measure: .deviation(Baseline(side: .down, minimumRatio: 3))),
        Check(
            name: "latency-unusual", group: "latency", family: .latency, title: "Unusually high latency",
            signal: .latencyMeanSeconds, direction: .above, enter: 2, leave: 1, holdFor: .seconds(300),
            leaveFor: .seconds(1800), minimumVolume: 5,
            measure: .surprise(Baseline(side: .up, minimumValue: 0.1, minimumRatio: 3))),
    ]

    /// All of them.
    package static let all = thresholds + measures

    private static let services: [Check] = [
        Check(
            name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
            direction: .above, enter: 0.05, leave: 0.025, holdFor: .seconds(120), leaveFor: .seconds(600),
            window: .seconds(300), minimumVolume: 50, lowVolume: LowVolume()),
        Check(
            name: "error-rate-low", group: "error-rate", family: .errorRate, title: "Raised error rate",
            signal: .errorRatio, direction: .above, enter: 0.02, leave: 0.01, holdFor: .seconds(300),
            leaveFor: .seconds(600), window: .seconds(300), minimumVolume: 50),
        Check(
            name: "latency", group: "latency", family: .latency, title: "High latency", signal: .latencyMeanSeconds,
            direction: .above, enter: 1, leave: 0.5, holdFor: .seconds(300), leaveFor: .seconds(600),
            window: .seconds(300), minimumVolume: 50),
        Check(
            name: "latency-p95", group: "latency", family: .latency, title: "Slow requests",
            signal: .latencyP95Seconds, direction: .above, enter: 2, leave: 1, holdFor: .seconds(300),
            leaveFor: .seconds(600), window: .seconds(120), minimumVolume: 50),
    ]

    private static let memory: [Check] = [
        point("heap-live", "heap", .memory, .heapLiveRatio, above: 0.85, leave: 0.8, hold: 600, leaveFor: 600),
        point("gc-overhead", "heap", .memory, .gcOverhead, above: 0.2, leave: 0.1, hold: 300, leaveFor: 600),
        point(
            "container-memory", "container-memory", .memory, .workingSetRatio, above: 0.9, leave: 0.8, hold: 300,
            leaveFor: 600),
        count("oom-kill", "container-memory", .memory, .oomKills, above: 1, leave: 1, window: 1800),
    ]

    private static let availability: [Check] = [
        count("crash-loop", "availability", .availability, .restarts, above: 3, leave: 1, window: 600),
        point("not-ready", "availability", .availability, .readyRatio, below: 0.999, leave: 0.999, hold: 300),
        point("half-not-ready", "availability", .availability, .readyRatio, below: 0.5, leave: 0.6, hold: 120),
        point("none-ready", "availability", .availability, .readyRatio, below: 0, leave: 0, hold: 60),
        point("health-down", "availability", .availability, .healthUp, below: 0.5, leave: 0.5, hold: 60),
        point("target-down", "probe", .fleet, .probeUp, below: 0.5, leave: 0.5, hold: 60, leaveFor: 60),
    ]

    private static let databases: [Check] = [
        point("pool-pending", "connections", .database, .poolPending, above: 1, leave: 1, hold: 60, leaveFor: 300),
        point(
            "connections", "connections", .database, .connectionRatio, above: 0.8, leave: 0.7, hold: 300, leaveFor: 300),
        point(
            "connections-full", "connections", .database, .connectionRatio, above: 0.95, leave: 0.9, hold: 60,
            leaveFor: 300),
        point("database-down", "down", .database, .databaseUp, below: 0.5, leave: 0.5, hold: 30, leaveFor: 60),
        point(
            "long-query", "long-query", .database, .longestQuerySeconds, above: 300, leave: 300, hold: 0, leaveFor: 60),
        point(
            "idle-in-transaction", "idle-in-transaction", .database, .idleInTransactionSeconds, above: 300, leave: 300,
            hold: 0, leaveFor: 60),
        point("lock-wait", "locks", .database, .longestLockWaitSeconds, above: 30, leave: 15, hold: 0, leaveFor: 60),
        point("lock-waiters", "locks", .database, .lockWaiters, above: 20, leave: 10, hold: 30, leaveFor: 60),
    ]

    private static func point(
        _ name: String, _ group: String, _ family: Family, _ signal: SignalName, above: Double? = nil,
        below: Double? = nil, leave: Double, hold: Int, leaveFor: Int = 120
    ) -> Check {
        Check(
            name: name, group: group, family: family, title: name, signal: signal,
            direction: above == nil ? .below : .above, enter: above ?? below ?? 0, leave: leave,
            holdFor: .seconds(hold), leaveFor: .seconds(leaveFor))
    }

    private static func count(
        _ name: String, _ group: String, _ family: Family, _ signal: SignalName, above: Double, leave: Double,
        window: Int
    ) -> Check {
        Check(
            name: name, group: group, family: family, title: name, signal: signal, direction: .above, enter: above,
            leave: leave, holdFor: .zero, leaveFor: .zero, window: .seconds(window))
    }
}
