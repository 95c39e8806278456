import Detection
import IngestWire
package import QueryWire
import Synchronization
package import Telemetry
import TocsinProto

/// What the coordinator knows of its agents and their targets, from hellos, heartbeats and target reports.
///
/// Not durable: a restarted coordinator learns it anew within one heartbeat of each agent's return.
package final class FleetRegistry: Sendable {
    /// When an agent counts as suspect or silent, and how many are kept.
    package struct Configuration: Hashable, Sendable {
        /// Without any message for this long an agent is suspect.
        package var suspectAfter: Duration
        /// Without any message for this long an agent is silent.
        package var silentAfter: Duration
        /// At most this many agents are known; for another one the longest silent makes room, else it is refused.
        package var agentsMax: Int

        /// Makes a configuration.
        package init(
            suspectAfter: Duration = .seconds(15), silentAfter: Duration = .seconds(30), agentsMax: Int = 10_000
        ) {
            self.suspectAfter = suspectAfter
            self.silentAfter = silentAfter
            self.agentsMax = agentsMax
        }
    }

    /// An agent's name: its cluster and its node.
    package struct AgentKey: Hashable, Comparable, Sendable {
        /// The cluster.
        package var cluster: String
        /// The node.
        package var node: String

        /// Names an agent.
        package init(cluster: String, node: String) {
            self.cluster = cluster
            self.node = node
        }

        package static func < (lhs: AgentKey, rhs: AgentKey) -> Bool {
            (lhs.cluster, lhs.node) < (rhs.cluster, rhs.node)
        }
    }

    private struct Agent {
        var version: String
        var boot: [UInt8]
        var connectedAt: Timestamp
        var lastSeenAt: Timestamp
        var heartbeat = Tocsin_V1_Heartbeat()
        var targets: [String: TargetStatus] = [:]
        /// Ids as the last whole report named them: heartbeats refer to it.
        var targetOrder: [String] = []
        /// The stream that speaks for the agent: a newer one replaces it.
        var stream: UInt64
        /// The process that spoke for the agent before this one.
        var formerBoot: [UInt8] = []
        /// When a process came back whose place another had taken: both are alive and use one name.
        var contendedAt: Timestamp?
    }

    private struct State {
        var agents: [AgentKey: Agent] = [:]
        var nextStream: UInt64 = 1
        var figures = Figures()
    }

    /// What came of agents that were one too many.
    struct Figures: Hashable, Sendable {
        /// Refused, since as many as may be are known and none of them is silent.
        var refused: UInt64 = 0
        /// Forgotten: silent for too long, or the longest silent when another one came.
        var forgotten: UInt64 = 0
    }

    /// A stream that was taken.
    struct Connection: Hashable, Sendable {
        /// The number of the stream.
        var stream: UInt64
        /// Whether its process had lost the name to another one before: two agents use it in turns.
        var isContended = false
    }

    private let configuration: Configuration
    private let state = Mutex(State())

    /// Makes an empty registry.
    package init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Notes that an agent opened a stream.
    ///
    /// An agent that was started anew never comes back as the process that it was. One that does, after another had its
    /// name, shows two at once: each ends the other's stream, and what one of them measures may be of another machine.
    ///
    /// - Returns: nil when no further agent is taken.
    func connected(_ key: AgentKey, hello: AgentHello, now: Timestamp) -> Connection? {
        state.withLock { state in
            if state.agents[key] == nil, state.agents.count >= configuration.agentsMax {
                guard makeRoom(in: &state, now: now) else {
                    state.figures.refused += 1
                    return nil
                }
            }
            let stream = state.nextStream
            state.nextStream += 1
            var isContended = false
            if var agent = state.agents[key] {
                if hello.boot != agent.boot {
                    isContended = hello.boot == agent.formerBoot
                    if isContended { agent.contendedAt = now }
                    agent.formerBoot = agent.boot
                }
                agent.version = hello.version
                agent.boot = hello.boot
                agent.connectedAt = now
                agent.lastSeenAt = now
                agent.stream = stream
                state.agents[key] = agent
            } else {
                state.agents[key] = Agent(
                    version: hello.version, boot: hello.boot, connectedAt: now, lastSeenAt: now, stream: stream)
            }
            return Connection(stream: stream, isContended: isContended)
        }
    }

    /// Forgets the agent that is silent longest; false when none is.
    private func makeRoom(in state: inout State, now: Timestamp) -> Bool {
        let longest = state.agents.min { ($0.value.lastSeenAt, $0.key) < ($1.value.lastSeenAt, $1.key) }
        guard let longest, now - longest.value.lastSeenAt >= configuration.silentAfter else { return false }
        state.agents[longest.key] = nil
        state.figures.forgotten += 1
        return true
    }

    /// Forgets agents whose nodes are taken for gone, unless they came back meanwhile.
    func forget(_ keys: [AgentKey], now: Timestamp) {
        state.withLock { state in
            for key in keys {
                guard let agent = state.agents[key], now - agent.lastSeenAt >= configuration.silentAfter else {
                    continue
                }
                state.agents[key] = nil
                state.figures.forgotten += 1
            }
        }
    }

    var figures: Figures { state.withLock { $0.figures } }

    /// What the refused are told.
    var refusal: String {
        "limits.agents: \(configuration.agentsMax) agents are known and none of them is silent; no further one is taken"
    }

    /// Notes a message of a stream.
    ///
    /// - Returns: false when another stream speaks for the agent by now, so that this one should end.
    func seen(_ key: AgentKey, stream: UInt64, now: Timestamp) -> Bool {
        state.withLock { state in
            guard state.agents[key]?.stream == stream else { return false }
            state.agents[key]?.lastSeenAt = now
            return true
        }
    }

    func heartbeat(_ heartbeat: Tocsin_V1_Heartbeat, of key: AgentKey) {
        state.withLock { state in
            guard var agent = state.agents[key] else { return }
            agent.heartbeat = heartbeat
            let ages = heartbeat.targetAgeDeciseconds
            if ages.count == agent.targetOrder.count {
                let sentAt = Timestamp(millis: heartbeat.sentAtMillis)
                for (id, age) in zip(agent.targetOrder, ages) where age > 0 {
                    agent.targets[id]?.lastProbeAt = sentAt - .milliseconds(100 * Int64(age - 1))
                }
            }
            state.agents[key] = agent
        }
    }

    func targets(_ statuses: [TargetStatus], partial: Bool, of key: AgentKey, targetsMax: Int) {
        state.withLock { state in
            guard var agent = state.agents[key] else { return }
            if !partial {
                agent.targets.removeAll(keepingCapacity: true)
                agent.targetOrder = statuses.map(\.target.id)
            }
            for status in statuses where agent.targets.count < targetsMax || agent.targets[status.target.id] != nil {
                agent.targets[status.target.id] = status
            }
            state.agents[key] = agent
        }
    }

    /// When each agent was last heard of.
    package func signsOfLife() -> [AgentSign] {
        state.withLock { state in
            state.agents.map { AgentSign(cluster: $0.key.cluster, node: $0.key.node, at: $0.value.lastSeenAt) }
        }
    }

    /// All agents as the CLI shows them, by cluster and node.
    package func agentViews(now: Timestamp) -> [AgentView] {
        state.withLock { state in
            state.agents.sorted { $0.key < $1.key }.map { key, agent in
                var view = AgentView(
                    node: key.node, cluster: key.cluster, version: agent.version,
                    state: stateName(of: agent, now: now), lastSeenAt: agent.lastSeenAt,
                    connectedAt: agent.connectedAt)
                view.series = agent.heartbeat.series
                view.samplesTotal = agent.heartbeat.samplesTotal
                view.lostSamplesTotal = agent.heartbeat.lostSamplesTotal
                view.spoolBytes = agent.heartbeat.spoolBytes
                view.rssBytes = agent.heartbeat.rssBytes
                view.cpuSeconds = agent.heartbeat.cpuSeconds
                view.targets = agent.targets.count
                return view
            }
        }
    }

    /// All targets as the CLI shows them, by cluster, node and id; of one node when `node` is not empty.
    package func targetViews(node: String) -> [TargetView] {
        state.withLock { state in
            state.agents.sorted { $0.key < $1.key }.filter { node.isEmpty || $0.key.node == node }.flatMap {
                key, agent in
                agent.targets.values.sorted { $0.target.id < $1.target.id }.map {
                    TargetView($0, node: key.node, cluster: key.cluster)
                }
            }
        }
    }

    private func stateName(of agent: Agent, now: Timestamp) -> String {
        let silence = now - agent.lastSeenAt
        if silence >= configuration.silentAfter { return "silent" }
        if let contendedAt = agent.contendedAt, now - contendedAt < Self.contendedFor { return "contended" }
        return silence >= configuration.suspectAfter ? "suspect" : "live"
    }

    /// As long as this after the last time two agents were seen to use one name it is said: longer than a link that is
    /// ended waits before it comes back.
    private static let contendedFor: Duration = .seconds(120)
}

extension AgentWatch.Status {
    /// The agent as the registry names it.
    var key: FleetRegistry.AgentKey { FleetRegistry.AgentKey(cluster: cluster, node: node) }
}
