package import Telemetry

/// Watches the heartbeats of agents: who is live, suspect or silent, and whether many fell silent at once.
///
/// - An agent is *suspect* after `suspectAfter` without a sign of life, *silent* after `silentAfter`; after
///   `incidentAfter` its finding `agent-silent` opens on subject `agent/NODE`, and closes when it returns.
/// - When an agent's silence reaches `incidentAfter` and at least `blindAgentsMin` agents, more than `blindShare` of
///   the cluster's, fell silent within `blindWindow` of each other, one finding `agents-blind` opens on subject
///   `agent/*` of the cluster instead: findings of its agents close, and none opens while it stands. It closes when
///   no more than half of `blindShare`, or fewer than `blindAgentsMin`, of the cluster's agents are silent; those
///   still silent then get findings of their own.
/// - An agent that is silent for `forgetAfter` is taken for gone with its node: it is forgotten, and its finding closes
///   and says so. While a blind finding stands it takes a day of them, since nodes rarely leave together.
/// - Time counts only while the watch runs: `advance` that comes late (the coordinator stood still, its clock jumped)
///   is no silence of the agents. After a restart `know` gives every agent the full time anew.
///
/// Memory: one entry for each of at most `agentsMax` agents.
package struct AgentWatch: Sendable {
    /// What is known of one agent.
    struct Entry: Sendable, Hashable, Codable {
        var cluster: String
        var node: String
        var lastSeenAt: Timestamp
        /// Onset of the finding that stands.
        var openSince: Timestamp?
        /// Known from before a restart, and not seen since: neither silent nor back.
        var isAwaited = false
        /// When a blind finding ended that it was part of: a finding of its own is to stand as long as any other.
        var blindUntil: Timestamp?
    }

    /// A blind finding that stands.
    struct Blindness: Sendable, Hashable, Codable {
        var onsetAt: Timestamp
        var worstShare: Double
    }

    /// Limits and times.
    package let configuration: Configuration
    var entries: [AgentName: Entry] = [:]
    var blind: [String: Blindness] = [:]
    var now: Timestamp
    var reportedAt: Timestamp?
    var refused = 0
    /// Findings of agents that made room for others.
    private var displaced: [Finding] = []
    private var forgotten: [Status] = []

    /// Makes a watch that knows no agent yet.
    package init(configuration: Configuration = Configuration(), startedAt now: Timestamp) {
        self.configuration = configuration
        self.now = now
    }

    /// Agents that were not taken in because of `agentsMax`; only rises.
    package var refusedCount: Int { refused }

    /// Takes a sign of life (hello, heartbeat, block); `time` is the coordinator's own.
    ///
    /// One of an unknown agent that is silent by now is passed over: it was forgotten, or made room.
    package mutating func seen(cluster: String, node: String, at time: Timestamp) {
        let name = AgentName(cluster: cluster, node: node)
        if let last = entries[name]?.lastSeenAt {
            entries[name]?.lastSeenAt = max(last, time)
            entries[name]?.isAwaited = false
        } else if now - time < configuration.silentAfter {
            if entries.count >= configuration.agentsMax { makeRoom() }
            guard entries.count < configuration.agentsMax else {
                refused += 1
                return
            }
            entries[name] = Entry(cluster: cluster, node: node, lastSeenAt: time)
        }
    }

    /// Takes in an agent known from before a restart: expected from `time` on, with the full time to come back.
    package mutating func know(cluster: String, node: String, at time: Timestamp) {
        let name = AgentName(cluster: cluster, node: node)
        guard entries[name] == nil else { return }
        seen(cluster: cluster, node: node, at: time)
        entries[name]?.isAwaited = true
    }

    /// The agents that were forgotten since the last call.
    package mutating func takeForgotten() -> [Status] {
        defer { forgotten = [] }
        return forgotten
    }

    /// Forgets the agent that is silent longest, if one is.
    private mutating func makeRoom() {
        guard let name = entries.keys.min(by: { (seenAt($0), $0) < (seenAt($1), $1) }),
            silence(of: name) >= configuration.silentAfter
        else { return }
        let length = FigureText.duration(silence(of: name))
        displaced += forget(
            name, because: "Silent for \(length), the agent on \(name.node) is forgotten to make room for another.")
    }

    /// Forgets those whose silence says that their nodes are gone.
    private mutating func forgetGone() -> [Finding] {
        let gone = entries.filter { name, entry in
            let times = blind[name.cluster] == nil ? 1 : 24
            return now - max(entry.lastSeenAt, entry.blindUntil ?? entry.lastSeenAt) >= configuration.forgetAfter
                * times
        }
        return gone.keys.sorted().flatMap { name -> [Finding] in
            let length = FigureText.duration(silence(of: name))
            return forget(
                name, because: "Not back after \(length): the node \(name.node) is taken for gone, and forgotten.")
        }
    }

    private mutating func forget(_ name: AgentName, because reason: String) -> [Finding] {
        guard let entry = entries.removeValue(forKey: name) else { return [] }
        if forgotten.count < configuration.agentsMax {
            forgotten.append(
                Status(cluster: entry.cluster, node: entry.node, lastSeenAt: entry.lastSeenAt, state: .silent))
        }
        guard let onset = entry.openSince else { return [] }
        return [silentFinding(.closed, entry, onset: onset, at: now, because: reason)]
    }

    /// Sets the time and gives the findings that changed, and every ten seconds those that stand; call it about every
    /// 5 s.
    package mutating func advance(to time: Timestamp) -> [Finding] {
        forgive(until: time)
        now = time
        let isDue = reportedAt.map { now - $0 >= .seconds(10) || now < $0 } ?? true
        if isDue { reportedAt = now }
        var findings = displaced + forgetGone()
        displaced = []
        for cluster in Set(entries.values.map(\.cluster)).union(blind.keys).sorted() {
            let names = entries.keys.filter { $0.cluster == cluster }.sorted()
            judgeCluster(cluster, names, isDue: isDue, &findings)
        }
        return findings
    }

    /// Time in which the watch did not run is taken off every agent's silence; so is what a clock went back.
    private mutating func forgive(until time: Timestamp) {
        let passed = time - now
        guard passed > configuration.advanceEveryMax || passed < .zero else { return }
        let unwatched = passed < .zero ? passed : passed - configuration.advanceEveryMax
        for name in Array(entries.keys) {
            guard let last = entries[name]?.lastSeenAt else { continue }
            entries[name]?.lastSeenAt =
                passed < .zero ? min(last + unwatched, time) : min(max(last, last + unwatched), time)
        }
    }

    private mutating func judgeCluster(
        _ cluster: String, _ names: [AgentName], isDue: Bool, _ findings: inout [Finding]
    ) {
        let silent = names.filter { silence(of: $0) >= configuration.silentAfter }
        if blind[cluster] != nil {
            keepBlind(cluster, names, isDue: isDue, &findings)
        } else if let together = fellSilentTogether(names, silent: silent) {
            openBlind(cluster, names, silent: together, &findings)
        }
        for name in names { judge(name, isAbsorbed: blind[cluster] != nil, isDue: isDue, &findings) }
    }

    /// The agents whose silences began within `blindWindow`, when they are many and one has lasted long enough.
    private func fellSilentTogether(_ names: [AgentName], silent: [AgentName]) -> [AgentName]? {
        guard isMany(silent.count, of: names.count) else { return nil }
        let ordered = silent.sorted { (seenAt($0), $0) < (seenAt($1), $1) }
        var first = 0
        for last in ordered.indices {
            while seenAt(ordered[last]) - seenAt(ordered[first]) > configuration.blindWindow { first += 1 }
            let count = last - first + 1
            if isMany(count, of: names.count), silence(of: ordered[first]) >= configuration.incidentAfter {
                return Array(ordered[first...last])
            }
        }
        return nil
    }

    private func isMany(_ count: Int, of total: Int) -> Bool {
        count >= configuration.blindAgentsMin && Double(count) > configuration.blindShare * Double(total)
    }

    private mutating func openBlind(
        _ cluster: String, _ names: [AgentName], silent: [AgentName], _ findings: inout [Finding]
    ) {
        let onset = silent.map(seenAt).min() ?? now
        blind[cluster] = Blindness(onsetAt: onset, worstShare: 0)
        absorb(names, &findings)
        findings.append(blindFinding(.opened, cluster, names, onset: onset))
    }

    private mutating func absorb(_ names: [AgentName], _ findings: inout [Finding]) {
        for name in names {
            guard let entry = entries[name], let onset = entry.openSince else { continue }
            entries[name]?.openSince = nil
            let reason = "Part of the silence of many agents: see agent/*."
            findings.append(silentFinding(.closed, entry, onset: onset, at: now, because: reason))
        }
    }

    private mutating func keepBlind(
        _ cluster: String, _ names: [AgentName], isDue: Bool, _ findings: inout [Finding]
    ) {
        guard let standing = blind[cluster] else { return }
        // Who has not been seen since a restart may be one of those for whom the finding stands.
        let away = names.count { silence(of: $0) >= configuration.silentAfter || entries[$0]?.isAwaited == true }
        let isOver =
            away < configuration.blindAgentsMin
            || Double(away) <= configuration.blindShare / 2 * Double(names.count)
        if isOver {
            findings.append(blindFinding(.closed, cluster, names, onset: standing.onsetAt))
            blind[cluster] = nil
            for name in names where silence(of: name) >= configuration.silentAfter { entries[name]?.blindUntil = now }
        } else if isDue {
            findings.append(blindFinding(.ongoing, cluster, names, onset: standing.onsetAt))
        }
    }

    private mutating func judge(_ name: AgentName, isAbsorbed: Bool, isDue: Bool, _ findings: inout [Finding]) {
        guard !isAbsorbed, let entry = entries[name] else { return }
        let silence = silence(of: name)
        if let onset = entry.openSince {
            if silence < configuration.suspectAfter, !entry.isAwaited {
                entries[name]?.openSince = nil
                let length = FigureText.duration(entry.lastSeenAt - onset)
                let reason = "The agent on \(entry.node) reports again, after \(length)."
                findings.append(silentFinding(.closed, entry, onset: onset, at: now, because: reason))
            } else if isDue {
                findings.append(silentFinding(.ongoing, entry, onset: onset, at: now))
            }
        } else if silence >= configuration.incidentAfter {
            entries[name]?.openSince = entry.lastSeenAt
            findings.append(silentFinding(.opened, entry, onset: entry.lastSeenAt, at: now))
        }
    }

    func seenAt(_ name: AgentName) -> Timestamp { entries[name]?.lastSeenAt ?? now }

    func silence(of name: AgentName) -> Duration { max(.zero, now - seenAt(name)) }
}

/// An agent by cluster and node.
struct AgentName: Hashable, Comparable, Sendable {
    let cluster: String
    let node: String

    static func < (lhs: AgentName, rhs: AgentName) -> Bool { (lhs.cluster, lhs.node) < (rhs.cluster, rhs.node) }
}
