package import Telemetry

/// Who depends on what, as far as the probes have seen: which workload's pods hold sessions on which database, which
/// pods run on which node, and which workloads were rolled out when.
///
/// Pure: it learns from samples (`pg_client_sessions`, `kube_pod_info`), edges (`rollout_started`) and the time it is
/// told. What was not seen for `forgetAfter` is forgotten; a database that is down has no clients, so that is an hour
/// and not a minute.
package struct DependencyGraph: Sendable {
    /// Limits and times.
    package struct Configuration: Hashable, Sendable {
        /// Pods; further ones are not learned.
        ///
        /// Default 20,000.
        package var podsMax = 20_000
        /// Links between workloads and databases; further ones are not learned.
        ///
        /// Default 20,000.
        package var linksMax = 20_000
        /// Agents whose series are known by number; those of further ones are looked at by name.
        ///
        /// Default 10,000.
        package var agentsMax = 10_000
        /// What was not seen for this long is forgotten.
        ///
        /// Default 1 hour.
        package var forgetAfter: Duration = .seconds(3600)

        /// Makes the default configuration.
        package init() {}
    }

    /// One end of a dependency, with the evidence.
    package struct Dependency: Hashable, Sendable {
        /// What is depended on, or what depends.
        package var subject: Subject
        /// The evidence in words: `pod cart-1 (10.1.2.3) holds sessions on postgresql/orders`.
        package var reason: String
    }

    /// A pod's place.
    struct Pod: Hashable, Sendable {
        var workload: Subject
        var name: String
        var node: String
        var seenAt: Timestamp
    }

    /// An address inside one cluster.
    struct Address: Hashable, Sendable {
        var cluster: String
        var text: String
    }

    /// Who has an address.
    struct AddressHolder: Sendable {
        var pod: Pod
        var seenAt: Timestamp
        /// When another workload had shown the same address less than a minute before: then it says nothing of either.
        var contestedAt: Timestamp?
    }

    /// What is known of a link from a workload to a database.
    struct Link: Sendable {
        var pod: String
        var address: String
        var seenAt: Timestamp
    }

    /// An agent by its cluster and its node.
    struct Agent: Hashable, Sendable {
        var cluster: String
        var node: String
    }

    /// The metrics that the graph learns from.
    enum Source: Sendable {
        case pod, client
    }

    /// An agent's series by number: which of them the graph learns from.
    struct Numbered: Sendable {
        var series = NumberedSeries<Source?>()
        var seenAt: Timestamp
    }

    /// The revisions of a workload and when the newest appeared.
    struct Rollout: Sendable {
        var revisions: [String]
        var startedAt: Timestamp?
        /// What was rolled out, in words, when the cluster's own record is known: `revision 7 with web=shop:1.4`.
        var what: String?
        var seenAt: Timestamp
    }

    /// Limits and times.
    package let configuration: Configuration
    /// Pods and links that were not learned because of a limit; only rises.
    package internal(set) var refused = 0
    var now = Timestamp(millis: 0)
    var holders: [Address: AddressHolder] = [:]
    var pods: [Subject: [String: Pod]] = [:]
    var podCount = 0
    /// Links by workload, then by database.
    var databases: [Subject: [Subject: Link]] = [:]
    /// The same the other way round.
    var clients: [Subject: Set<Subject>] = [:]
    var linkCount = 0
    var rollouts: [Subject: Rollout] = [:]
    /// What each agent's series are to the graph, by the agent's numbers.
    var numbered: [Agent: Numbered] = [:]
    var sweptAt = Timestamp(millis: 0)

    /// Makes a graph that knows nothing.
    package init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Sets the time, and forgets once a minute what was not seen for long.
    package mutating func advance(to time: Timestamp) {
        now = max(now, time)
        guard now - sweptAt >= .seconds(60) else { return }
        sweptAt = now
        let oldest = now - configuration.forgetAfter
        holders = holders.filter { $0.value.seenAt >= oldest }
        rollouts = rollouts.filter { $0.value.seenAt >= oldest }
        numbered = numbered.filter { $0.value.seenAt >= oldest }
        pods = pods.mapValues { $0.filter { $0.value.seenAt >= oldest } }.filter { !$0.value.isEmpty }
        podCount = pods.values.reduce(0) { $0 + $1.count }
        databases = databases.mapValues { $0.filter { $0.value.seenAt >= oldest } }.filter { !$0.value.isEmpty }
        linkCount = databases.values.reduce(0) { $0 + $1.count }
        clients = [:]
        for (workload, links) in databases {
            for database in links.keys { clients[database, default: []].insert(workload) }
        }
    }

    // MARK: - Questions

    /// The databases that a workload's pods hold sessions on, by name.
    package func databases(of workload: Subject) -> [Dependency] {
        (databases[workload] ?? [:]).sorted { $0.key < $1.key }.map { database, link in
            Dependency(
                subject: database, reason: "pod \(link.pod) (\(link.address)) holds sessions on \(database.path)")
        }
    }

    /// The evidence that `dependent` stands on `subject`; nil when there is none.
    ///
    /// - Parameter parts: the dependent's pods, or `POD/CONTAINER`, that are in trouble: they tell whether a node
    ///   matters to a workload that runs on several.
    package func evidence(that dependent: Subject, standsOn subject: Subject, parts: [String] = []) -> String? {
        guard dependent.cluster == subject.cluster, dependent != subject else { return nil }
        switch (dependent.kind, subject.kind) {
        case (.workload, .postgresql):
            return databases(of: dependent).first { $0.subject == subject }?.reason
        case (.workload, .node):
            let names = Set(parts.map { String($0.prefix { $0 != "/" }) })
            let node = subject.path.split(separator: "/").last.map(String.init)
            let pod = pods[dependent]?.values.filter { names.contains($0.name) && $0.node == node }.map(\.name).min()
            return pod.map { "pod \($0) runs on \(subject.path)" }
        case (.agent, .node):
            let isIts = dependent.path.split(separator: "/").last == subject.path.split(separator: "/").last
            return isIts ? "the agent runs on \(subject.path)" : nil
        case (.agent, .agent):
            return subject.path == Self.allAgents ? "many agents of \(subject.cluster) fell silent together" : nil
        default: return nil
        }
    }

    /// The workloads that depend on a subject: a database's clients, or what runs on a node.
    package func dependents(of subject: Subject) -> [Subject] {
        switch subject.kind {
        case .postgresql: return (clients[subject] ?? []).sorted()
        case .node:
            let node = subject.path.split(separator: "/").last.map(String.init)
            return pods.filter { $0.key.cluster == subject.cluster && $0.value.values.contains { $0.node == node } }
                .map(\.key).sorted()
        default: return []
        }
    }

    /// When the newest revision of a workload appeared; nil when it has had one alone since it is known.
    package func rolloutStart(of workload: Subject) -> Timestamp? { rollouts[workload]?.startedAt }

    /// What the newest rollout of a workload brought, such as `revision 7 with web=shop:1.4`; nil when it is not known.
    package func rolloutText(of workload: Subject) -> String? { rollouts[workload]?.what }

    /// Path of the subject that stands for all agents of a cluster.
    private static let allAgents = "agent/*"
}
