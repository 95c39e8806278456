import Detection
import Incidents
import Signals
import Telemetry
import TocsinTestKit

/// What is watched in a simulation: six services on two databases and three nodes, and the agents of the nodes.
enum SimulatedShop {
    static let cluster = "sim"
    static let start = Timestamp(millis: 1_800_000_000_000)

    static let services = (0..<6).map { subject(.workload, "shop/Deployment/s\($0)") }
    static let databases = (0..<2).map { subject(.postgresql, "postgresql/d\($0)") }
    static let nodes = (0..<3).map { subject(.node, "node/n\($0)") }
    static let agents = (0..<3).map { subject(.agent, "agent/n\($0)") } + [subject(.agent, "agent/*")]

    static let errorRate = check("error-rate", "error-rate", .errorRate, .errorRatio, enter: 0.05)
    static let errorBurst = check("error-burst", "error-rate", .errorRate, .errorRatio, enter: 0.2)
    static let latency = check("latency", "latency", .latency, .latencyMeanSeconds, enter: 0.4)
    static let notReady = check(
        "not-ready", "availability", .availability, .readyRatio, direction: .below, enter: 0.9)
    static let down = check("database-down", "down", .database, .databaseUp, direction: .below, enter: 0.5)
    static let locks = check("lock-wait", "locks", .database, .longestLockWaitSeconds, enter: 0.3)
    static let nodeMemory = check("node-memory", "node-memory", .memory, .nodeMemoryUsedRatio, enter: 0.5)
    static let silent = check("agent-silent", "agent", .fleet, .probeUp, direction: .below, enter: 0.5)

    /// Each subject's checks.
    static let detectors: [(subject: Subject, check: Check)] =
        services.flatMap { service in [errorRate, errorBurst, latency, notReady].map { (service, $0) } }
        + databases.flatMap { database in [down, locks].map { (database, $0) } }
        + nodes.map { ($0, nodeMemory) } + agents.map { ($0, silent) }

    static let table: SeverityTable = {
        var wide = rule("database-down", .p1, "many services stand on it", 2)
        wide.dependentsAtLeast = 2
        var lasting = rule("not-ready", .p2, "it lasts", 6)
        lasting.durationAtLeast = .seconds(1800)
        return SeverityTable(
            rules: [
                rule("error-*", .p1, "most requests fail", 1, value: 0.8), wide,
                rule("not-ready", .p1, "nothing is ready", 3, value: 0.05),
                rule("error-*", .p2, "many requests fail", 4, value: 0.4), rule("database-down", .p2, "it is down", 5),
                lasting, rule("error-*", .p3, "some requests fail", 7), rule("latency", .p3, "it is slow", 8),
                rule("lock-wait", .p3, "somebody waits long", 9, value: 0.7), rule("*", .p4, "it is minor", 10),
            ], checks: [errorRate, errorBurst, latency, notReady, down, locks, nodeMemory, silent])
    }()

    /// What the probes report: each service's pod on a node, its sessions on a database; it changes with `shift`.
    static func samples(shift: Int) -> [Sample] {
        services.indices.flatMap { index -> [Sample] in
            let node = "n\((index + shift) % nodes.count)"
            let database = "d\((index + shift / 3) % databases.count)"
            let labels: LabelSet = [
                "namespace": "shop", "workload": "Deployment/s\(index)", "pod": "s\(index)-p", "node": node,
                "pod_ip": "10.0.0.\(index)", "revision": "r\(shift / 5)",
            ]
            return [
                Sample(Series("kube_pod_info", labels), start, 1),
                Sample(
                    Series("pg_client_sessions", ["instance": database, "client": "10.0.0.\(index)"]), start, 3),
            ]
        }
    }

    static func finding(
        _ detector: (subject: Subject, check: Check), _ phase: Finding.Phase, value: Double, onset: Timestamp,
        at: Timestamp
    ) -> Finding {
        let (subject, check) = detector
        let pod = subject.path.split(separator: "/").last.map { "\($0)-p" } ?? "p"
        return Finding(
            subject: subject, check: check, phase: phase, at: at, onsetAt: onset, value: value, worstValue: value,
            threshold: check.enter, volume: 500, affected: 1, total: 3, coverage: Coverage(present: 3, expected: 3),
            contributors: [Contribution(contributor: pod, value: value, volume: 500)],
            explanation: "\(check.name) is \(value)")
    }

    private static func subject(_ kind: Subject.Kind, _ path: String) -> Subject {
        Subject(cluster: cluster, kind: kind, path: path)
    }

    private static func rule(
        _ check: String, _ severity: Severity, _ because: String, _ line: Int, value: Double? = nil
    ) -> SeverityRule {
        SeverityRule(check: check, value: value, severity: severity, because: because, origin: "sim.yaml:\(line)")
    }

    private static func check(
        _ name: String, _ group: String, _ family: Family, _ signal: SignalName,
        direction: Check.Direction = .above, enter: Double
    ) -> Check {
        Check(
            name: name, group: group, family: family, title: "Trouble of \(group)", signal: signal,
            direction: direction, enter: enter, leave: enter, holdFor: .zero, leaveFor: .zero)
    }
}

extension SeededRandom {
    /// True in `share` of the cases.
    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}
