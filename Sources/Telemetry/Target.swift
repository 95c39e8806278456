/// A thing that is probed.
package struct Target: Hashable, Sendable {
    /// What kind of probe a target takes.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The pods of a node, through its kubelet.
        case pods
        /// A Spring Boot actuator.
        case actuator
        /// A PostgreSQL server.
        case postgresql
        /// The node that the agent runs on.
        case host
        /// An HTTP check.
        case http
        /// A TCP check.
        case tcp
        /// Metrics of others in Prometheus' text format.
        case prometheus
        /// The container logs of the node.
        case logs
        /// The agent itself.
        case agent
    }

    /// Unique in the agent: `KIND/NAME`, such as `postgresql/orders-db`.
    package var id: String
    /// The kind of probe.
    package var kind: Kind
    /// Address for people, never with credentials.
    package var address: String
    /// Identity labels that every series of the target carries (see `LabelName`).
    package var labels: LabelSet
    /// Time between the starts of two probes.
    package var interval: Duration
    /// Time after which a probe gives up; at most `interval`.
    package var deadline: Duration

    /// Makes a target whose id is `KIND/NAME`.
    package init(
        kind: Kind, name: String, address: String, labels: LabelSet = LabelSet(), interval: Duration, deadline: Duration
    ) {
        self.id = "\(kind.rawValue)/\(name)"
        self.kind = kind
        self.address = address
        self.labels = labels
        self.interval = interval
        self.deadline = deadline
    }
}

/// Why a probe got no answer it can use.
///
/// A target that fails is data: it is never thrown.
package enum FailureClass: String, Sendable, Codable, CaseIterable {
    /// The name did not resolve, or the resolver did not answer in time.
    case dns
    /// The connection was refused or the network is unreachable.
    case refused
    /// No answer inside the deadline, although other requests to the same port are answered.
    case timeout
    /// The port accepts connections, but nothing on it answers: a zombie.
    case silent
    /// TLS failed: certificate, name, protocol or key.
    case tls
    /// 401, 403, a redirect to a login page, or a rejected password.
    case auth
    /// Another unexpected status code.
    case status
    /// An answer that is not what the contract says.
    case body
    /// The server answered, and refused because it is full (PostgreSQL 53300).
    case exhausted
    /// The server answered that it is starting up, shutting down or crashed (PostgreSQL 57P01 to 57P03).
    case unavailable
    /// Our own fault: misconfiguration or an error inside the probe.
    case `internal`
}

/// What came of one probe.
package enum ProbeOutcome: Hashable, Sendable {
    /// The target answered.
    case success
    /// It did not, with one sentence for people that holds no credential.
    case failure(FailureClass, String)

    /// Whether the target answered.
    package var isSuccess: Bool { self == .success }

    /// The failure's class, nil on success.
    package var failureClass: FailureClass? {
        if case .failure(let failureClass, _) = self { failureClass } else { nil }
    }
}

/// A target with its last result, as `tocsin target list` shows it.
package struct TargetStatus: Hashable, Sendable {
    /// The target.
    package var target: Target
    /// Its last outcome; nil before the first probe ended.
    package var outcome: ProbeOutcome?
    /// What a person should know although the last probe succeeded, such as a grant that lacks; at most
    /// `remarkLengthMax` characters.
    package var remark: String?
    /// When the last probe started.
    package var lastProbeAt: Timestamp?
    /// How long the last probe took.
    package var lastDuration: Duration?
    /// Samples of the last probe.
    package var lastSampleCount: Int
    /// When the outcome last changed its class.
    package var since: Timestamp?

    /// Bound of `remark`.
    package static let remarkLengthMax = 500

    /// Makes a status; a target that was never probed has only itself.
    package init(
        target: Target, outcome: ProbeOutcome? = nil, lastProbeAt: Timestamp? = nil, lastDuration: Duration? = nil,
        lastSampleCount: Int = 0, since: Timestamp? = nil, remark: String? = nil
    ) {
        self.remark = remark
        self.target = target
        self.outcome = outcome
        self.lastProbeAt = lastProbeAt
        self.lastDuration = lastDuration
        self.lastSampleCount = lastSampleCount
        self.since = since
    }
}
