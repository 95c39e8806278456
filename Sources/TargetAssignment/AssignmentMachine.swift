/// Decides which agent of a cluster probes which cluster target: one owner at a time, and a witness while the owner
/// says that the target is down.
///
/// Pure. Times are durations on the coordinator's monotonic clock. Everything is decided when an agent gives a sign of
/// life, and each grant is the answer to one; the agent counts the lease from the moment it sent that sign, so that it
/// stops before the coordinator gives the role to another one, however late the answer comes.
///
/// - The owner is the first live agent in the rendezvous order. One that comes and stands before it takes over after
///   it has lived for a whole lease: the owner is asked to let go, and the other gets the role when it has, or when the
///   lease has run out.
/// - After a start nothing is granted until every lease of the coordinator before has run out, except to the agents
///   that still hold one: they go on.
/// - A target that the owner calls down is given to a second agent too. While that one has not said the same, the
///   owner's word does not count; with one live agent there is nobody to ask, and it does. When the second sees the
///   target well for a whole lease it becomes the owner, and the first is passed over for ten leases.
package struct AssignmentMachine: Sendable {
    /// How long roles last.
    package struct Configuration: Hashable, Sendable {
        /// How long an agent may go on without an answer.
        package var lease: Duration
        /// Beyond lease and deadline, for clocks that run unevenly.
        package var margin: Duration

        /// Makes a configuration.
        package init(lease: Duration, margin: Duration = .seconds(1)) {
            self.lease = lease
            self.margin = margin
        }
    }

    /// A target to be assigned.
    package struct Target: Hashable, Sendable {
        /// Its id, such as `postgresql/orders`.
        package var id: String
        /// How long a probe that has begun may go on after the lease.
        package var deadline: Duration

        /// Names a target.
        package init(id: String, deadline: Duration) {
            self.id = id
            self.deadline = deadline
        }
    }

    struct Agent: Hashable, Sendable {
        var liveSince: Duration
        var lastHeardAt: Duration
    }

    struct State: Sendable {
        var target: Target
        var owner: TargetLease?
        var witness: TargetLease?
        /// Since when the witness contradicts the owner.
        var disputedSince: Duration?
        var passedOver: [String: Duration] = [:]
        var spans: [OwnershipSpan] = []
        /// What agents without a role last said: an owner may speak before it is known as such, after our start.
        var words: [String: Bool] = [:]
    }

    /// Spans kept for each target; samples of earlier ones no longer count.
    static let spansMax = 64

    let configuration: Configuration
    let startedAt: Duration
    var agents: [String: Agent] = [:]
    var states: [String: State]

    /// Starts with nobody known.
    package init(configuration: Configuration, targets: [Target], now: Duration) {
        self.configuration = configuration
        startedAt = now
        states = Dictionary(targets.map { ($0.id, State(target: $0)) }, uniquingKeysWith: { $1 })
    }

    /// Whether a target is assigned by this machine.
    package func knows(_ target: String) -> Bool { states[target] != nil }

    /// The owner of a target now, nil when there is none.
    package func owner(of target: String, now: Duration) -> String? {
        states[target]?.owner.flatMap { $0.expiresAt > now ? $0.agent : nil }
    }

    /// Takes a sign of life; gives what the agent may probe from the moment it sent it on.
    ///
    /// - Parameter holding: what the agent probes under leases that it believes in.
    package mutating func heard(from agent: String, holding: Set<TargetGrant>, now: Duration) -> [TargetGrant] {
        agents = agents.filter { now - $0.value.lastHeardAt < configuration.lease || $0.key == agent }
        let isNew = agents[agent].map { now - $0.lastHeardAt >= configuration.lease } ?? true
        agents[agent] = Agent(
            liveSince: isNew ? now : agents[agent]?.liveSince ?? now, lastHeardAt: now)
        var grants: [TargetGrant] = []
        for id in states.keys.sorted() {
            guard var state = states[id] else { continue }
            if let role = settle(&state, with: agent, holding: holding, now: now) {
                grants.append(TargetGrant(target: id, role: role))
            }
            states[id] = state
        }
        return grants
    }

    /// Takes an agent's last word: it has stopped probing, so that nobody has to wait for its leases.
    package mutating func left(_ agent: String, now: Duration) {
        agents[agent] = nil
        for (id, var state) in states {
            if state.owner?.agent == agent { state.close(at: now) }
            if state.witness?.agent == agent { state.witness = nil }
            states[id] = state
        }
    }

    /// Takes what an agent says of a target; counts while it has a role, and when it turns out to hold one.
    package mutating func reported(_ target: String, isFailing: Bool, by agent: String, now: Duration) {
        guard var state = states[target] else { return }
        if state.owner == nil { state.words[agent] = isFailing }
        if state.owner?.agent == agent { state.owner?.isFailing = isFailing }
        if state.witness?.agent == agent { state.witness?.isFailing = isFailing }
        let isDisputed = state.owner?.isFailing == true && state.witness?.isFailing == false
        state.disputedSince = isDisputed ? state.disputedSince ?? now : nil
        states[target] = state
    }

    /// Whether an agent's sample of a target counts, which it took at `at`.
    package func counts(_ target: String, from agent: String, at time: Duration) -> Bool {
        guard let state = states[target] else { return true }
        // Before this coordinator's time another one knew who had the role.
        if time < startedAt { return true }
        // Clocks agree within a second; what the agent took just before it was asked to let go is still its own.
        return state.spans.contains { span in
            span.agent == agent && time >= span.from - configuration.margin
                && span.to.map { time <= $0 + configuration.margin } ?? true
        }
    }

    /// Whether the owner's word that a target is down counts now.
    package func isDownConfirmed(_ target: String, now: Duration) -> Bool {
        guard let state = states[target] else { return true }
        if let word = state.witness?.isFailing { return word }
        return candidates(state, now: now).allSatisfy { $0 == state.owner?.agent }
    }
}

