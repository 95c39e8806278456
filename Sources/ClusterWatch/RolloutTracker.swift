package import Telemetry

/// Makes edges of the rollouts of Deployments: begun (from their ReplicaSets), finished or stuck (from themselves).
///
/// Pure: time comes in with each call. What was so when it is first seen is a base line, but for what happened within
/// `recent`: an incident after the coordinator's start may stem from it.
package struct RolloutTracker: Sendable {
    /// Bounds and times.
    package struct Configuration: Hashable, Sendable {
        /// Deployments that are followed; further ones are left out and counted.
        ///
        /// Default 5,000, as many as the coordinator judges subjects.
        package var deploymentsMax = 5000
        /// What happened longer ago than this when it is first seen gives no edge.
        ///
        /// Default 24 hours.
        package var recent: Duration = .seconds(86_400)

        /// Makes the default configuration.
        package init() {}
    }

    /// ReplicaSets of one Deployment that are held, the newest revisions; the rest is history.
    private static let replicaSetsMax = 3

    private struct Deployment {
        var namespace: String
        var name: String
        /// By falling revision.
        var replicaSets: [ReplicaSetState] = []
        /// The newest revision that was told of.
        var told: Int?
        /// The newest revision whose end was told of, and which end.
        var ended: (revision: Int, isFinished: Bool)?
    }

    private struct Place: Hashable {
        var namespace: String
        var name: String
    }

    /// Edges made.
    package private(set) var edges = 0
    /// Times that a Deployment was left out beyond `deploymentsMax`.
    package private(set) var leftOut = 0
    private let configuration: Configuration
    private var deployments: [String: Deployment] = [:]
    /// Names of Deployments by those of the ReplicaSets held.
    private var owners: [Place: String] = [:]

    /// Makes a tracker that knows no rollout.
    package init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Deployments that are followed.
    package var count: Int { deployments.count }

    /// The Deployment that a ReplicaSet, or a pod of one, belongs to; a pod's name is its ReplicaSet's, a dash and five
    /// characters.
    package func deployment(of kind: String, _ name: String, in namespace: String) -> String? {
        var name = name[...]
        if kind == "Pod" {
            guard let dash = name.lastIndex(of: "-") else { return nil }
            name = name[..<dash]
        }
        return owners[Place(namespace: namespace, name: String(name))]
    }

    /// Takes an edge that was made and stored before a restart.
    package mutating func restore(_ edge: Edge) {
        guard let uid = edge.attributes["uid"], let revision = edge.attributes["revision"].flatMap({ Int($0) }),
            let namespace = edge.labels[LabelName.namespace], let workload = edge.labels[LabelName.workload],
            workload.hasPrefix("Deployment/"),
            follow(uid, Place(namespace: namespace, name: String(workload.dropFirst(11))))
        else { return }
        switch edge.kind {
        case .rolloutStarted:
            let told = deployments[uid]?.told ?? 0
            deployments[uid]?.told = max(revision, told)
        case .rolloutFinished, .rolloutStuck:
            guard revision >= deployments[uid]?.ended?.revision ?? 0 else { return }
            deployments[uid]?.ended = (revision, edge.kind == .rolloutFinished)
        default: break
        }
    }

    // MARK: - ReplicaSets

    /// Takes a ReplicaSet as it is now.
    ///
    /// - Returns: the edge of the rollout that it began, if it did.
    package mutating func take(_ replicaSet: ReplicaSetState, now: Timestamp) -> Edge? {
        guard let uid = hold(replicaSet) else { return nil }
        return started(uid, now: now)
    }

    /// Takes all ReplicaSets there are; with `isComplete` others are forgotten.
    ///
    /// - Parameter scope: the namespace that they are all of; nil when they are of all.
    package mutating func take(
        all replicaSets: [ReplicaSetState], in scope: String?, isComplete: Bool, now: Timestamp
    ) -> [Edge] {
        if isComplete {
            let listed = Set(replicaSets.map(\.uid))
            for (uid, deployment) in deployments where deployment.namespace == scope ?? deployment.namespace {
                for gone in deployment.replicaSets where !listed.contains(gone.uid) { release(gone, of: uid) }
            }
        }
        let changed = Set(replicaSets.compactMap { hold($0) })
        return changed.sorted().compactMap { started($0, now: now) }.sorted { $0.at < $1.at }
    }

    /// Forgets a ReplicaSet that was deleted.
    package mutating func remove(_ replicaSet: ReplicaSetState) {
        if let owner = replicaSet.owner { release(replicaSet, of: owner) }
    }

    /// Its Deployment's id when it is one of the newest of it.
    private mutating func hold(_ replicaSet: ReplicaSetState) -> String? {
        guard let uid = replicaSet.owner, replicaSet.revision != nil,
            follow(uid, Place(namespace: replicaSet.namespace, name: replicaSet.ownerName)),
            var deployment = deployments[uid]
        else { return nil }
        deployment.replicaSets.removeAll { $0.uid == replicaSet.uid }
        deployment.replicaSets.append(replicaSet)
        deployment.replicaSets.sort { ($0.revision ?? 0, $0.uid) > ($1.revision ?? 0, $1.uid) }
        owners[Place(namespace: replicaSet.namespace, name: replicaSet.name)] = replicaSet.ownerName
        if deployment.replicaSets.count > Self.replicaSetsMax {
            let old = deployment.replicaSets.removeLast()
            owners[Place(namespace: old.namespace, name: old.name)] = nil
        }
        deployments[uid] = deployment
        return uid
    }

    private mutating func release(_ replicaSet: ReplicaSetState, of uid: String) {
        owners[Place(namespace: replicaSet.namespace, name: replicaSet.name)] = nil
        guard deployments[uid]?.replicaSets.contains(where: { $0.uid == replicaSet.uid }) == true else { return }
        deployments[uid]?.replicaSets.removeAll { $0.uid == replicaSet.uid }
        if deployments[uid]?.replicaSets.isEmpty == true { deployments[uid] = nil }
    }

    private mutating func started(_ uid: String, now: Timestamp) -> Edge? {
        guard let deployment = deployments[uid], let newest = deployment.replicaSets.first,
            let revision = newest.revision, revision > deployment.told ?? 0
        else { return nil }
        deployments[uid]?.told = revision
        let isFirstSeen = deployment.told == nil
        // A set that is used again is older than its rollout, which is then as old as the news of it.
        let at = newest.isReused ? (isFirstSeen ? nil : now) : newest.createdAt ?? now
        guard let at, !isFirstSeen || now - at <= configuration.recent else { return nil }
        var attributes: LabelSet = [
            "uid": uid, "revision": String(revision), "hash": newest.hash, "images": newest.images,
        ]
        if let previous = deployment.replicaSets.dropFirst().first, let before = previous.revision {
            attributes["previousRevision"] = String(before)
            attributes["previousHash"] = previous.hash
            attributes["previousImages"] = previous.images
        } else if let told = deployment.told {
            attributes["previousRevision"] = String(told)
        }
        edges += 1
        return Edge(.rolloutStarted, at: min(at, now), labels: Self.labels(deployment), attributes: attributes)
    }

    // MARK: - Deployments

    /// Takes a Deployment as it is now.
    ///
    /// - Returns: the edge of the rollout that it ended, if it did.
    package mutating func take(_ state: DeploymentState, now: Timestamp) -> Edge? {
        guard let revision = state.revision, state.progress != .unsettled,
            follow(state.uid, Place(namespace: state.namespace, name: state.name)),
            let deployment = deployments[state.uid]
        else { return nil }
        let isFinished = state.progress == .finished
        // What was stuck may still finish; what is finished is only begun anew by another revision.
        if let ended = deployment.ended {
            guard revision > ended.revision || revision == ended.revision && isFinished && !ended.isFinished else {
                return nil
            }
        }
        deployments[state.uid]?.ended = (revision, isFinished)
        let at = min(state.progressAt ?? now, now)
        guard deployment.ended != nil || now - at <= configuration.recent else { return nil }
        var attributes: LabelSet = ["uid": state.uid, "revision": String(revision)]
        if case .stuck(let message) = state.progress { attributes["message"] = message }
        edges += 1
        return Edge(
            isFinished ? .rolloutFinished : .rolloutStuck, at: at, labels: Self.labels(deployment),
            attributes: attributes)
    }

    /// Takes all Deployments there are; with `isComplete` others are forgotten.
    ///
    /// - Parameter scope: the namespace that they are all of; nil when they are of all.
    package mutating func take(
        all states: [DeploymentState], in scope: String?, isComplete: Bool, now: Timestamp
    ) -> [Edge] {
        if isComplete {
            let listed = Set(states.map(\.uid))
            let gone = deployments.filter { uid, deployment in
                !listed.contains(uid) && deployment.namespace == scope ?? deployment.namespace
                    && deployment.replicaSets.isEmpty
            }
            for uid in gone.keys { deployments[uid] = nil }
        }
        return states.compactMap { take($0, now: now) }.sorted { $0.at < $1.at }
    }

    /// Forgets a Deployment that was deleted; one whose ReplicaSets are still there goes with the last of them.
    ///
    /// The two watches are not in step: a late line of a ReplicaSet is not to look like a new Deployment.
    package mutating func remove(_ state: DeploymentState) {
        if deployments[state.uid]?.replicaSets.isEmpty == true { deployments[state.uid] = nil }
    }

    // MARK: - What is held

    /// Whether there is room for a Deployment.
    private mutating func follow(_ uid: String, _ place: Place) -> Bool {
        if deployments[uid] != nil { return true }
        guard deployments.count < configuration.deploymentsMax else {
            leftOut += 1
            return false
        }
        deployments[uid] = Deployment(namespace: place.namespace, name: place.name)
        return true
    }

    private static func labels(_ deployment: Deployment) -> LabelSet {
        [LabelName.namespace: deployment.namespace, LabelName.workload: "Deployment/" + deployment.name]
    }
}
