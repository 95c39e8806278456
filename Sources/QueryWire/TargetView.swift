package import Telemetry

/// One target of one agent with its last result.
package struct TargetView: Hashable, Sendable, Codable {
    /// Unique in the agent: `KIND/NAME`.
    package var id: String
    /// The kind of probe.
    package var kind: String
    /// Address for people.
    package var address: String
    /// Node of the agent that probes it.
    package var node: String
    /// Cluster of that agent.
    package var cluster: String
    /// Path of the subject that its series belong to; nil when they name none.
    package var subject: String?
    /// Time between the starts of two probes.
    package var interval: Duration
    /// "success" or a failure class; nil before the first probe ended.
    package var outcome: String?
    /// What failed, in one sentence; on success what a person should know all the same, such as a grant that lacks.
    package var message: String?
    /// When the last probe started.
    package var lastProbeAt: Timestamp?
    /// How long the last probe took, to the microsecond; nil before the first probe ended.
    package var lastDuration: Duration?
    /// Samples of the last probe.
    package var lastSampleCount: UInt64 = 0
    /// When the outcome last changed its class.
    package var since: Timestamp?

    /// Makes a target that was never probed.
    package init(
        id: String, kind: String, address: String, node: String, cluster: String, subject: String? = nil,
        interval: Duration
    ) {
        self.id = id
        self.kind = kind
        self.address = address
        self.node = node
        self.cluster = cluster
        self.subject = subject
        self.interval = interval
    }

    /// A target's status as the agent reported it.
    package init(_ status: TargetStatus, node: String, cluster: String) {
        self.init(
            id: status.target.id, kind: status.target.kind.rawValue, address: status.target.address, node: node,
            cluster: cluster,
            subject: Subject(cluster: cluster, labels: status.target.labels)?.path, interval: status.target.interval)
        switch status.outcome {
        case .success?:
            outcome = "success"
            message = status.remark
        case .failure(let failureClass, let reason)?:
            outcome = failureClass.rawValue
            message = reason
        case nil:
            break
        }
        lastProbeAt = status.lastProbeAt
        lastDuration = status.lastDuration
        lastSampleCount = UInt64(clamping: status.lastSampleCount)
        since = status.since
    }
}
