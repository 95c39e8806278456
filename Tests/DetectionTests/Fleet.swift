import Detection
import Signals
import Telemetry

/// Agents, engine and detectors as the coordinator wires them, one look at everything each 10 s.
struct Fleet {
    /// A pod with what it counted so far.
    struct Pod {
        var name: String
        var node: String
        var requests = 1000.0
        var errors = 0.0
        var seconds = 50.0
        var restarts = 0.0
        var kills = 0.0
    }

    var engine = SignalEngine(startedAt: at(-10))
    var bank = DetectorBank(checks: Checks.all)
    var pods: [Pod]
    var findings: [Finding] = []
    var points: [SignalPoint] = []
    /// Nodes whose agent is dead.
    var deadNodes: Set<String> = []
    /// How far the clocks of some nodes are ahead.
    var clockAhead: [String: Double] = [:]
    private(set) var round = 0

    init(pods count: Int) {
        pods = (0..<count).map { Pod(name: "orders-\($0)", node: "node-\($0)") }
    }

    /// Lets one interval pass: `change` is what each pod does in it, and every live agent looks at a time of its own.
    mutating func pass(_ change: (_ index: Int, _ pod: inout Pod) -> Void = { _, _ in }) {
        let start = Double(round) * 10
        round += 1
        for index in pods.indices {
            pods[index].requests += 20
            pods[index].seconds += 1
            change(index, &pods[index])
            guard !deadNodes.contains(pods[index].node) else { continue }
            look(pods[index], start + Double(index % 10) + (clockAhead[pods[index].node] ?? 0))
        }
        advance(to: start + 10)
    }

    private mutating func advance(to seconds: Double) {
        let closed = engine.advance(to: at(seconds))
        points += closed
        findings += bank.process(closed) + bank.advance(to: at(seconds))
    }

    private mutating func look(_ pod: Pod, _ seconds: Double) {
        let labels: LabelSet = [
            "namespace": "shop", "workload": "Deployment/orders", "pod": pod.name, "node": pod.node,
        ]
        let container = labels.merging(["container": "app"])
        let success = labels.merging(["outcome": "SUCCESS"])
        let failure = labels.merging(["outcome": "SERVER_ERROR"])
        let values: [(String, LabelSet, Double)] = [
            ("kube_pod_ready", labels, 1), ("kube_pod_container_restarts_total", container, pod.restarts),
            ("kube_pod_container_oom_kills_total", container, pod.kills),
            ("http_server_requests_seconds_count", success, pod.requests - pod.errors),
            ("http_server_requests_seconds_count", failure, pod.errors),
            ("http_server_requests_seconds_sum", success, pod.seconds),
        ]
        let samples = values.map { Sample(Series($0.0, $0.1), at(seconds), $0.2) }
        engine.ingest(samples, cluster: "test", agent: pod.node)
    }

    /// Feeds plain gauges of one interval beside the pods.
    mutating func feed(_ metric: String, _ labels: LabelSet, _ value: Double) {
        let time = at(Double(round) * 10 + 3)
        engine.ingest([Sample(Series(metric, labels), time, value)], cluster: "test", agent: "node-0")
    }

    func findings(of check: String) -> [Finding] { findings.filter { $0.check == check } }
}
