import Telemetry

/// One pod from look to look.
struct TrackedPod {
    let uid: String
    let namespace: String
    let name: String
    let workload: String
    let isFromAPI: Bool
    /// Namespace, workload, pod and node.
    let labels: LabelSet
    /// The look before, when the pod came to the node since then: its counters started from 0 there.
    fileprivate(set) var absentAt: Timestamp?
    fileprivate(set) var containers: [String: ContainerTracker] = [:]
    fileprivate var phase: String
    fileprivate var isReady: Bool
    fileprivate var isDeleting = false
    fileprivate var missingSince: Timestamp?

    fileprivate var key: String { "\(namespace)/\(name)" }
    fileprivate var isFinished: Bool { phase == "Succeeded" || phase == "Failed" }
}

/// Compares each pod list of the kubelet with the one before and tells what happened between them.
///
/// - The first look is the base line: what happened before it was reported by the agent before, or by nobody.
/// - A pod that appears later and was taken on by the kubelet since the look before has its whole short history
///   reported; one that is older (the list was incomplete before) only becomes known.
/// - After a kubelet start the list is null, then has static pods alone, then is complete. Neither of the first two
///   says anything about pods: `Verdict.unknown`, and nothing changes.
/// - A pod that was being deleted, was finished, or whose name has another uid now is gone at once; any other is gone
///   when two looks in a row lack it, and the edge has the time of the first.
struct PodTracker {
    /// What a look is worth.
    enum Verdict {
        /// The list tells about the node; the edges are sorted by time.
        case known([Edge])
        /// The list says nothing yet, for the reason given.
        case unknown(String)
    }

    /// How long a list with static pods alone is taken for one of a starting kubelet, which needs about 1.4 s.
    static let staticOnlyGrace = Duration.seconds(60)
    /// A pod's start has whole seconds and the kubelet's clock; a look has milliseconds and ours.
    private static let clockSlack = Duration.seconds(5)

    let node: String
    private(set) var pods: [String: TrackedPod] = [:]
    private var lastLook: Timestamp?
    /// Whether changes come one by one: a pod is new then when it was not known, whenever it started.
    private var isWatched = false
    private var lastSampledAt: Timestamp?
    /// Pods gone since the last samples, for a successor of the same name that has to carry their counters on.
    private var departed: [String: TrackedPod] = [:]
    private var staticOnlySince: Timestamp?
    private var isListing = false

    init(node: String) {
        self.node = node
    }

    /// Takes a list in.
    ///
    /// - Parameters:
    ///   - list: the pods to follow, each uid once.
    ///   - listed: uids of all pods on the node, with those that are not followed.
    ///   - isComplete: false when the list had pods that could not be read, so that absence proves nothing.
    mutating func observe(_ list: [KubeletPod], listed: Set<String>, isComplete: Bool, now: Timestamp) -> Verdict {
        if list.isEmpty { return .unknown("the kubelet lists no pods: it has just started") }
        if let reason = staticOnly(list, now: now) { return .unknown(reason) }
        let uidByKey = Dictionary(list.map { ("\($0.namespace)/\($0.name)", $0.uid) }, uniquingKeysWith: { $1 })
        var edges: [Edge] = []
        var replaced: [String: TrackedPod] = [:]
        for pod in pods.values.sorted(by: { $0.key < $1.key }) where !listed.contains(pod.uid) {
            let hasSuccessor = uidByKey[pod.key] != nil
            if hasSuccessor { replaced[pod.key] = pod }
            edges += leave(pod, hasSuccessor: hasSuccessor, isComplete: isComplete, now: now)
        }
        for pod in list { edges += look(at: pod, replaced: replaced, now: now) }
        lastLook = now
        return .known(
            edges.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element))
    }

    private mutating func staticOnly(_ list: [KubeletPod], now: Timestamp) -> String? {
        guard !list.contains(where: \.isFromAPI), pods.values.contains(where: \.isFromAPI) else {
            staticOnlySince = nil
            return nil
        }
        let since = staticOnlySince ?? now
        staticOnlySince = since
        guard now - since < Self.staticOnlyGrace else { return nil }
        return "the kubelet lists static pods alone: it has just started"
    }

    private mutating func leave(
        _ pod: TrackedPod, hasSuccessor: Bool, isComplete: Bool, now: Timestamp
    ) -> [Edge] {
        guard hasSuccessor || isComplete else { return [] }
        guard hasSuccessor || isWatched || pod.isDeleting || pod.isFinished || pod.missingSince != nil else {
            pods[pod.uid]?.missingSince = now
            return []
        }
        pods[pod.uid] = nil
        let reason = pod.isDeleting ? "deleted" : hasSuccessor ? "replaced" : pod.isFinished ? "finished" : "vanished"
        let attributes: LabelSet = ["phase": pod.phase, "reason": reason]
        return [Edge(.podGone, at: pod.missingSince ?? now, labels: pod.labels, attributes: attributes)]
    }

    private mutating func look(at pod: KubeletPod, replaced: [String: TrackedPod], now: Timestamp) -> [Edge] {
        guard var tracked = pods[pod.uid] else { return take(pod, replaced: replaced, now: now) }
        if !isWatched { tracked.absentAt = nil }
        tracked.missingSince = nil
        let edges = advance(&tracked, to: pod, now: now)
        pods[pod.uid] = tracked
        return edges
    }

    /// Takes on a pod that was not known.
    private mutating func take(_ pod: KubeletPod, replaced: [String: TrackedPod], now: Timestamp) -> [Edge] {
        let workload = WorkloadName.of(pod, node: node)
        var tracked = TrackedPod(
            uid: pod.uid, namespace: pod.namespace, name: pod.name, workload: workload, isFromAPI: pod.isFromAPI,
            labels: [
                LabelName.namespace: pod.namespace, LabelName.workload: workload, LabelName.pod: pod.name,
                LabelName.node: node,
            ], phase: "Pending", isReady: false)
        let predecessor = replaced["\(pod.namespace)/\(pod.name)"] ?? departed["\(pod.namespace)/\(pod.name)"]
        for container in pod.containers {
            let carried = predecessor?.containers[container.name]?.oomKills ?? 0
            tracked.containers[container.name] = ContainerTracker(oomKills: carried)
        }
        var edges: [Edge] = []
        if let lastLook, isNew(pod, since: lastLook) {
            if predecessor == nil { tracked.absentAt = isWatched ? lastSampledAt : lastLook }
            edges = advance(&tracked, to: pod, now: now)
        } else {
            adopt(pod, into: &tracked)
        }
        pods[pod.uid] = tracked
        return edges
    }

    /// On a watch the list after a gap asks as the looks do; between two lists whatever was not known is new.
    private func isNew(_ pod: KubeletPod, since lastLook: Timestamp) -> Bool {
        (isWatched && !isListing) || pod.startedAt.map { $0 >= lastLook - Self.clockSlack } ?? true
    }

    private func adopt(_ pod: KubeletPod, into tracked: inout TrackedPod) {
        (tracked.phase, tracked.isReady, tracked.isDeleting) = (pod.phase, pod.isReady, pod.isDeleting)
        for container in pod.containers {
            guard let status = container.status else { continue }
            tracked.containers[container.name]?.adopt(status)
        }
    }

    private func advance(_ tracked: inout TrackedPod, to pod: KubeletPod, now: Timestamp) -> [Edge] {
        tracked.isDeleting = pod.isDeleting
        var edges: [Edge] = []
        for container in pod.containers {
            guard let status = container.status else { continue }
            var tracker = tracked.containers[container.name] ?? ContainerTracker()
            for var edge in tracker.advance(to: status, now: now) {
                edge.labels[LabelName.container] = container.name
                if container.role == .initialization { edge.attributes["init"] = "true" }
                edges.append(edge)
            }
            tracked.containers[container.name] = tracker
        }
        if pod.isReady != tracked.isReady {
            let attributes: LabelSet = [
                "from": String(tracked.isReady), "to": String(pod.isReady), "reason": pod.readyReason,
            ]
            let at = min(pod.readyChangedAt ?? now, now)
            edges.append(Edge(.readinessChanged, at: at, labels: LabelSet(), attributes: attributes))
            tracked.isReady = pod.isReady
        }
        if pod.phase != tracked.phase {
            let attributes: LabelSet = ["from": tracked.phase, "to": pod.phase, "reason": pod.reason]
            edges.append(Edge(.phaseChanged, at: now, labels: LabelSet(), attributes: attributes))
            tracked.phase = pod.phase
        }
        return edges.map { edge in
            var edge = edge
            edge.labels = edge.labels.merging(tracked.labels)
            // What a pod does while it is being deleted is asked for: consumers tell it from trouble by this.
            if pod.isDeleting { edge.attributes["deleting"] = "true" }
            return edge
        }
    }
}

