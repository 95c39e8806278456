/// What an incident is about: a workload, a PostgreSQL instance, a node, an agent or a plain target of one cluster, or
/// the coordinator itself, which is of none.
package struct Subject: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The sort of thing a subject is.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// A Kubernetes workload; path `NAMESPACE/KIND/NAME`.
        case workload
        /// A PostgreSQL instance; path `postgresql/NAME`.
        case postgresql
        /// A node; path `node/NAME`.
        case node
        /// An agent; path `agent/NODE`.
        case agent
        /// A target that belongs to no workload; path `target/ID`.
        case target
        /// The coordinator, cluster empty; path `coordinator/PART`.
        case coordinator
    }

    /// The cluster the subject lives in, from the agent's `Hello`.
    package var cluster: String
    /// The sort of subject.
    package var kind: Kind
    /// Path inside the cluster, as printed and as matched by override globs.
    package var path: String

    /// Makes a subject from its parts.
    package init(cluster: String, kind: Kind, path: String) {
        self.cluster = cluster
        self.kind = kind
        self.path = path
    }

    /// The subject that labels speak of: an `instance` is a PostgreSQL server, else namespace and workload, else node,
    /// else target.
    ///
    /// Returns nil when none of these labels is there.
    package init?(cluster: String, labels: LabelSet) {
        if let instance = labels[LabelName.instance] {
            self.init(cluster: cluster, kind: .postgresql, path: "postgresql/\(instance)")
        } else if let namespace = labels[LabelName.namespace], let workload = labels[LabelName.workload] {
            self.init(cluster: cluster, kind: .workload, path: "\(namespace)/\(workload)")
        } else if let target = labels[LabelName.target] {
            self.init(cluster: cluster, kind: .target, path: "target/\(target)")
        } else if let node = labels[LabelName.node] {
            self.init(cluster: cluster, kind: .node, path: "node/\(node)")
        } else {
            return nil
        }
    }

    package var description: String { path }

    package static func < (lhs: Subject, rhs: Subject) -> Bool {
        (lhs.cluster, lhs.path) < (rhs.cluster, rhs.path)
    }
}
