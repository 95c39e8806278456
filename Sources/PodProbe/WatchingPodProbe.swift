import FoundationEssentials
import KubernetesAPI
package import Probing
package import Telemetry

/// Follows the pods of one node at the API server: edges as they happen, samples at each run, usage from the kubelet,
/// and the conditions of the node itself.
///
/// `watch()` has to run beside the probe. Edges go out through the runner at once; what comes before it is there
/// waits for a run. While the watch is broken the last state is reported for `staleAfter`; then the target fails with
/// the reason.
package actor WatchingPodProbe: PushingProbe, DiscoveringProbe {
    /// What was counted since the probe was made.
    package struct Counters: Sendable, Hashable {
        /// Lines of the watch that were taken in.
        package var lines = 0
        /// Lists that came to their end.
        package var lists = 0
        /// Watches that were opened.
        package var watches = 0
        /// Pods or lines that could not be read.
        package var unreadable = 0
        /// Pods that were not taken on beyond `podsMax`, counted each time.
        package var podsLeftOut = 0
        /// Containers beyond `containersPerPodMax`, counted each time.
        package var containersLeftOut = 0
        /// Edges dropped since nobody took them.
        package var edgesDropped = 0

        /// Nothing happened.
        package init() {}
    }

    package nonisolated let target: Target
    /// What was counted so far.
    package private(set) var counters = Counters()

    private let configuration: PodWatchConfiguration
    private let http: any HTTPFetching & HTTPStreaming
    private let kubelet: KubernetesClient?
    private let server: KubernetesClient
    private var node = NodeLook()
    private let wallClock: @Sendable () -> Timestamp
    private let outlet = EdgeOutlet()
    private let discovery = DiscoveryOutlet()
    private var tracker: PodTracker
    private var pods: [String: KubeletPod] = [:]
    private var waitingEdges: [Edge] = []
    private var isSynced = false
    private var brokenSince: Timestamp?
    private var problem = KubernetesClient.Problem(failureClass: .unavailable, message: "the pod list has not come yet")

    /// Makes a probe; `wallClock` dates what the source does not.
    package init(
        _ configuration: PodWatchConfiguration, http: any HTTPFetching & HTTPStreaming,
        wallClock: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.http = http
        self.wallClock = wallClock
        target = configuration.target
        server = KubernetesClient(configuration.server.api, fetcher: http)
        kubelet = configuration.kubelet.map { KubernetesClient($0.api, fetcher: http) }
        tracker = PodTracker(node: configuration.server.node)
    }

    /// Where edges go between two runs; see `PushingProbe`.
    package nonisolated func pushes(to outlet: @escaping @Sendable ([Edge]) -> Void) {
        self.outlet.connect(outlet)
    }

    /// Where annotated endpoints go with each change; see `DiscoveringProbe`.
    package nonisolated func discovers(to outlet: @escaping @Sendable (PodDiscovery) -> Void) {
        discovery.connect(outlet)
    }

    /// Lists and watches until the task is cancelled.
    package func watch() async {
        let collection = ListWatch<KubeletPod>.Collection(
            path: "/api/v1/pods",
            selector: "fieldSelector=spec.nodeName%3D" + QueryText.escaped(configuration.server.node), name: "pods",
            pageSize: configuration.pageSize, idleTimeout: configuration.idleTimeout)
        await ListWatch(collection, at: configuration.server.api, http: http)
            .run(known: { pods.count }, take: { take($0) })
    }

    /// Reports the pods as the watch knows them, with their usage.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        var usage: KubeletStats?
        var outcome = ProbeOutcome.success
        let asksNode = node.takeTurn(at: startedAt)
        async let nodeAnswer = asksNode ? readNode() : nil
        if let kubelet, isSynced {
            switch await Self.usage(kubelet) {
            case .success(let stats): usage = stats
            case .failure(let problem):
                outcome = .failure(problem.failureClass, "GET /stats/summary of the kubelet: \(problem.message)")
            }
        }
        settle(await nodeAnswer, at: startedAt)
        defer { waitingEdges = [] }
        let conditions = node.samples(node: configuration.server.node, at: startedAt)
        if let stale = staleness(at: startedAt) {
            return ProbeReport(outcome: stale, samples: conditions, edges: waitingEdges, remarks: node.remarks)
        }
        let usageByUID = Dictionary((usage?.pods ?? []).map { ($0.podRef.uid, $0) }, uniquingKeysWith: { $1 })
        var samples = PodSamples(now: startedAt)
        for pod in pods.values.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            guard let tracked = tracker.pods[pod.uid] else { continue }
            samples.add(pod, tracked, usage: usageByUID[pod.usageUID])
        }
        tracker.sampled(at: startedAt)
        return ProbeReport(
            outcome: outcome, samples: conditions + samples.samples, edges: waitingEdges, remarks: node.remarks)
    }

    /// Asks for the node's object out of the server's cache: a few kilobytes.
    private nonisolated func readNode() async -> Result<NodeConditions, KubernetesClient.Problem> {
        let path = "/api/v1/nodes/\(QueryText.escaped(configuration.server.node))?resourceVersion=0"
        return await server.get(path).flatMap { bytes in
            guard let conditions = try? JSONDecoder().decode(NodeConditions.self, from: Data(bytes)) else {
                let message = "\(bytes.count) bytes that are no node"
                return .failure(KubernetesClient.Problem(failureClass: .body, message: message))
            }
            return .success(conditions)
        }
    }

    private func settle(_ answer: Result<NodeConditions, KubernetesClient.Problem>?, at now: Timestamp) {
        switch answer {
        case .success(let conditions): node.found(conditions, at: now)
        case .failure(let problem): node.failed(problem.message)
        case nil: break
        }
    }

    private func staleness(at now: Timestamp) -> ProbeOutcome? {
        let isStale = brokenSince.map { now - $0 >= configuration.staleAfter } ?? false
        return !isSynced || isStale ? .failure(problem.failureClass, problem.message) : nil
    }

    private static func usage(_ kubelet: KubernetesClient) async -> Result<KubeletStats, KubernetesClient.Problem> {
        let credentials: [Label]
        do {
            credentials = try kubelet.credentials()
        } catch {
            return .failure(error)
        }
        return await kubelet.get("/stats/summary", credentials: credentials).flatMap { bytes in
            guard let stats = try? JSONDecoder().decode(KubeletStats.self, from: Data(bytes)) else {
                let message = "\(bytes.count) bytes that are not the JSON expected"
                return .failure(KubernetesClient.Problem(failureClass: .body, message: message))
            }
            return .success(stats)
        }
    }
}

