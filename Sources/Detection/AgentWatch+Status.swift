package import Signals
package import Telemetry

extension AgentWatch {
    /// Times and shares.
    package struct Configuration: Sendable, Hashable, Codable {
        /// Without a sign of life for this long an agent is suspect: three heartbeats of 5 s.
        package var suspectAfter: Duration
        /// Without a sign of life for this long it is silent.
        package var silentAfter: Duration
        /// Silent for this long it has a finding.
        package var incidentAfter: Duration
        /// More than this share of a cluster's agents at once is one blind finding, 0...1.
        package var blindShare: Double
        /// And at least this many.
        package var blindAgentsMin: Int
        /// Agents whose last signs of life lie within this fell silent at once.
        package var blindWindow: Duration
        /// Longest time between two calls of `advance` that counts as silence; what is beyond is forgiven.
        package var advanceEveryMax: Duration
        /// Silent for this long an agent is forgotten, and its finding closes; 24 times as long while many are silent.
        package var forgetAfter: Duration
        /// Agents; for another one the longest silent makes room, and when none is silent it is refused and counted.
        package var agentsMax: Int

        /// Makes a configuration; the defaults are those of the fleet's contract.
        package init(
            suspectAfter: Duration = .seconds(15), silentAfter: Duration = .seconds(30),
            incidentAfter: Duration = .seconds(120), blindShare: Double = 0.2, blindAgentsMin: Int = 3,
            blindWindow: Duration = .seconds(60), advanceEveryMax: Duration = .seconds(15),
            forgetAfter: Duration = .seconds(3600), agentsMax: Int = 10_000
        ) {
            self.suspectAfter = suspectAfter
            self.silentAfter = silentAfter
            self.incidentAfter = incidentAfter
            self.blindShare = blindShare
            self.blindAgentsMin = blindAgentsMin
            self.blindWindow = blindWindow
            self.advanceEveryMax = advanceEveryMax
            self.forgetAfter = forgetAfter
            self.agentsMax = agentsMax
        }
    }

    /// How an agent does.
    package enum State: String, Sendable, Codable, CaseIterable {
        case live, suspect, silent
    }

    /// One agent's standing.
    package struct Status: Sendable, Hashable {
        /// The agent's cluster.
        package var cluster: String
        /// The agent's node.
        package var node: String
        /// Its last sign of life, moved on by what the watch forgave.
        package var lastSeenAt: Timestamp
        /// How it does.
        package var state: State
    }

    /// The state for a snapshot.
    package struct Snapshot: Sendable, Hashable, Codable {
        var entries: [Entry]
        var blind: [String: Blindness]
    }

    /// The finding's signal: seconds without a sign of life.
    package static let silenceSignal = SignalName(rawValue: "agent_silence_seconds")
    /// The blind finding's signal: share of agents that are silent, 0...1.
    package static let blindSignal = SignalName(rawValue: "agents_silent_ratio")

    /// The check that silence findings name, for the severity table.
    package var silentCheck: Check {
        Check(
            name: "agent-silent", group: "agent", family: .fleet, title: "Agent silent", signal: Self.silenceSignal,
            direction: .above, enter: configuration.incidentAfter.inSeconds,
            leave: configuration.suspectAfter.inSeconds, holdFor: .zero, leaveFor: .zero)
    }

    /// The check that blind findings name, for the severity table.
    package var blindCheck: Check {
        Check(
            name: "agents-blind", group: "blind", family: .fleet, title: "Many agents silent at once",
            signal: Self.blindSignal, direction: .above, enter: configuration.blindShare,
            leave: configuration.blindShare / 2, holdFor: .zero, leaveFor: .zero)
    }

    /// All agents, ascending by cluster and node, as of the last `advance`.
    package var agents: [Status] {
        entries.keys.sorted().map { name in
            Status(cluster: name.cluster, node: name.node, lastSeenAt: seenAt(name), state: state(of: name))
        }
    }

    /// One agent's state, nil when it is not known.
    package func state(cluster: String, node: String) -> State? {
        let name = AgentName(cluster: cluster, node: node)
        return entries[name] == nil ? nil : state(of: name)
    }

    private func state(of name: AgentName) -> State {
        let silence = silence(of: name)
        return silence >= configuration.silentAfter
            ? .silent : silence >= configuration.suspectAfter ? .suspect : .live
    }

