package import Detection
package import Telemetry

/// How things stand in one cell of ten seconds: what a scenario changes.
package struct Conditions: Sendable {
    /// Start of the cell.
    package var time = Timestamp(millis: 0)
    /// Requests a second of each pod.
    package var rate: Double
    /// Requests of each pod in this cell, in place of the rate.
    package var requests: Double?
    /// Share of requests that fail, and of single pods where they differ.
    package var errorShare = 0.001
    /// Error shares of single pods.
    package var podErrorShare: [Int: Double] = [:]
    /// Seconds of a mean request, before noise.
    package var latency: Double
    /// Latencies of single pods.
    package var podLatency: [Int: Double] = [:]
    /// Share of requests that take `slowSeconds`.
    package var slowShare = 0.0
    /// Seconds of those requests.
    package var slowSeconds = 0.0
    /// Heap live after collection of the limit.
    package var heapLive: Double
    /// Heaps of single pods.
    package var podHeap: [Int: Double] = [:]
    /// Working set of the limit.
    package var workingSet: Double
    /// Share of time in collections.
    package var gcOverhead = 0.012
    /// Pods that are not ready.
    package var notReady: Set<Int> = []
    /// Pods that do not exist.
    package var absent: Set<Int> = []
    /// Pods that nobody hears of: their agent is dead or its probes fail.
    package var unheard: Set<Int> = []
    /// Pods whose process starts anew in this cell; `crashed` ones also count a container restart.
    package var restarted: Set<Int> = []
    /// Pods whose container restarts in this cell.
    package var crashed: Set<Int> = []
    /// Pods whose container the kernel kills in this cell.
    package var killed: Set<Int> = []
    /// Pods whose health says DOWN.
    package var unhealthy: Set<Int> = []
    /// Threads that wait for a pooled connection.
    package var poolPending = 0.0
    /// How far the clocks of the pods' agents are ahead, in seconds.
    package var clockAhead: [Int: Double] = [:]
    /// Whether the workload's target answers.
    package var targetUp = true

    /// The database, `nil` answers: nobody can tell.
    package var databaseUp: Bool? = true
    /// Connections of the slots.
    package var connections = 0.3
    /// Seconds.
    package var longestQuery = 0.5
    /// Seconds.
    package var idleInTransaction = 0.0
    /// Seconds.
    package var lockWait = 0.0
    /// Sessions.
    package var lockWaiters = 0.0

    /// Agents without a sign of life.
    package var silentAgents: Set<Int> = []
    /// Whether the coordinator stands still in this cell.
    package var isCoordinatorStopped = false
    /// Whether the coordinator starts anew before this cell, with the detectors' snapshot.
    package var coordinatorRestarts = false
    /// Attempts to log in.
    package var logins: [LoginEvent] = []
}

/// A run of a fleet with its truth.
package struct Scenario: Sendable {
    /// What must come of it.
    package enum Kind: String, Sendable, CaseIterable {
        /// Must be found.
        case clear
        /// Should be found: just beyond the level, or just long enough.
        case marginal
        /// Must stay quiet.
        case quiet
    }

    /// The change that makes the scenario, second by second since its start.
    package typealias Change =
        @Sendable (_ second: Double, _ now: inout Conditions, _ random: inout ScenarioRandom) -> Void

    /// Unique name.
    package var name: String
    /// The family it belongs to.
    package var family: Family
    /// What must come of it.
    package var kind: Kind
    /// Names of checks, one of which must open.
    package var expects: [String]
    /// When the truth is beyond the level, in seconds since the start; the check's `for` runs from here.
    package var breachAt: Double
    /// From when on the expected findings are true ones.
    package var faultAt: Double
    /// When the fault is over, in seconds since the start; nil when it lasts to the end, or ends nobody knows when.
    package var faultEnds: Double?
    /// How long it runs.
    package var seconds: Double
    /// Pods.
    package var pods: Int
    /// Requests a second of each pod; 0 for a random one.
    package var rate: Double
    /// The change.
    package var change: Change

    /// Makes a scenario.
    package init(
        _ name: String, _ family: Family, _ kind: Kind, expects: [String] = [], breachAt: Double = 0,
        seconds: Double = 5400, pods: Int = 3, rate: Double = 0, faultAt: Double? = nil,
        faultEnds: Double? = nil, change: @escaping Change
    ) {
        self.name = name
        self.family = family
        self.kind = kind
        self.expects = expects
        self.breachAt = breachAt
        self.seconds = seconds
        self.pods = pods
        self.rate = rate
        self.faultAt = faultAt ?? breachAt
        self.faultEnds = faultEnds
        self.change = change
    }
}
