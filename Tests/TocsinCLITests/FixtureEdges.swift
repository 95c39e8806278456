import QueryWire
import Telemetry

/// State transitions with fixed content.
extension FixtureViews {
    private static func edge(
        _ kind: Edge.Kind, _ secondsAgo: Int, node: String = "(coordinator)", subject: String?, labels: LabelSet,
        _ attributes: LabelSet, count: Int = 1
    ) -> EdgeView {
        EdgeView(
            cluster: "prod", node: node, subject: subject,
            edge: Edge(kind, at: now - .seconds(secondsAgo), labels: labels, attributes: attributes, count: count))
    }

    private static let control: LabelSet = ["namespace": "oddsmaker", "workload": "Deployment/oddsmaker-control"]
    private static let path = "oddsmaker/Deployment/oddsmaker-control"

    static var clusterEvents: [EdgeView] {
        [
            edge(
                .kubernetesEvent, 5400, subject: nil, labels: ["namespace": "oddsmaker", "pod": "settle-x2v9q"],
                [
                    "uid": "7c1e", "total": "1", "type": "Normal", "reason": "Scheduled",
                    "component": "default-scheduler", "object": "Pod/settle-x2v9q",
                    "message": "Successfully assigned oddsmaker/settle-x2v9q to lab-node-1",
                ]),
            edge(
                .kubernetesEvent, 640, subject: path, labels: control,
                [
                    "uid": "41aa", "total": "9", "type": "Warning", "reason": "Unhealthy", "component": "kubelet",
                    "object": "Pod/oddsmaker-control-7d9c-abcde",
                    "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
                ], count: 4),
        ]
    }

    static var rollouts: [EdgeView] {
        [
            edge(
                .rolloutStarted, 900, subject: path, labels: control,
                [
                    "uid": "d1", "revision": "8", "hash": "7d9c", "images": "web=odds:1.9.0,log=fluent:2",
                    "previousRevision": "7", "previousHash": "6b5f", "previousImages": "web=odds:1.8.2,log=fluent:2",
                ]),
            edge(
                .rolloutStuck, 300, subject: path, labels: control,
                [
                    "uid": "d1", "revision": "8",
                    "message": "ReplicaSet \"oddsmaker-control-7d9c\" has timed out progressing.",
                ]),
        ]
    }

    static var logs: [EdgeView] {
        let pod: LabelSet = ["pod": "oddsmaker-control-7d9c-abcde", "container": "web", "node": "lab-node-1"]
        return [
            edge(
                .logPatternNew, 650, node: "lab-node-1", subject: path, labels: control.merging(pod),
                [
                    "level": "error", "lines": "10", "template": "ERROR Bet <num> refused: <email>",
                    "sample": "ERROR Bet 4711 refused: <email>",
                ]),
            edge(
                .logTail, 620, node: "lab-node-1", subject: path, labels: control.merging(pod),
                [
                    "reason": "error_burst", "errors": "31",
                    "lines": "ERROR Bet 4711 refused: <email>\n\tat Bets.place(Bets.java:17)\nINFO \u{1B}[31mdone",
                ]),
            edge(
                .logTail, 600, node: "lab-node-1", subject: path, labels: control.merging(pod),
                ["reason": "container_restarted", "lines": "Killed"]),
        ]
    }
}