// MARK: - One by one

extension PodTracker {
    /// Departed pods remembered; with more, a successor's OOM kills start from 0.
    private static let departedMax = 500

    /// Takes the API server's list in: it is authoritative, so what it lacks is gone.
    ///
    /// The first one is the base line.
    mutating func replaceAll(_ list: [KubeletPod], listed: Set<String>, isComplete: Bool, now: Timestamp) -> [Edge] {
        isWatched = true
        isListing = true
        defer {
            isListing = false
            lastLook = now
        }
        let uidByKey = Dictionary(list.map { ("\($0.namespace)/\($0.name)", $0.uid) }, uniquingKeysWith: { $1 })
        var edges: [Edge] = []
        for pod in pods.values.sorted(by: { $0.key < $1.key }) where !listed.contains(pod.uid) {
            edges += depart(pod, hasSuccessor: uidByKey[pod.key] != nil, isComplete: isComplete, now: now)
        }
        for pod in list { edges += look(at: pod, replaced: [:], now: now) }
        return edges
    }

    /// Takes one pod as it is now.
    mutating func update(_ pod: KubeletPod, now: Timestamp) -> [Edge] {
        lastLook = now
        return look(at: pod, replaced: [:], now: now)
    }

    /// Takes one pod out; `pod` is its last state, which may tell of ends that nothing told before.
    mutating func remove(_ pod: KubeletPod, now: Timestamp) -> [Edge] {
        lastLook = now
        guard pods[pod.uid] != nil else { return [] }
        let edges = look(at: pod, replaced: [:], now: now)
        guard let last = pods[pod.uid] else { return edges }
        return edges + depart(last, hasSuccessor: false, isComplete: true, now: now)
    }

    /// Says that nothing changed until now.
    mutating func touched(at now: Timestamp) {
        lastLook = now
    }

    /// Says that samples were made: counters no longer start from 0 before, and the departed no longer matter.
    mutating func sampled(at now: Timestamp) {
        for uid in pods.keys { pods[uid]?.absentAt = nil }
        departed = [:]
        lastSampledAt = now
    }

    private mutating func depart(_ pod: TrackedPod, hasSuccessor: Bool, isComplete: Bool, now: Timestamp) -> [Edge] {
        let edges = leave(pod, hasSuccessor: hasSuccessor, isComplete: isComplete, now: now)
        if pods[pod.uid] == nil, departed.count < Self.departedMax { departed[pod.key] = pod }
        return edges
    }
}
