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
    /// a minute and a generated one a CronJob, one is a DaemonSet, a number is a StatefulSet, anything else a bare Pod.
    /// A Job's pod without a CronJob and a ReplicaSet's without a Deployment look like a DaemonSet's.
    init?(folder: String) {
        let parts = folder.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        namespace = String(parts[0])
        pod = String(parts[1])
    }

    private init(namespace: String, pod: String) {
        self.namespace = namespace
        self.pod = pod
    }

    /// Whose log a link in `/var/log/containers` is: `POD_NAMESPACE_CONTAINER-ID.log`; nil for another name.
    static func link(_ name: String) -> (pod: PodLogFolder, container: String)? {
        guard name.hasSuffix(".log"), let dash = name.lastIndex(of: "-") else { return nil }
        let id = name[name.index(after: dash)...].dropLast(4)
        let parts = name[..<dash].split(separator: "_", omittingEmptySubsequences: false)
        guard id.utf8.count == 64, parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return (PodLogFolder(namespace: String(parts[1]), pod: String(parts[0])), String(parts[2]))
    }

    static func workload(pod: Substring) -> String {
        let words = pod.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count >= 2, let last = words.last else { return "Pod/\(pod)" }
        func name(dropping count: Int) -> String { words.dropLast(count).joined(separator: "-") }
        if last.utf8.count == 5, last.utf8.allSatisfy(generated.contains) {
            let hash = words[words.count - 2]
            if words.count >= 3, isMinute(hash) { return "CronJob/" + name(dropping: 2) }
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

    /// The minute since 1970 at which a CronJob's run was due: eight digits, from 2008 on.
    ///
    /// By chance one in 50,000 hashes of a Deployment looks like one.
    private static func isMinute(_ word: Substring) -> Bool {
        word.utf8.count == 8 && word.utf8.allSatisfy { (48...57).contains($0) } && word >= "20000000"
    }

    /// The characters of Kubernetes' generated names (apimachinery, util/rand).
    private static let generated = Set("bcdfghjklmnpqrstvwxz2456789".utf8)
}