// MARK: - One target and one agent

extension AssignmentMachine {
    private mutating func settle(
        _ state: inout State, with agent: String, holding: Set<TargetGrant>, now: Duration
    ) -> TargetGrant.Role? {
        let id = state.target.id
        let holdsOwnership = holding.contains(TargetGrant(target: id, role: .owner))
        let holdsWitness = holding.contains(TargetGrant(target: id, role: .witness))
        state.passedOver = state.passedOver.filter { $0.value > now }
        release(&state, agent: agent, holdsOwnership: holdsOwnership, holdsWitness: holdsWitness, now: now)
        guard concerns(state, agent) else { return nil }
        let order = candidates(state, now: now)
        if let role = ownership(&state, of: agent, holds: holdsOwnership, order: order, now: now) { return role }
        return witnessing(&state, of: agent, order: order, now: now)
    }

    /// Whether there is anything to decide: the order of all agents is worked out for few of their signs of life.
    private func concerns(_ state: State, _ agent: String) -> Bool {
        guard let owner = state.owner else { return true }
        if owner.agent == agent || state.witness?.agent == agent { return true }
        return state.witness == nil && owner.isFailing == true
    }

    /// Takes back what has run out, and what an agent that was asked has let go.
    private func release(
        _ state: inout State, agent: String, holdsOwnership: Bool, holdsWitness: Bool, now: Duration
    ) {
        if let owner = state.owner {
            let hasLetGo = owner.isEnding && owner.agent == agent && !holdsOwnership
            if owner.expiresAt <= now || hasLetGo {
                state.close(at: min(owner.expiresAt, now))
            }
        }
        if let witness = state.witness {
            let hasLetGo = witness.isEnding && witness.agent == agent && !holdsWitness
            if witness.expiresAt <= now || hasLetGo { state.witness = nil }
        }
    }

    private func ownership(
        _ state: inout State, of agent: String, holds: Bool, order: [String], now: Duration
    ) -> TargetGrant.Role? {
        let expiresAt = now + hold(state)
        guard let owner = state.owner else {
            // Whoever still holds the role under the coordinator before goes on with it.
            let mayBegin = now - startedAt >= hold(state) && order.first == agent
            guard holds || mayBegin else { return nil }
            if state.witness?.agent == agent { state.witness = nil }
            let isContinued = holds && state.spans.isEmpty
            let lease = TargetLease(
                agent: agent, expiresAt: expiresAt, isFailing: holds ? state.words[agent] : nil)
            state.open(lease, from: isContinued ? startedAt : now)
            return .owner
        }
        guard owner.agent == agent else { return nil }
        handOver(&state, order: order, now: now)
        guard state.owner?.isEnding == false else { return nil }
        state.owner?.expiresAt = expiresAt
        return .owner
    }

    /// Decides whether the owner has to let go: another one stands before it, or a witness sees what it does not.
    private func handOver(_ state: inout State, order: [String], now: Duration) {
        guard let owner = state.owner, !owner.isEnding else { return }
        if let since = state.disputedSince, now - since >= configuration.lease, state.witness != nil {
            state.passedOver[owner.agent] = now + configuration.lease * 10
            state.owner?.isEnding = true
            return
        }
        guard let first = order.first, first != owner.agent, let candidate = agents[first] else { return }
        // Under a witness nothing moves: three agents would be at work.
        if now - candidate.liveSince >= configuration.lease, state.witness == nil { state.owner?.isEnding = true }
    }

    private func witnessing(_ state: inout State, of agent: String, order: [String], now: Duration)
        -> TargetGrant.Role?
    {
        let isNeeded = state.owner?.isFailing == true && state.owner?.isEnding == false
        if let witness = state.witness {
            guard witness.agent == agent else { return nil }
            // While the owner lets go the witness goes on, for it is the one who takes over.
            guard isNeeded || state.disputedSince != nil else {
                state.witness?.isEnding = true
                return nil
            }
            guard !witness.isEnding else { return nil }
            let expiresAt = now + hold(state)
            state.witness?.expiresAt = expiresAt
            return .witness
        }
        // A witness of the coordinator before may still be at work until then.
        guard isNeeded, now - startedAt >= hold(state), let owner = state.owner,
            order.first(where: { $0 != owner.agent }) == agent
        else { return nil }
        state.witness = TargetLease(agent: agent, expiresAt: now + hold(state))
        return .witness
    }

    /// Live agents in the order in which they may have the target; those passed over come last.
    func candidates(_ state: State, now: Duration) -> [String] {
        let live = agents.filter { now - $0.value.lastHeardAt < configuration.lease }.keys
        let order = RendezvousOrder.agents(live, for: state.target.id)
        return order.filter { state.passedOver[$0] == nil } + order.filter { state.passedOver[$0] != nil }
    }

    /// After this long without a sign of life an agent is certain to have stopped, a probe under way included.
    private func hold(_ state: State) -> Duration {
        configuration.lease + state.target.deadline + configuration.margin
    }
}

extension AssignmentMachine.State {
    fileprivate mutating func open(_ lease: TargetLease, from: Duration) {
        owner = lease
        words = [:]
        disputedSince = nil
        spans.append(OwnershipSpan(agent: lease.agent, from: from))
        if spans.count > AssignmentMachine.spansMax { spans.removeFirst() }
    }

    fileprivate mutating func close(at time: Duration) {
        owner = nil
        disputedSince = nil
        if let last = spans.indices.last { spans[last].to = time }
    }
}
