/// A state transition seen by a probe.
///
/// Edges carry counters, so that two OOM kills between two looks stay two.
package struct Edge: Hashable, Sendable, Codable {
    /// What kind of transition.
    package struct Kind: RawRepresentable, Hashable, Sendable, Codable {
        package var rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        package init(from decoder: any Decoder) throws {
            rawValue = try decoder.singleValueContainer().decode(String.self)
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(rawValue)
        }

        /// A container started.
        package static let containerStarted = Kind(rawValue: "container_started")
        /// A container ended; attributes `reason`, `exitCode`, `signal`.
        package static let containerTerminated = Kind(rawValue: "container_terminated")
        /// The kernel killed a container for memory; always beside a `container_terminated`.
        package static let containerOOMKilled = Kind(rawValue: "container_oom_killed")
        /// A container's restart count rose by `count`.
        package static let containerRestarted = Kind(rawValue: "container_restarted")
        /// A container's waiting reason changed; attributes `from`, `to`.
        package static let waitingReasonChanged = Kind(rawValue: "waiting_reason_changed")
        /// A pod's readiness changed; attributes `from`, `to` ("true" or "false").
        package static let readinessChanged = Kind(rawValue: "readiness_changed")
        /// A pod's phase changed; attributes `from`, `to`, `reason`.
        package static let phaseChanged = Kind(rawValue: "phase_changed")
        /// A pod is no longer on the node.
        package static let podGone = Kind(rawValue: "pod_gone")
        /// A target's outcome changed class; attributes `from`, `to`, `message`.
        package static let targetOutcomeChanged = Kind(rawValue: "target_outcome_changed")
        /// Somebody failed to log in; attributes `account`, `address`.
        package static let loginFailed = Kind(rawValue: "login_failed")
        /// Somebody logged in; attributes `account`, `address`.
        package static let loginSucceeded = Kind(rawValue: "login_succeeded")
        /// A PostgreSQL server changed between primary and standby; attributes `from`, `to`.
        package static let databaseRoleChanged = Kind(rawValue: "database_role_changed")
        /// The WAL's time line changed, as a promotion does; attributes `from`, `to`.
        package static let databaseTimelineChanged = Kind(rawValue: "database_timeline_changed")
        /// Another cluster answers at the address; attributes `from`, `to`: system identifiers.
        package static let databaseSystemChanged = Kind(rawValue: "database_system_changed")
        /// Errors or warnings of a kind that was not known before; attributes `level`, `template`, `lines`, and one of
        /// them as `sample`, all without secrets.
        package static let logPatternNew = Kind(rawValue: "log_pattern_new")
        /// The last lines of a log, without secrets, at a moment that needs them; attributes `lines` with newlines
        /// between, `reason` (`error_burst`, `container_restarted`), `errors`.
        package static let logTail = Kind(rawValue: "log_tail")
        /// A PostgreSQL server process started anew, at the edge's time.
        package static let databaseRestarted = Kind(rawValue: "database_restarted")
        /// An event of the Kubernetes API, `count` more of it; attributes as in `docs/series.md`.
        package static let kubernetesEvent = Kind(rawValue: "kubernetes_event")
        /// A Deployment got a new revision; attributes `uid`, `revision`, `hash`, `images`, `previous…`.
        package static let rolloutStarted = Kind(rawValue: "rollout_started")
        /// All pods of a Deployment are of its revision and available; attributes `uid`, `revision`.
        package static let rolloutFinished = Kind(rawValue: "rollout_finished")
        /// A Deployment's revision made no progress within its deadline; attributes `uid`, `revision`, `message`.
        package static let rolloutStuck = Kind(rawValue: "rollout_stuck")
        /// An agent went on at the edge's time after an end that was not in order: what it had measured since `gapFrom`
        /// and not written is gone.
        package static let agentGap = Kind(rawValue: "agent_gap")
    }

    /// Attribute of `agentGap`: the moment from which samples may be missing, in milliseconds since 1970; absent when
    /// nothing tells.
    package static let gapFrom = "fromMillis"

    /// What happened.
    package var kind: Kind
    /// When it happened at its source, else when the probe saw it.
    package var at: Timestamp
    /// Identity, with the label names of `LabelName`.
    package var labels: LabelSet
    /// Facts about the transition, such as `reason` or `exitCode`.
    package var attributes: LabelSet
    /// How many such transitions this edge stands for, at least 1.
    package var count: Int

    /// Makes an edge.
    package init(_ kind: Kind, at: Timestamp, labels: LabelSet, attributes: LabelSet = LabelSet(), count: Int = 1) {
        self.kind = kind
        self.at = at
        self.labels = labels
        self.attributes = attributes
        self.count = count
    }
}
