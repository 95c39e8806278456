import FoundationEssentials
import KubernetesAPI
package import Probing
package import Telemetry

/// Probes the pods of one node through its kubelet: `/pods` for what they are, `/stats/summary` for what they use.
///
/// One look is two GET requests at once. When `/pods` gives no usable answer nothing changes: no samples, no edges, and
/// the comparison goes on from the last good list, so that no transition is lost. When only `/stats/summary` fails,
/// samples and edges of the pod list are reported beside the failure.
package actor PodProbe: Probe, DiscoveringProbe {
    /// What had to be left out since the probe was made.
    package struct Counters: Sendable, Hashable {
        /// Pods beyond `podsMax`, counted at each look.
        package var podsLeftOut = 0
        /// Containers beyond `containersPerPodMax`, counted at each look.
        package var containersLeftOut = 0
        /// Pods that had no name, namespace or uid, counted at each look.
        package var podsUnreadable = 0

        /// Nothing was left out.
        package init() {}
    }

    package nonisolated let target: Target
    /// What had to be left out so far.
    package private(set) var counters = Counters()

    private let configuration: PodProbeConfiguration
    private let client: KubernetesClient
    private let discovery = DiscoveryOutlet()
    private var tracker: PodTracker

    /// Makes a probe that speaks to the kubelet through `fetcher`.
    package init(_ configuration: PodProbeConfiguration, fetcher: any HTTPFetching) {
        self.configuration = configuration
        target = configuration.target
        client = KubernetesClient(configuration.api, fetcher: fetcher)
        tracker = PodTracker(node: configuration.node)
    }

    /// Where annotated endpoints go after each look; see `DiscoveringProbe`.
    package nonisolated func discovers(to outlet: @escaping @Sendable (PodDiscovery) -> Void) {
        discovery.connect(outlet)
    }

    /// Asks the kubelet once; a failure is in the report.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        let credentials: [Label]
        do {
            credentials = try client.credentials()
        } catch {
            return ProbeReport(outcome: .failure(error.failureClass, error.message))
        }
        let client = client
        async let podsAnswer = client.get("/pods", credentials: credentials)
        async let statsAnswer = client.get("/stats/summary", credentials: credentials)
        return report(pods: await podsAnswer, stats: await statsAnswer, now: startedAt)
    }

    private typealias Answer = Result<[UInt8], KubernetesClient.Problem>

    private func report(pods: Answer, stats: Answer, now: Timestamp) -> ProbeReport {
        if case .failure(let first) = pods, case .failure(let second) = stats, first.isSilence, second.isSilence {
            let message = "the kubelet accepts connections and answers nothing: \(first.message)"
            return ProbeReport(outcome: .failure(.silent, message))
        }
        let list: KubeletPodList
        let usage: KubeletStats?
        var outcome = ProbeOutcome.success
        switch Self.decode(KubeletPodList.self, from: pods) {
        case .success(let decoded): list = decoded
        case .failure(let problem): return ProbeReport(outcome: Self.outcome("/pods", problem))
        }
        switch Self.decode(KubeletStats.self, from: stats) {
        case .success(let decoded): usage = decoded
        case .failure(let problem):
            usage = nil
            outcome = Self.outcome("/stats/summary", problem)
        }
        let followed = bounded(list)
        let verdict = tracker.observe(
            followed, listed: Set(list.pods.map(\.uid)), isComplete: list.unreadable == 0, now: now)
        switch verdict {
        case .unknown(let reason): return ProbeReport(outcome: .failure(.unavailable, reason))
        case .known(let edges):
            discovery.send(PodDiscovery(followed) { tracker.pods[$0.uid]?.labels })
            return ProbeReport(outcome: outcome, samples: samples(followed, usage: usage, now: now), edges: edges)
        }
    }

    private func samples(_ pods: [KubeletPod], usage: KubeletStats?, now: Timestamp) -> [Sample] {
        let usageByUID = Dictionary((usage?.pods ?? []).map { ($0.podRef.uid, $0) }, uniquingKeysWith: { $1 })
        var samples = PodSamples(now: now)
        for pod in pods {
            guard let tracked = tracker.pods[pod.uid] else { continue }
            samples.add(pod, tracked, usage: usageByUID[pod.usageUID])
        }
        return samples.samples
    }

    /// The pods to follow, each uid once, by namespace and name: the kubelet's order is random.
    private func bounded(_ list: KubeletPodList) -> [KubeletPod] {
        counters.podsUnreadable += list.unreadable
        var pods = Array(Dictionary(list.pods.map { ($0.uid, $0) }, uniquingKeysWith: { $1 }).values)
        pods.sort { ($0.namespace, $0.name, $0.uid) < ($1.namespace, $1.name, $1.uid) }
        if pods.count > configuration.podsMax {
            counters.podsLeftOut += pods.count - configuration.podsMax
            let known = pods.filter { tracker.pods[$0.uid] != nil }
            let others = pods.filter { tracker.pods[$0.uid] == nil }
            pods = Array((known + others).prefix(configuration.podsMax))
        }
        for index in pods.indices where pods[index].containers.count > configuration.containersPerPodMax {
            counters.containersLeftOut += pods[index].containers.count - configuration.containersPerPodMax
            pods[index].containers.removeLast(pods[index].containers.count - configuration.containersPerPodMax)
        }
        return pods
    }

    private static func decode<Body: Decodable>(
        _ type: Body.Type, from answer: Answer
    ) -> Result<Body, KubernetesClient.Problem> {
        answer.flatMap { bytes in
            do {
                return .success(try JSONDecoder().decode(type, from: Data(bytes)))
            } catch {
                let message = "\(bytes.count) bytes that are not the JSON expected"
                return .failure(KubernetesClient.Problem(failureClass: .body, message: message))
            }
        }
    }

    private static func outcome(_ path: String, _ problem: KubernetesClient.Problem) -> ProbeOutcome {
        .failure(problem.failureClass, "GET \(path): \(problem.message)")
    }
}
