import IngestWire
import Synchronization
import TargetAssignment
import Telemetry
import TocsinProto

/// A target that one agent of a cluster probes for all of it.
package struct ClusterTarget: Hashable, Sendable {
    /// Its id, such as `postgresql/orders`.
    package var id: String
    /// The entry for the agent, YAML.
    package var definition: String
    /// Time that one probe may take.
    package var deadline: Duration

    /// Names a target.
    package init(id: String, definition: String, deadline: Duration) {
        self.id = id
        self.definition = definition
        self.deadline = deadline
    }
}

/// Which agent probes which cluster target, and whose samples of one count; one machine for each cluster.
///
/// Not durable: a coordinator that starts leaves every target with the agent that still holds it, and gives the others
/// away when the leases of the coordinator before have run out.
final class AssignmentBoard: Sendable {
    /// What is assigned and for how long.
    struct Configuration: Sendable {
        var lease: Duration
        /// The interval of targets that name none.
        var interval: Duration
        /// The targets of each cluster.
        var targets: [String: [ClusterTarget]]
    }

    private struct State {
        var machines: [String: AssignmentMachine]
    }

    private let configuration: Configuration
    private let definitions: [String: [String: ClusterTarget]]
    private let startedAt: Timestamp
    private let start = ContinuousClock.now
    private let state: Mutex<State>
    private let counters: CounterBoard

    init(configuration: Configuration, counters: CounterBoard, startedAt: Timestamp) {
        self.configuration = configuration
        self.counters = counters
        self.startedAt = startedAt
        definitions = configuration.targets.mapValues { targets in
            Dictionary(targets.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        }
        let lease = configuration.lease
        let machines = definitions.mapValues { targets in
            AssignmentMachine(
                configuration: .init(lease: lease),
                targets: targets.values.map { AssignmentMachine.Target(id: $0.id, deadline: $0.deadline) }, now: .zero)
        }
        state = Mutex(State(machines: machines))
    }

    private var now: Duration { start.duration(to: .now) }

    /// The answer to a heartbeat; nil when the agent takes no cluster targets or there is nothing to say.
    func answer(
        _ heartbeat: Tocsin_V1_Heartbeat, of agent: FleetRegistry.AgentKey, limits: WireLimits
    ) throws(WireError) -> TargetsAnswer? {
        guard heartbeat.uptimeMillis > 0 else { return nil }
        let held = try heartbeat.held(limits: limits)
        let known = definitions[agent.cluster] ?? [:]
        guard !known.isEmpty || !held.isEmpty else { return nil }
        let holding = Set(held.map { TargetGrant(target: $0.target, role: $0.role == .owner ? .owner : .witness) })
        let now = now
        let grants: [TargetGrant]? = state.withLock { state in
            guard !heartbeat.leaving else {
                state.machines[agent.cluster]?.left(agent.node, now: now)
                return nil
            }
            return state.machines[agent.cluster]?.heard(from: agent.node, holding: holding, now: now) ?? []
        }
        guard let grants else { return nil }
        return TargetsAnswer(
            answeredUptime: .milliseconds(Int64(clamping: heartbeat.uptimeMillis)), lease: configuration.lease,
            targets: grants.compactMap { grant in
                known[grant.target].map {
                    TargetsAnswer.Assigned(
                        target: $0.id, role: grant.role == .owner ? .owner : .witness, definition: $0.definition,
                        defaultInterval: configuration.interval)
                }
            },
            removed: held.map(\.target).filter { known[$0] == nil })
    }

    /// Takes what an agent says of its targets.
    func reported(_ statuses: [TargetStatus], by agent: FleetRegistry.AgentKey) {
        guard let known = definitions[agent.cluster] else { return }
        let now = now
        state.withLock { state in
            for status in statuses where known[status.target.id] != nil {
                guard let outcome = status.outcome else { continue }
                state.machines[agent.cluster]?.reported(
                    status.target.id, isFailing: !outcome.isSuccess, by: agent.node, now: now)
            }
        }
    }

    /// What counts of a frame: all of it but samples and edges of cluster targets whose owner another agent was, and
    /// the word that a target is down which no second agent has confirmed.
    ///
    /// - Returns: what counts, and whether something was of a target that another agent owned.
    func admitted(
        _ content: DecodedFrame, from agent: FleetRegistry.AgentKey, clockOffset: Duration
    ) -> (content: DecodedFrame, hasStrangers: Bool) {
        guard definitions[agent.cluster] != nil else { return (content, false) }
        let now = now
        var refusals = Refusals()
        let admitted: DecodedFrame = state.withLock { state in
            guard let machine = state.machines[agent.cluster] else { return content }
            func relation(to target: String?, at time: Timestamp) -> Relation {
                guard let target, machine.knows(target) else { return .unrelated }
                return isOwner(agent, of: target, at: time, clockOffset, machine) ? .owner(target) : .stranger
            }
            switch content {
            case .samples(let samples):
                return .samples(
                    samples.keeping { position in
                        let number = Int(samples.numbers[position])
                        let target = Self.target { samples.series.value(of: $0, of: number) }
                        switch relation(to: target, at: Timestamp(millis: samples.times[position])) {
                        case .unrelated: return true
                        case .stranger:
                            refusals.strangers += 1
                            return false
                        case .owner(let target):
                            let saysDown =
                                Double(bitPattern: samples.bits[position]) == 0
                                && Self.isVerdict(samples.series.metric(of: number))
                            guard saysDown, !machine.isDownConfirmed(target, now: now) else { return true }
                            refusals.unconfirmed += 1
                            return false
                        }
                    })
            case .edges(let edges):
                return .edges(
                    edges.filter { edge in
                        guard case .stranger = relation(to: Self.target { edge.labels[$0] }, at: edge.at) else {
                            return true
                        }
                        refusals.strangers += 1
                        return false
                    })
            }
        }
        if refusals != Refusals() {
            counters.add {
                $0.samplesOfNonOwners += refusals.strangers
                $0.samplesUnconfirmed += refusals.unconfirmed
            }
        }
        return (admitted, refusals.strangers > 0)
    }

    /// The samples that are not of a target which another agent owned at their time: what is stored of a frame.
    func owned(_ samples: [Sample], by agent: FleetRegistry.AgentKey, clockOffset: Duration) -> [Sample] {
        state.withLock { state in
            guard let machine = state.machines[agent.cluster] else { return samples }
            return samples.filter { sample in
                guard let target = Self.target(of: { sample.series.labels[$0] }), machine.knows(target) else {
                    return true
                }
                return isOwner(agent, of: target, at: sample.timestamp, clockOffset, machine)
            }
        }
    }

    private func isOwner(
        _ agent: FleetRegistry.AgentKey, of target: String, at time: Timestamp, _ clockOffset: Duration,
        _ machine: AssignmentMachine
    ) -> Bool {
        machine.counts(target, from: agent.node, at: (time - clockOffset) - startedAt)
    }

    /// What an agent is to the target that a sample is of.
    private enum Relation {
        /// The sample is of no cluster target.
        case unrelated
        case owner(String)
        case stranger
    }

    private struct Refusals: Hashable {
        var strangers: UInt64 = 0
        var unconfirmed: UInt64 = 0
    }

    /// The cluster target that labels name, were it assigned.
    private static func target(of label: (String) -> String?) -> String? {
        label(LabelName.target) ?? label(LabelName.instance).map { "\(Target.Kind.postgresql.rawValue)/\($0)" }
    }

    /// Series whose 0 says that the target is down.
    private static func isVerdict(_ metric: String) -> Bool { metric == "probe_up" || metric == "pg_up" }
}
