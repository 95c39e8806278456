import Foundation
import KubeletReplay
import Synchronization
import Testing
import TocsinTestKit

/// A started agent at an API server: it finds its pods by itself and probes those that ask for it, as long as they run.
@Suite(.serialized)
struct PodWatchTests {
    @Test func annotatedPodsAreProbedWhileTheyRun() async throws {
        let service = AnnotatedService()
        let actuator = try service.start()
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let server = ApiServerReplay(
            tls: .init(certificateFile: lab.path("tls/coordinator.crt"), keyFile: lab.path("tls/coordinator.key")),
            tokens: ["api-token"])
        let port = try await server.start()
        _ = try lab.folder.write("api-token\n", to: "token")
        _ = try lab.folder.write("actuator-token\n", to: "actuator.token")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        let http = try lab.writeAgent(
            node: "node-a", interval: "1s",
            probes: """
                kubernetes: {tokenFile: token, caFile: tls/ca.crt}
                discovery:
                  credentials:
                    - {namespace: shop, workload: Pod/boot, bearerFile: actuator.token}
                  metrics: {allow: ["queue_*"], series: 3}
                """)
        let coordinator = try await lab.startCoordinator()
        // As in every pod: nothing in the file says where the API server is.
        let agent = try lab.startAgent(
            node: "node-a",
            variables: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "\(port)"])
        try sendPods(to: server, servicePort: actuator.port)
        let found = try await lab.eventually(within: .seconds(40)) { () -> [String: String]? in
            let outcomes = Dictionary(
                uniqueKeysWithValues: try await lab.targets().map { ($0.id, $0.outcome ?? "none") })
            return outcomes["actuator/shop/boot"] == "success" && outcomes["prometheus/shop/queue"] == "success"
                ? outcomes : nil
        }
        #expect(
            Set(try #require(found).keys) == [
                "agent/node-a", "pods/node-a", "actuator/shop/boot", "prometheus/shop/queue",
            ])
        #expect(service.logins("/manage") == ["Bearer actuator-token"], "bound to the workload by the file")
        #expect(service.logins("/queue") == [nil], "nobody else gets a token")
        try await expectTexts(lab, agentPort: http)
        // It goes: it is not probed any more, and its series end.
        try server.send(PodLine(name: "boot", annotations: [:]).deleted(version: 20))
        let gone = try await lab.eventually(within: .seconds(20)) {
            try await lab.targets().contains { $0.id == "actuator/shop/boot" } ? nil : true
        }
        #expect(gone == true)
        // What ended it broke off what was under way: whoever sees that it is gone sees its last request too.
        let visits = service.visitCount("/manage")
        let ended = try await lab.eventually(within: .seconds(20)) { () -> Bool? in
            let points = try await SampleQuery(lab: lab).points(
                #"probe_up{target="actuator/shop/boot"}"#, since: "5m")
            return points.last.map { $0.value.isNaN } == true ? true : nil
        }
        #expect(ended == true, "a stale marker is its last sample")
        #expect(service.visitCount("/manage") == visits, "and several intervals later nothing more was asked")
        try await agent.terminate()
        try await coordinator.terminate()
        try await server.stop()
        actuator.stop()
    }

    private func sendPods(to server: ApiServerReplay, servicePort: Int) throws {
        try server.send(
            PodLine(name: "boot", annotations: ["tocsin.dev/actuator": "\(servicePort)/manage"]).added(version: 10))
        try server.send(
            PodLine(
                name: "queue",
                annotations: [
                    "prometheus.io/scrape": "true", "prometheus.io/port": "\(servicePort)",
                    "prometheus.io/path": "/queue/metrics",
                ]
            ).added(version: 11))
        try server.send(PodLine(name: "quiet", annotations: [:]).added(version: 12))
        try server.send(
            PodLine(name: "odd", annotations: ["tocsin.dev/actuator": "1@evil.example/"]).added(version: 13))
    }

    private func expectTexts(_ lab: TocsinLab, agentPort: Int) async throws {
        let queries = SampleQuery(lab: lab)
        // A target is reported as well before its first samples are stored.
        let depth = try await lab.eventually(within: .seconds(20)) {
            try await queries.points(#"queue_depth{pod="queue",namespace="shop"}"#, since: "5m").last?.value
        }
        #expect(depth == 7)
        #expect(try await queries.points("other_total", since: "5m").isEmpty, "not on the list")
        let figures = try await MetricsPage(port: agentPort).figures()
        #expect(figures["tocsin_agent_targets_discovered"] == 2)
        #expect(figures["tocsin_agent_annotations_unusable"] == 1)
        let dropped = try await lab.eventually(within: .seconds(20)) {
            try await queries.points(
                #"prometheus_samples_dropped_total{target="prometheus/shop/queue"}"#, since: "5m"
            ).last?.value
        }
        #expect(dropped ?? 0 > 0, "the text has more series than three")
    }
}

/// An actuator and a page of metrics on one port; remembers who asked, and with what.
private final class AnnotatedService: Sendable {
    private struct Visit {
        var path: String
        var login: String?
    }

    private let visits = Mutex<[Visit]>([])

    func start() throws -> CannedHTTPServer {
        try CannedHTTPServer { [self] request in
            visits.withLock {
                $0.append(Visit(path: request.path, login: request.headers["authorization"]))
            }
            switch request.path {
            case "/manage":
                return .bytes(
                    CannedHTTPServer.answer(200, #"{"_links":{"health":{"href":"x","templated":false}}}"#))
            case "/manage/health": return .bytes(CannedHTTPServer.answer(200, #"{"status":"UP"}"#))
            case "/queue/metrics":
                let text = "queue_depth 7\nother_total 1\n" + (0..<9).map { "queue_part{n=\"\($0)\"} 1\n" }.joined()
                return .bytes(CannedHTTPServer.answer(200, type: "text/plain; version=0.0.4", text))
            default: return .bytes(CannedHTTPServer.answer(404))
            }
        }
    }

    func logins(_ prefix: String) -> Set<String?> {
        Set(visits.withLock { $0.filter { $0.path.hasPrefix(prefix) }.map(\.login) })
    }

    func visitCount(_ prefix: String) -> Int {
        visits.withLock { $0.count { $0.path.hasPrefix(prefix) } }
    }
}

/// One line of a pod watch: a bare pod that runs on 127.0.0.1.
struct PodLine {
    var name: String
    var annotations: [String: String]

    func added(version: Int) -> [UInt8] { line("ADDED", version) }
    func deleted(version: Int) -> [UInt8] { line("DELETED", version) }

    private func line(_ type: String, _ version: Int) -> [UInt8] {
        let annotations = annotations.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
        return Array(
            """
            {"type":"\(type)","object":{"kind":"Pod","metadata":{"namespace":"shop","name":"\(name)",\
            "uid":"uid-\(name)","resourceVersion":"\(version)","annotations":{\(annotations.joined(separator: ","))}},\
            "spec":{"nodeName":"node-a","containers":[{"name":"app"}]},\
            "status":{"phase":"Running","podIP":"127.0.0.1","conditions":[{"type":"Ready","status":"True"}],\
            "containerStatuses":[{"name":"app","ready":true,"restartCount":0,"image":"app:1",\
            "containerID":"containerd://\(name)","state":{"running":{"startedAt":"2026-11-01T00:00:00Z"}}}]}}}
            """.utf8)
    }
}
