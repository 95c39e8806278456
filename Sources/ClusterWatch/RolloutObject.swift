import Telemetry

/// One of the two sorts of object that rollouts are made of, as a watch hands it to the tracker.
protocol RolloutObject: Decodable, Sendable {
    /// Name of the collection in the group `apps`.
    static var resource: String { get }

    /// Takes a whole list of a scope.
    static func take(
        _ all: [Self], in scope: String?, isComplete: Bool, now: Timestamp, into tracker: inout RolloutTracker
    ) -> [Edge]

    /// Takes one that is new or changed.
    func take(now: Timestamp, into tracker: inout RolloutTracker) -> [Edge]

    /// Forgets one that is gone.
    func remove(from tracker: inout RolloutTracker)
}

extension ReplicaSetState: RolloutObject {
    static var resource: String { "replicasets" }

    static func take(
        _ all: [ReplicaSetState], in scope: String?, isComplete: Bool, now: Timestamp,
        into tracker: inout RolloutTracker
    ) -> [Edge] {
        tracker.take(all: all, in: scope, isComplete: isComplete, now: now)
    }

    func take(now: Timestamp, into tracker: inout RolloutTracker) -> [Edge] {
        tracker.take(self, now: now).map { [$0] } ?? []
    }

    func remove(from tracker: inout RolloutTracker) { tracker.remove(self) }
}

extension DeploymentState: RolloutObject {
    static var resource: String { "deployments" }

    static func take(
        _ all: [DeploymentState], in scope: String?, isComplete: Bool, now: Timestamp,
        into tracker: inout RolloutTracker
    ) -> [Edge] {
        tracker.take(all: all, in: scope, isComplete: isComplete, now: now)
    }

    func take(now: Timestamp, into tracker: inout RolloutTracker) -> [Edge] {
        tracker.take(self, now: now).map { [$0] } ?? []
    }

    func remove(from tracker: inout RolloutTracker) { tracker.remove(self) }
}
