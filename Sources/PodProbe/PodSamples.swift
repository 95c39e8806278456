import KubernetesAPI
import Telemetry

/// Turns one look at a node into the samples of `docs/series.md`, "Pods".
///
/// Gauges have the time of the look: the kubelet's own are up to half a minute old, and a value that old would miss the
/// cell that it describes best. CPU and network counters have the time that the kubelet measured them at, without which
/// their rates would be wrong; one that it has not measured again is repeated with its old time.
struct PodSamples {
    private let now: Timestamp
    private(set) var samples: [Sample] = []

    init(now: Timestamp) {
        self.now = now
    }

    /// Adds what the pod list and the usage say about one pod.
    mutating func add(_ pod: KubeletPod, _ tracked: TrackedPod, usage: PodUsage?) {
        if !pod.isFinished { add("kube_pod_info", tracked.infoLabels(of: pod), 1) }
        if Self.shouldBeReady(pod) { add("kube_pod_ready", tracked.labels, pod.isReady ? 1 : 0) }
        for container in pod.containers { add(container, of: pod, tracked) }
        guard let usage, !pod.isFinished else { return }
        if let network = usage.network, !pod.usesHostNetwork {
            let time = KubernetesTime.parse(network.time)
            add("container_network_receive_bytes_total", tracked.labels, network.rxBytes, at: time)
            add("container_network_transmit_bytes_total", tracked.labels, network.txBytes, at: time)
        }
        for container in usage.containers {
            guard tracked.containers[container.name] != nil else { continue }
            add(container, tracked.labels(container: container.name))
        }
    }

    /// Not a Job's, not completed, not being deleted.
    static func shouldBeReady(_ pod: KubeletPod) -> Bool {
        pod.owner?.kind != "Job" && !pod.isFinished && !pod.isDeleting
    }

    private mutating func add(_ container: KubeletContainer, of pod: KubeletPod, _ tracked: TrackedPod) {
        guard let tracker = tracked.containers[container.name] else { return }
        let labels = tracked.labels(container: container.name)
        counter("kube_pod_container_restarts_total", labels, tracker.restarts, absentAt: tracked.absentAt)
        counter("kube_pod_container_oom_kills_total", labels, tracker.oomKills, absentAt: tracked.absentAt)
        guard container.role == .main, !pod.isFinished else { return }
        add("kube_pod_container_ready", labels, container.status?.isReady == true ? 1 : 0)
        add("container_spec_memory_limit_bytes", labels, container.memoryLimit)
    }

    private mutating func add(_ usage: ContainerUsage, _ labels: LabelSet) {
        let seconds = usage.cpu?.usageCoreNanoSeconds.map { $0 / 1e9 }
        add("container_cpu_usage_seconds_total", labels, seconds, at: KubernetesTime.parse(usage.cpu?.time))
        add("container_memory_working_set_bytes", labels, usage.memory?.workingSetBytes)
        add("container_memory_rss_bytes", labels, usage.memory?.rssBytes)
        add("container_ephemeral_storage_used_bytes", labels, usage.ephemeralBytes)
    }

    /// A counter that rose before its first sample starts from 0 at the look that did not have the pod yet.
    private mutating func counter(_ metric: String, _ labels: LabelSet, _ value: Int, absentAt: Timestamp?) {
        if let absentAt, value > 0 { samples.append(Sample(Series(metric, labels), absentAt, 0)) }
        add(metric, labels, Double(value))
    }

    private mutating func add(_ metric: String, _ labels: LabelSet, _ value: Double?, at time: Timestamp? = nil) {
        guard let value, value.isFinite else { return }
        samples.append(Sample(Series(metric, labels), min(time ?? now, now), value))
    }
}

extension TrackedPod {
    /// The labels by which dependencies and rollouts are found: address and revision, where the pod has them.
    func infoLabels(of pod: KubeletPod) -> LabelSet {
        var labels = labels
        // With the node's network the address says nothing of the pod.
        labels[LabelName.podAddress] = pod.usesHostNetwork ? nil : pod.address
        labels[LabelName.revision] = pod.templateHash ?? pod.controllerRevision
        return labels
    }

    /// The labels of one of the pod's containers.
    func labels(container: String) -> LabelSet {
        var labels = labels
        labels[LabelName.container] = container
        return labels
    }
}