    /// The state now.
    package var snapshot: Snapshot {
        Snapshot(entries: entries.sorted { $0.key < $1.key }.map(\.value), blind: blind)
    }

    /// Puts a snapshot in place of all state; every agent gets the full time to come back from `time` on.
    package mutating func restore(_ snapshot: Snapshot, at time: Timestamp) {
        now = time
        entries = [:]
        for var entry in snapshot.entries.prefix(configuration.agentsMax) {
            entry.lastSeenAt = time
            entry.isAwaited = true
            entries[AgentName(cluster: entry.cluster, node: entry.node)] = entry
        }
        blind = snapshot.blind
    }

    /// Takes findings that stood before a restart; call it after `know` has been given all agents.
    ///
    /// - Returns: those that are not of this watch; they are the caller's to end.
    package mutating func restore(open findings: [DetectorBank.OpenFinding], at time: Timestamp) -> [DetectorBank
        .OpenFinding]
    {
        var others: [DetectorBank.OpenFinding] = []
        for finding in findings {
            let isAgent = finding.subject.kind == .agent && finding.subject.path.hasPrefix("agent/")
            let node = String(finding.subject.path.dropFirst("agent/".count))
            if isAgent, finding.check == "agents-blind" {
                blind[finding.subject.cluster] = Blindness(onsetAt: finding.onsetAt, worstShare: 0)
            } else if isAgent, finding.check == "agent-silent" {
                know(cluster: finding.subject.cluster, node: node, at: time)
                entries[AgentName(cluster: finding.subject.cluster, node: node)]?.openSince = finding.onsetAt
            } else {
                others.append(finding)
            }
        }
        return others
    }

    func silentFinding(
        _ phase: Finding.Phase, _ entry: Entry, onset: Timestamp, at time: Timestamp, because reason: String? = nil
    ) -> Finding {
        let silence = max(0, (time - min(onset, entry.lastSeenAt)).inSeconds)
        let isSilent = phase != .closed
        let length = FigureText.seconds(silence)
        let since = FigureText.time(onset, day: time)
        return Finding(
            subject: Subject(cluster: entry.cluster, kind: .agent, path: "agent/\(entry.node)"), check: silentCheck,
            phase: phase, at: time, onsetAt: onset, value: isSilent ? silence : 0, worstValue: silence,
            threshold: isSilent ? silentCheck.enter : silentCheck.leave, volume: 0, affected: isSilent ? 1 : 0,
            total: 1,
            coverage: Coverage(present: isSilent ? 0 : 1, expected: 1),
            contributors: [Contribution(contributor: entry.node, value: silence)],
            explanation: reason ?? "No sign of life from the agent on \(entry.node) for \(length), since \(since).")
    }

    mutating func blindFinding(_ phase: Finding.Phase, _ cluster: String, _ names: [AgentName], onset: Timestamp)
        -> Finding
    {
        let silent = names.filter { silence(of: $0) >= configuration.silentAfter }
        let share = names.isEmpty ? 0 : Double(silent.count) / Double(names.count)
        let worst = max(share, blind[cluster]?.worstShare ?? 0)
        blind[cluster]?.worstShare = worst
        let longest = silent.sorted { (seenAt($0), $0) < (seenAt($1), $1) }
        let numbers = "\(silent.count) of \(names.count) agents (\(FigureText.figure(share * 100)) %)"
        let since = FigureText.time(onset, day: now)
        let text =
            phase == .closed
            ? "\(numbers) silent, no longer many at once; onset \(since), at worst \(FigureText.figure(worst * 100)) %."
            : "\(numbers) of cluster \(cluster) are silent at once since \(since): blind there, not proof of a fault."
        return Finding(
            subject: Subject(cluster: cluster, kind: .agent, path: "agent/*"), check: blindCheck, phase: phase, at: now,
            onsetAt: onset, value: share, worstValue: worst,
            threshold: phase == .closed ? blindCheck.leave : blindCheck.enter, volume: 0, affected: silent.count,
            total: names.count, coverage: Coverage(present: names.count - silent.count, expected: names.count),
            contributors: longest.prefix(ThresholdDetector.contributorsMax).map {
                Contribution(contributor: $0.node, value: silence(of: $0).inSeconds)
            }, explanation: text)
    }
}
