package import Telemetry

/// Derives the signals of subjects from the samples and edges of any number of agents.
///
/// Pure: time comes in by `advance`.
///
/// The time line of each subject is cut into cells of one step, aligned to the epoch. A cell closes as soon as every
/// live contributor has sent in it what it sends in each (see `ContributorRounds`), be its end still ahead; else when
/// it has ended and every live contributor has a sample in it or behind it; at the latest one step after its end. What
/// comes later for a closed cell is not lost where it counts: a counter's increase goes to the cell that is open when
/// it arrives, and a gauge stands for the next one until it comes again.
///
/// An edge waits for no cell: what it counts is given out by the next `advance`, as a point of a part of the open cell.
/// So are the server errors of a look that an agent takes between two rounds, since it has seen the first of them.
///
/// OOM kills and restarts have two witnesses, the counters `kube_pod_container_*_total` and the edges; the greater of
/// the two running totals counts, so nothing counts twice (see `WitnessedCount`). The first value of a restart counter
/// is a baseline. The first value of an OOM counter counts in full if its agent's pods were looked at before, since
/// that counter starts at 0 with the agent; else it is a baseline too, since the engine may just have been started.
///
/// The same calls in the same order give the same points, whether samples come by name or in batches by number. Work:
/// by name one look-up by metric and, for series that signals read, one by series; by number none. Memory is bounded
/// by the limits of the configuration.
package struct SignalEngine: Sendable {
    /// The grid and the limits.
    package let configuration: Configuration
    let stepMillis: Int64
    let silentCellsMax: Int64
    let limits: TimeLimits
    /// The engine's time: the latest `advance`.
    var nowMillis: Int64
    var sweptAtMillis: Int64
    /// The cell that the time lay in when all groups were last looked at.
    var lookedAtCell: Int64 = .min
    /// Groups that may have a cell to close before the time says so.
    var listed: [Int] = []
    /// Points of parts of cells that wait for the next `advance`.
    var parts: [SignalPoint] = []
    /// Contributors with errors of a look between two rounds that is not taken up in full yet, and its time.
    var betweenRounds: [(contributor: Int, at: Int64)] = []

    var series = SeriesTable()
    var contributors: [ContributorState] = []
    var freeContributors: [Int] = []
    var groups: [SubjectGroup] = []
    var freeGroups: [Int] = []
    /// Groups in use, ascending by subject and sort.
    var groupOrder: [Int] = [] {
        didSet { isRankingStale = true }
    }
    /// Whether groups came or went since their ranks were told.
    var isRankingStale = false
    /// The groups of each subject by `ContributorKind.rawValue`, -1 for none.
    var groupsBySubject: [Subject: [Int]] = [:]
    var clusterIndexByName: [String: Int] = [:]
    var clusterNames: [String] = []
    var agentIndexByName: [String: Int] = [:]
    var agents: [AgentState] = []
    var freeAgents: [Int] = []
    var counts = Statistics()
    /// How often contributors were forgotten.
    var releases: UInt32 = 0
    /// Rises with whatever a refusal for want of room depends on.
    var changes: UInt32 { releases &+ series.generation }

    /// Makes an engine whose time is `now` until the first `advance`.
    package init(configuration: Configuration = Configuration(), startedAt now: Timestamp) {
        self.configuration = configuration
        stepMillis = max(1000, configuration.step.wholeMilliseconds)
        silentCellsMax = Int64(max(1, configuration.silentStepsMax))
        limits = TimeLimits(configuration)
        nowMillis = now.millis
        sweptAtMillis = now.millis
    }

    /// The length of a cell: the configuration's step, at least 1 s.
    package var step: Duration { .milliseconds(stepMillis) }

    /// What the engine took, refused and holds.
    package var statistics: Statistics {
        var statistics = counts
        statistics.subjects = groupsBySubject.count
        statistics.contributors = contributors.count - freeContributors.count
        statistics.series = series.count
        statistics.agents = agents.count - freeAgents.count
        return statistics
    }

    /// Takes samples of one agent, in the order in which it sent them: the same as for any sequence, compiled for
    /// arrays.
    package mutating func ingest(
        _ samples: [Sample], cluster: String, agent: String, clockOffset: Duration = .zero
    ) {
        take(samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
    }

    /// Takes samples of one agent, in the order in which it sent them.
    ///
    /// - Parameter agent: the agent's node.
    /// - Parameter clockOffset: the agent's clock less ours; taken off every timestamp.
    package mutating func ingest(
        _ samples: some Sequence<Sample>, cluster: String, agent: String, clockOffset: Duration = .zero
    ) {
        take(samples, cluster: cluster, agent: agent, clockOffset: clockOffset)
    }

    private mutating func take(
        _ samples: some Sequence<Sample>, cluster: String, agent: String, clockOffset: Duration
    ) {
        let clusterIndex = internCluster(cluster)
        let agentIndex = internAgent(agent, cluster: clusterIndex)
        let offset = clockOffset.wholeMilliseconds
        for sample in samples {
            counts.samples += 1
            guard case .read(let slot) = place(of: sample.series, cluster: clusterIndex, agent: agentIndex) else {
                continue
            }
            accept(slot, at: sample.timestamp.millis &- offset, value: sample.value)
        }
        tellBetweenRounds()
    }

    /// Takes edges of one agent; those of kind `containerOOMKilled` and `containerRestarted` count.
    package mutating func ingest(_ edges: [Edge], cluster: String, agent: String, clockOffset: Duration = .zero) {
        let clusterIndex = internCluster(cluster)
        let agentIndex = internAgent(agent, cluster: clusterIndex)
        let offset = clockOffset.wholeMilliseconds
        for edge in edges {
            let role: SeriesRole
            switch edge.kind {
            case .containerOOMKilled: role = .oomKillEdges
            case .containerRestarted: role = .restartEdges
            default: continue
            }
            guard let slot = edgeSlot(edge, role: role, cluster: clusterIndex, agent: agentIndex) else { continue }
            accept(edge: slot, at: edge.at.millis &- offset, count: Double(max(1, edge.count)))
        }
    }

    /// Puts a sample into the open cell of its group, or keeps it for a later one.
    mutating func accept(_ slot: Int, at time: Int64, value: Double) {
        guard let at = admitted(time, ageMaxMillis: limits.past) else { return }
        accept(slot, at: at, cell: Grid.cell(of: at, stepMillis: stepMillis), value: value)
    }

    /// Puts a sample, at the time that it counts at, into the open cell of its group, or keeps it for a later one.
    @inline(__always)
    mutating func accept(_ slot: Int, at: Int64, cell: Int64, value: Double) {
        let contributor = series[slot].contributor
        if at > contributors[contributor].newestAt { contributors[contributor].newestAt = at }
        let group = contributors[contributor].group
        let openCell = groups[group].openCell ?? open(group, for: cell)
        if cell > contributors[contributor].newestCell {
            contributors[contributor].newestCell = cell
            recount(contributor)
        }
        if cell < openCell, (cell + 1) * stepMillis <= nowMillis { counts.late += 1 }
        place(PendingSample(slot: slot, at: at, value: value), cell: cell, openCell: openCell, in: group)
    }

    /// Counts an edge at once, whatever cell it lies in.
    private mutating func accept(edge slot: Int, at time: Int64, count: Double) {
        guard let at = admitted(time, ageMaxMillis: limits.edgeAge) else { return }
        let contributor = series[slot].contributor
        if at > contributors[contributor].newestAt { contributors[contributor].newestAt = at }
        let group = contributors[contributor].group
        if groups[group].openCell == nil { _ = open(group, for: Grid.cell(of: at, stepMillis: stepMillis)) }
        apply(edge: slot, at: at, count: count)
        tell(of: slot, at: at)
    }

    /// The time that a sample or an edge counts at; nil, and counted, when it is too old.
    mutating func admitted(_ time: Int64, ageMaxMillis: Int64) -> Int64? {
        if time > nowMillis + limits.future {
            counts.clamped += 1
            return nowMillis
        }
        if time < nowMillis - ageMaxMillis {
            counts.tooOld += 1
            return nil
        }
        return time
    }

    private mutating func open(_ group: Int, for cell: Int64) -> Int64 {
        let last = groups[group].lastClosedCell
        let opened = last == .min ? cell : max(cell, last + 1)
        groups[group].openCell = opened
        recountAll(of: group)
        list(group)
        return opened
    }

    /// Applies a sample, or keeps it when it belongs to a cell behind the open one.
    ///
    /// What is measured after the open cell was complete does too: the same samples then give the same points, however
    /// late `advance` is called.
    mutating func place(_ sample: PendingSample, cell: Int64, openCell: Int64, in group: Int) {
        if cell > openCell || (groups[group].isComplete && sample.at > groups[group].completeAt) {
            guard counts.pending < configuration.pendingMax else {
                counts.refused += 1
                return
            }
            counts.pending += 1
            groups[group].pending.append(sample)
        } else {
            apply(sample.slot, cell: cell, at: sample.at, value: sample.value)
        }
    }
}

/// Arithmetic of the grid.
enum Grid {
    /// The cell [index × step, (index + 1) × step) that a time lies in.
    static func cell(of millis: Int64, stepMillis: Int64) -> Int64 {
        let quotient = millis / stepMillis
        return millis < 0 && quotient * stepMillis != millis ? quotient - 1 : quotient
    }
}
