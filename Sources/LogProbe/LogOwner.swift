import Telemetry

/// Whose log a file is.
struct LogOwner: Hashable, Sendable {
    /// What its series carry beside node and level.
    var labels: LabelSet

    init(labels: LabelSet) {
        self.labels = labels
    }

    /// The owner of one unit's entries in a journal.
    func unit(_ name: String) -> LogOwner {
        var labels = labels
        labels["unit"] = name
        return LogOwner(labels: labels)
    }

    init(namespace: String, workload: String) {
        labels = [LabelName.namespace: namespace, LabelName.workload: workload]
    }
}

/// Whose log a container's file is, from its path alone: `NAMESPACE_POD_UID/CONTAINER/N.log`.
struct PodLogFolder: Hashable, Sendable {
    var namespace: String
    var pod: String

    var owner: LogOwner { LogOwner(namespace: namespace, workload: Self.workload(pod: pod[...])) }

    /// Nil when the folder's name has another form.
    ///
    /// The workload is guessed from the pod's name, since no file tells it: two generated suffixes are a Deployment,
    /// one is a DaemonSet,
    /// a number is a StatefulSet, anything else a bare Pod. A Job's pod and a ReplicaSet's without a Deployment look
    /// like a
    /// DaemonSet's.
    init?(folder: String) {
        let parts = folder.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        namespace = String(parts[0])
        pod = String(parts[1])
    }

    static func workload(pod: Substring) -> String {
        let words = pod.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count >= 2, let last = words.last else { return "Pod/\(pod)" }
        func name(dropping count: Int) -> String { words.dropLast(count).joined(separator: "-") }
        if last.utf8.count == 5, last.utf8.allSatisfy(generated.contains) {
            let hash = words[words.count - 2]
            if words.count >= 3, (8...10).contains(hash.utf8.count), hash.utf8.allSatisfy(generated.contains) {
                return "Deployment/" + name(dropping: 2)
            }
            return "DaemonSet/" + name(dropping: 1)
        }
        if last.utf8.count <= 5, !last.isEmpty, last.utf8.allSatisfy({ (48...57).contains($0) }) {
            return "StatefulSet/" + name(dropping: 1)
        }
        return "Pod/\(pod)"
    }

    /// The characters of Kubernetes' generated names (apimachinery, util/rand).
    private static let generated = Set("bcdfghjklmnpqrstvwxz2456789".utf8)
}
