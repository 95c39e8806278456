import Detection
import Signals
import Telemetry

/// 2026-11-25T00:00:00Z.
let origin = Timestamp(millis: 1_795_564_800_000)

/// `origin` and some seconds.
func at(_ seconds: Double) -> Timestamp { origin + .milliseconds(Int64(seconds * 1000)) }

let orders = Subject(cluster: "test", kind: .workload, path: "shop/Deployment/orders")

/// The checks of the tests, with the numbers of the runbook.
enum Checks {
    static let errorRate = Check(
        name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
        direction: .above, enter: 0.05, leave: 0.025, holdFor: .seconds(60), leaveFor: .seconds(120),
        window: .seconds(300), minimumVolume: 50)
    static let latency = Check(
        name: "latency", group: "latency", family: .latency, title: "High latency", signal: .latencyMeanSeconds,
        direction: .above, enter: 1, leave: 0.5, holdFor: .seconds(60), leaveFor: .seconds(60), window: .seconds(60),
        minimumVolume: 20)
    static let heap = Check(
        name: "heap-live", group: "heap", family: .memory, title: "Heap nearly full", signal: .heapLiveRatio,
        direction: .above, enter: 0.85, leave: 0.75, holdFor: .seconds(60), leaveFor: .seconds(60))
    static let oomKill = Check(
        name: "oom-kill", group: "container-memory", family: .memory, title: "Out of memory", signal: .oomKills,
        direction: .above, enter: 1, leave: 1, holdFor: .zero, leaveFor: .seconds(60))
    static let oomRepeated = Check(
        name: "oom-repeated", group: "container-memory", family: .memory, title: "Repeatedly out of memory",
        signal: .oomKills, direction: .above, enter: 2, leave: 1, holdFor: .zero, leaveFor: .seconds(60),
        window: .seconds(1800))
    static let ready = Check(
        name: "half-down", group: "availability", family: .availability, title: "Replicas down", signal: .readyRatio,
        direction: .below, enter: 0.5, leave: 0.9, holdFor: .seconds(30), leaveFor: .seconds(30))
    static let databaseDown = Check(
        name: "database-down", group: "down", family: .database, title: "Database down", signal: .databaseUp,
        direction: .below, enter: 0, leave: 0.5, holdFor: .seconds(20), leaveFor: .seconds(20))
    static let connections = Check(
        name: "connections", group: "connections", family: .database, title: "Connections running out",
        signal: .connectionRatio, direction: .above, enter: 0.95, leave: 0.85, holdFor: .seconds(60),
        leaveFor: .seconds(60))
    static let longQuery = Check(
        name: "long-query", group: "long-query", family: .database, title: "Long query", signal: .longestQuerySeconds,
        direction: .above, enter: 300, leave: 300, holdFor: .zero, leaveFor: .seconds(60))
    static let all = [
        errorRate, latency, heap, oomKill, oomRepeated, ready, databaseDown, connections, longQuery,
    ]
}

/// A point of a signal whose only contributor is "a", unless said otherwise.
func point(
    _ signal: SignalName, _ seconds: Double, _ value: Double?, healthy: Double? = nil, volume: Double = 0,
    coverage: Coverage = Coverage(present: 1, expected: 1), contributions: [Contribution]? = nil
) -> SignalPoint {
    SignalPoint(
        subject: orders, signal: signal, at: at(seconds), step: .seconds(10), value: value,
        valueIfMissingHealthy: healthy ?? value, volume: volume, coverage: coverage,
        contributions: contributions ?? value.map { [Contribution(contributor: "a", value: $0, volume: volume)] } ?? [])
}

extension ThresholdDetector {
    /// Takes values of successive cells of 10 s that end at `from`, `from` + 10 s …, nil for no data; gives what was
    /// found.
    mutating func run(_ values: [Double?], from: Double = 10, volume: Double = 0) -> [Finding] {
        values.enumerated().compactMap { index, value in
            take(point(check.signal, from + Double(index) * 10, value, volume: value == nil ? 0 : volume))
        }
    }
}
