import FoundationEssentials
import KubernetesAPI
package import Probing
import Telemetry

/// Tries what a node's agent reads of its kubelet and of the API server, one request each, and names what is missing.
package struct PodAccess: Sendable {
    /// One thing that was tried.
    package struct Finding: Hashable, Sendable {
        /// What was asked for, such as `kubelet /stats/summary`.
        package var what: String
        /// Why it cannot be had, nil when it can.
        package var problem: String?
        /// What would help: a rule, a setting.
        package var fix: String?
    }

    /// What came of it all.
    package struct Report: Hashable, Sendable {
        /// In the order in which it was tried.
        package var findings: [Finding] = []
        /// What pods of the node ask for; empty when no pod list could be had.
        package var discovery = PodDiscovery()
    }

    private let configuration: PodWatchConfiguration?
    private let kubelet: PodProbeConfiguration?
    private let http: any HTTPFetching & HTTPStreaming

    /// Names what is there: a watch with or without a kubelet, or a kubelet alone.
    package init(
        watch configuration: PodWatchConfiguration?, kubelet: PodProbeConfiguration?,
        http: any HTTPFetching & HTTPStreaming
    ) {
        self.configuration = configuration
        self.kubelet = kubelet
        self.http = http
    }

    /// Asks for everything once.
    package func check() async -> Report {
        var report = Report()
        if let server = configuration?.server {
            let client = KubernetesClient(server.api, fetcher: http)
            let selector = "fieldSelector=spec.nodeName%3D\(server.node)"
            let pods = await ask(
                client, "/api/v1/pods?\(selector)&limit=500", as: "API server: list pods", .server, &report)
            if let pods, let list = try? JSONDecoder().decode(ObjectPage<KubeletPod>.self, from: Data(pods)) {
                report.discovery = Self.discovery(list.objects, node: server.node)
            }
            await watch(client, server: server, selector: selector, &report)
            _ = await ask(
                client, "/api/v1/nodes/\(server.node)", as: "API server: get the node", .server, &report)
        }
        guard let kubelet else { return report }
        let client = KubernetesClient(kubelet.api, fetcher: http)
        if configuration == nil {
            let pods = await ask(client, "/pods", as: "kubelet: /pods", .kubelet, &report)
            if let pods, let list = try? JSONDecoder().decode(KubeletPodList.self, from: Data(pods)) {
                report.discovery = Self.discovery(list.pods, node: kubelet.node)
            }
        }
        _ = await ask(client, "/stats/summary", as: "kubelet: /stats/summary", .kubelet, &report)
        return report
    }

    private static func discovery(_ pods: [KubeletPod], node: String) -> PodDiscovery {
        var tracker = PodTracker(node: node)
        _ = tracker.replaceAll(pods, listed: Set(pods.map(\.uid)), isComplete: true, now: Timestamp(millis: 0))
        return PodDiscovery(pods) { tracker.pods[$0.uid]?.labels }
    }

    private enum Place {
        case server
        case kubelet
    }

    private func ask(
        _ client: KubernetesClient, _ path: String, as what: String, _ place: Place, _ report: inout Report
    ) async -> [UInt8]? {
        let answer: Result<[UInt8], KubernetesClient.Problem>
        do {
            answer = await client.get(path, credentials: try client.credentials())
        } catch {
            answer = .failure(error)
        }
        switch answer {
        case .success(let bytes):
            report.findings.append(Finding(what: what))
            return bytes
        case .failure(let problem):
            report.findings.append(
                Finding(what: what, problem: problem.message, fix: fix(problem, place, path, client)))
            return nil
        }
    }

    /// A watch is fine when its head is; what comes after it is the probe's business.
    private func watch(
        _ client: KubernetesClient, server: PodProbeConfiguration, selector: String, _ report: inout Report
    ) async {
        let what = "API server: watch pods"
        let path = "/api/v1/pods?watch=1&\(selector)&timeoutSeconds=1"
        do {
            let request = HTTPRequest(
                url: server.endpoint + path, headers: try client.credentials(), connectTimeout: server.deadline / 2,
                totalTimeout: server.deadline, trust: client.endpoint.trust)
            var status = 0
            let failure = await http.stream(request, limits: HTTPStreamLimits()) { part in
                if case .head(let found, _) = part { status = found }
                return false
            }
            if status == 200 { return report.findings.append(Finding(what: what)) }
            let response = HTTPResponse(status: status, headers: [], body: [], duration: .zero)
            let problem =
                failure.map { KubernetesClient.Problem(failureClass: $0.failureClass, message: $0.message) }
                ?? client.refusal(response)
            report.findings.append(
                Finding(what: what, problem: problem.message, fix: fix(problem, .server, path, client)))
        } catch {
            report.findings.append(Finding(what: what, problem: error.message, fix: nil))
        }
    }

    private func fix(_ problem: KubernetesClient.Problem, _ place: Place, _ path: String, _ client: KubernetesClient)
        -> String?
    {
        switch (place, problem.failureClass) {
        case (.server, .auth) where problem.status == 403 && path.hasPrefix("/api/v1/nodes/"):
            "ClusterRole of the agent: {apiGroups: [\"\"], resources: [\"nodes\"], verbs: [\"get\"]}"
        case (.server, .auth) where problem.status == 403:
            "ClusterRole of the agent: {apiGroups: [\"\"], resources: [\"pods\"], verbs: [\"list\", \"watch\"]}"
        case (.kubelet, .auth) where problem.status == 403:
            "ClusterRole of the agent: {apiGroups: [\"\"], resources: [\"\(path == "/pods" ? "nodes/pods" : "nodes/stats")\"], "
                + "verbs: [\"get\"]}; a kubelet before 1.33 may not know it"
        case (_, .auth) where client.endpoint.tokenFile == nil:
            "name 'tokenFile': nothing is shown to anybody without a token"
        case (_, .auth):
            "the token is of no account that the cluster knows, or for another audience: the projected token needs the API server's"
        case (.kubelet, .tls):
            "the kubelet's certificate does not lead to 'kubelet.caFile', or has another name than 'kubelet.serverName': "
                + "take the component self-signed-kubelet, or 'trust: pin'"
        case (.server, .tls):
            "'kubernetes.caFile' must hold the cluster's roots, and the certificate the host of 'apiServer'"
        case (_, .dns): "the name in the URL does not resolve here"
        case (_, .refused), (_, .timeout):
            "nothing answers at \(client.endpoint.url): URL, port or a NetworkPolicy"
        default: nil
        }
    }
}
