import ConfigurationKit
import Telemetry

extension Subject.Kind {
    /// What paths of this sort look like.
    private var shape: Glob {
        switch self {
        case .workload: Glob("?*/?*/?*")
        case .postgresql: Glob("postgresql/?*")
        case .node: Glob("node/?*")
        case .agent: Glob("agent/?*")
        case .target: Glob("target/?*")
        case .coordinator: Glob("coordinator/?*")
        }
    }

    /// The sorts of subject that a pattern over paths can match at all.
    static func matched(by pattern: Glob) -> Set<Subject.Kind> {
        let own = allCases.filter { $0 != .workload && pattern.pattern.hasPrefix($0.rawValue + "/") }
        // A namespace may be called as a sort of subject; nobody means that one.
        guard own.isEmpty else { return Set(own.filter { pattern.overlaps($0.shape) }) }
        return Set(allCases.filter { pattern.overlaps($0.shape) })
    }
}

/// The owners of pods as Kubernetes writes them: `deployment` matches nothing.
enum WorkloadKind {
    static let known = [
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Rollout", "StaticPod", "Pod",
    ]

    /// The right spelling of a pattern's second part, when it is one of these in other letters.
    static func respelled(_ pattern: Glob) -> String? {
        let parts = pattern.pattern.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let right = known.first(where: { $0.lowercased() == parts[1].lowercased() }),
            right != parts[1]
        else { return nil }
        return "\(parts[0])/\(right)/\(parts[2])"
    }
}
