package import Telemetry

extension DependencyGraph {
    /// Learns from samples of one agent; all but two metrics are passed over.
    package mutating func take(_ samples: [Sample], cluster: String) {
        for sample in samples {
            guard let source = Self.source(sample.series.metric) else { continue }
            take(sample, source, cluster: cluster)
        }
    }

    /// Learns from samples of one agent, `agent` being its node: the same, with one look at the name of a series.
    package mutating func take(_ batch: SampleBatch, cluster: String, agent: String) {
        let agent = Agent(cluster: cluster, node: agent)
        var own = numbered.removeValue(forKey: agent) ?? Numbered(seenAt: now)
        own.seenAt = now
        own.series.follow(batch) { Self.source($0.metric(of: $1)) }
        let (numbers, sources) = (batch.numbers, own.series.meanings)
        for position in numbers.indices {
            guard let source = sources[Int(numbers[position])] else { continue }
            take(batch[position], source, cluster: cluster)
        }
        if numbered.count < configuration.agentsMax { numbered[agent] = own }
    }

    /// Forgets the series of an agent that is gone; what it told of pods and links stays as long as it is news.
    package mutating func forget(cluster: String, agent: String) {
        numbered[Agent(cluster: cluster, node: agent)] = nil
    }

    private static func source(_ metric: String) -> Source? {
        // The lengths are at hand; nearly every series ends here.
        switch metric.utf8.count {
        case 13 where metric == "kube_pod_info": .pod
        case 18 where metric == "pg_client_sessions": .client
        default: nil
        }
    }

    private mutating func take(_ sample: Sample, _ source: Source, cluster: String) {
        switch source {
        case .pod: takePod(sample, cluster: cluster)
        case .client: takeClient(sample, cluster: cluster)
        }
    }

    /// Learns from edges: when a rollout began by the cluster's own record, seconds before its first pod is seen.
    package mutating func take(_ edges: [Edge], cluster: String, clockOffset: Duration = .zero) {
        for edge in edges where edge.kind == .rolloutStarted {
            guard let workload = Subject(cluster: cluster, labels: edge.labels), workload.kind == .workload,
                let revision = edge.attributes["revision"]
            else { continue }
            let at = edge.at - clockOffset
            guard at >= rollouts[workload]?.startedAt ?? at || rollouts[workload]?.what == nil else { continue }
            guard rollouts[workload] != nil || rollouts.count < configuration.podsMax else {
                refused += 1
                continue
            }
            var rollout = rollouts[workload] ?? Rollout(revisions: [], seenAt: now)
            rollout.seenAt = now
            // Both, so that no pod of either looks like one of a revision more.
            let hashes = ["previousHash", "hash"].compactMap { edge.attributes[$0] }.filter { !$0.isEmpty }
            let others = rollout.revisions.filter { !hashes.contains($0) }
            rollout.revisions = others.suffix(Self.revisionsMax - hashes.count) + hashes
            // A first revision replaces nothing: pods of it that fail were never well.
            rollout.startedAt = edge.attributes["previousRevision"] == nil ? rollout.startedAt : at
            rollout.what = Self.text(revision, edge.attributes["images"] ?? "", edge.attributes["previousImages"] ?? "")
            rollouts[workload] = rollout
        }
    }

    /// Longest list of images in a reason.
    private static let imagesMax = 120

    private static func text(_ revision: String, _ images: String, _ before: String) -> String {
        guard !images.isEmpty, images != before, images.count <= imagesMax else { return "revision \(revision)" }
        return "revision \(revision) with \(images)"
    }

    private mutating func takePod(_ sample: Sample, cluster: String) {
        let labels = sample.series.labels
        guard sample.value == 1, let name = labels[LabelName.pod], let node = labels[LabelName.node],
            let workload = Subject(cluster: cluster, labels: labels), workload.kind == .workload
        else { return }
        let pod = Pod(workload: workload, name: name, node: node, seenAt: now)
        if pods[workload]?[name] == nil {
            guard podCount < configuration.podsMax else {
                refused += 1
                return
            }
            podCount += 1
        }
        pods[workload, default: [:]][name] = pod
        if let address = labels[LabelName.podAddress] { hold(Address(cluster: cluster, text: address), pod) }
        if let revision = labels[LabelName.revision] { note(revision, of: workload) }
    }

    private mutating func hold(_ address: Address, _ pod: Pod) {
        var holder = AddressHolder(pod: pod, seenAt: now, contestedAt: holders[address]?.contestedAt)
        if let other = holders[address], other.pod.workload != pod.workload,
            now - other.seenAt < Self.contestFor
        {
            holder.contestedAt = now
        }
        holders[address] = holder
    }

    /// The pod that has an address, when one workload alone has shown it lately.
    private func holder(of address: Address) -> Pod? {
        guard let holder = holders[address] else { return nil }
        if let contestedAt = holder.contestedAt, now - contestedAt < Self.contestFor { return nil }
        return holder.pod
    }

    /// Longer than the interval of any probe that reports pods.
    private static let contestFor: Duration = .seconds(60)

    private mutating func note(_ revision: String, of workload: Subject) {
        guard var rollout = rollouts[workload] else {
            rollouts[workload] = Rollout(revisions: [revision], seenAt: now)
            return
        }
        rollout.seenAt = now
        if !rollout.revisions.contains(revision) {
            rollout.startedAt = now
            rollout.what = nil
            rollout.revisions = rollout.revisions.suffix(Self.revisionsMax - 1) + [revision]
        }
        rollouts[workload] = rollout
    }

    /// Revisions of a workload that are remembered: pods of more than two live side by side only for moments.
    private static let revisionsMax = 4

    private mutating func takeClient(_ sample: Sample, cluster: String) {
        let labels = sample.series.labels
        guard sample.value > 0, let client = labels["client"],
            let pod = holder(of: Address(cluster: cluster, text: client)),
            let database = Subject(cluster: cluster, labels: labels), database.kind == .postgresql
        else { return }
        if databases[pod.workload]?[database] == nil {
            guard linkCount < configuration.linksMax else {
                refused += 1
                return
            }
            linkCount += 1
            clients[database, default: []].insert(pod.workload)
        }
        databases[pod.workload, default: [:]][database] = Link(pod: pod.name, address: client, seenAt: now)
    }
}