// MARK: - Watch

extension WatchingPodProbe {
    private func take(_ news: ListWatch<KubeletPod>.News) {
        // Answers come in on other executors, and only the compiler's word stands for the way back.
        assertIsolated()
        switch news {
        case .listed(let pods, let isComplete): take(all: pods, isComplete: isComplete)
        case .changed(let pod):
            counters.lines += 1
            change(bounded(pod))
        case .deleted(let pod):
            counters.lines += 1
            pods[pod.uid] = nil
            emit(tracker.remove(bounded(pod), now: wallClock()))
            discover()
        case .unchanged:
            counters.lines += 1
            tracker.touched(at: wallClock())
        case .garbled:
            counters.lines += 1
            counters.unreadable += 1
        case .unreadable(let count): counters.unreadable += count
        case .asking: counters.watches += 1
        case .watching: brokenSince = nil
        case .broken(let problem):
            self.problem = problem
            if brokenSince == nil { brokenSince = wallClock() }
        }
    }

    private func take(all listed: [KubeletPod], isComplete: Bool) {
        counters.lists += 1
        let now = wallClock()
        var kept = Array(Dictionary(listed.map { ($0.uid, $0) }, uniquingKeysWith: { $1 }).values)
        kept.sort { ($0.namespace, $0.name, $0.uid) < ($1.namespace, $1.name, $1.uid) }
        let limit = configuration.server.podsMax
        if kept.count > limit {
            counters.podsLeftOut += kept.count - limit
            kept = Array((kept.filter { pods[$0.uid] != nil } + kept.filter { pods[$0.uid] == nil }).prefix(limit))
        }
        kept = kept.map(bounded)
        let edges = tracker.replaceAll(kept, listed: Set(listed.map(\.uid)), isComplete: isComplete, now: now)
        pods = Dictionary(kept.map { ($0.uid, $0) }, uniquingKeysWith: { $1 })
        isSynced = true
        brokenSince = nil
        emit(edges)
        discover()
    }

    private func change(_ pod: KubeletPod) {
        guard pods[pod.uid] != nil || pods.count < configuration.server.podsMax else {
            counters.podsLeftOut += 1
            return
        }
        pods[pod.uid] = pod
        emit(tracker.update(pod, now: wallClock()))
        discover()
    }

    private func bounded(_ pod: KubeletPod) -> KubeletPod {
        let excess = pod.containers.count - configuration.server.containersPerPodMax
        guard excess > 0 else { return pod }
        counters.containersLeftOut += excess
        var pod = pod
        pod.containers.removeLast(excess)
        return pod
    }

    /// Linear in the pods of one node, and cheap beside the line of JSON that led to it.
    private func discover() {
        discovery.send(PodDiscovery(pods.values) { tracker.pods[$0.uid]?.labels })
    }

    private func emit(_ edges: [Edge]) {
        guard !edges.isEmpty, !outlet.send(edges) else { return }
        waitingEdges += edges
        let excess = waitingEdges.count - configuration.edgesMax
        guard excess > 0 else { return }
        counters.edgesDropped += excess
        waitingEdges.removeFirst(excess)
    }
}
