import Telemetry

/// The first seconds after a restart: what agents send is kept until each has told what happened meanwhile, so that
/// cells close with all that was measured in them and not with what came first.
///
/// It is over when every agent that was there before has sent a sample of after the restart, at the latest at its
/// deadline or when it holds as much as it may.
struct CatchUp: Sendable {
    /// Longest wait: an agent that does not come back in this time delays nobody any longer.
    static let wait: Duration = .seconds(15)
    /// Samples and edges kept.
    static let itemsMax = 2_000_000

    /// An agent by its cluster and its node.
    struct Agent: Sendable, Hashable {
        var cluster: String
        var node: String
    }

    private(set) var recording = Recording()
    private var awaited: Set<Agent>
    private let startedAt: Timestamp

    init(awaiting agents: Set<Agent>, startedAt: Timestamp) {
        awaited = agents
        self.startedAt = startedAt
    }

    mutating func add(samples: [Sample], cluster: String, agent: String, clockOffset: Duration) {
        recording.add(samples: samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
        if samples.contains(where: { $0.timestamp - clockOffset >= startedAt }) {
            awaited.remove(Agent(cluster: cluster, node: agent))
        }
    }

    mutating func add(edges: [Edge], cluster: String, agent: String, clockOffset: Duration) {
        recording.add(edges: edges, cluster: cluster, agent: agent, clockOffset: clockOffset)
    }

    func isOver(at now: Timestamp) -> Bool {
        awaited.isEmpty || now - startedAt >= Self.wait || now < startedAt || recording.count >= Self.itemsMax
    }

    /// What was kept, in order of time.
    var sorted: Recording {
        var recording = recording
        recording.sort()
        return recording
    }
}
