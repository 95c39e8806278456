package import Telemetry

/// Name of a signal: a derived series of one subject that detectors watch.
package struct SignalName: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The name as files and queries write it: `error_ratio`.
    package var rawValue: String

    /// Makes a name; any text is one.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Reads the bare name; throws `DecodingError` for what is no string.
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Writes the bare name.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The name itself.
    package var description: String { rawValue }

    /// By the text, as strings compare.
    package static func < (lhs: SignalName, rhs: SignalName) -> Bool { lhs.rawValue < rhs.rawValue }

    // Written out because the standard library's own for raw values is generic and costs ten times as much.
    package static func == (lhs: SignalName, rhs: SignalName) -> Bool { lhs.rawValue == rhs.rawValue }

    package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// Share of requests answered with 5xx, 0...1; volume = requests.
    package static let errorRatio = SignalName(rawValue: "error_ratio")
    /// Requests a second.
    package static let requestRate = SignalName(rawValue: "request_rate")
    /// Mean seconds a request; volume = requests.
    package static let latencyMeanSeconds = SignalName(rawValue: "latency_mean_seconds")
    /// Seconds that half of the requests take at most, from buckets; volume = requests.
    package static let latencyP50Seconds = SignalName(rawValue: "latency_p50_seconds")
    /// Seconds that 95 % of the requests take at most, from buckets; volume = requests.
    package static let latencyP95Seconds = SignalName(rawValue: "latency_p95_seconds")
    /// Seconds that 99 % of the requests take at most, from buckets; volume = requests.
    package static let latencyP99Seconds = SignalName(rawValue: "latency_p99_seconds")
    /// Heap in use / heap maximum of the fullest JVM, 0...1.
    package static let heapUsedRatio = SignalName(rawValue: "heap_used_ratio")
    /// Long-lived heap in use after the last collection / its maximum, fullest JVM, 0...1.
    package static let heapLiveRatio = SignalName(rawValue: "heap_live_ratio")
    /// Share of time spent in collections, worst JVM, 0...1.
    package static let gcOverhead = SignalName(rawValue: "gc_overhead")
    /// Working set / memory limit of the fullest container, 0...1.
    package static let workingSetRatio = SignalName(rawValue: "working_set_ratio")
    /// OOM kills in the cell, over all containers.
    package static let oomKills = SignalName(rawValue: "oom_kills")
    /// Container restarts in the cell, over all containers.
    package static let restarts = SignalName(rawValue: "restarts")
    /// Ready pods / pods that should be ready, 0...1; volume = pods that should be.
    package static let readyRatio = SignalName(rawValue: "ready_ratio")
    /// 1 when the actuator's health says UP, 0 when DOWN or OUT_OF_SERVICE; the worst instance.
    package static let healthUp = SignalName(rawValue: "health_up")
    /// Threads that wait for a connection of the application's own pool, worst instance.
    package static let poolPending = SignalName(rawValue: "pool_pending")
    /// 1 when the database answers, 0 when it refuses, hangs or says that it is unavailable.
    package static let databaseUp = SignalName(rawValue: "database_up")
    /// Client connections / (max_connections less the reserved ones), 0...1.
    package static let connectionRatio = SignalName(rawValue: "connection_ratio")
    /// Seconds the longest active client query runs.
    package static let longestQuerySeconds = SignalName(rawValue: "longest_query_seconds")
    /// Seconds the longest idle-in-transaction session is idle.
    package static let idleInTransactionSeconds = SignalName(rawValue: "idle_in_transaction_seconds")
    /// Sessions that wait for a lock.
    package static let lockWaiters = SignalName(rawValue: "lock_waiters")
    /// Seconds the longest lock wait lasts.
    package static let longestLockWaitSeconds = SignalName(rawValue: "longest_lock_wait_seconds")
    /// Seconds by which replication lags, 0 when nothing lacks: of a standby itself, of a primary its worst standby.
    package static let replicationLagSeconds = SignalName(rawValue: "replication_lag_seconds")
    /// Seconds for which a standby that lacks something has replayed nothing.
    package static let replicationStalledSeconds = SignalName(rawValue: "replication_stalled_seconds")
    /// Bytes of WAL that the worst replication slot keeps from being removed.
    package static let slotRetainedBytes = SignalName(rawValue: "slot_retained_bytes")
    /// Seconds for which the worst replication slot has had no consumer.
    package static let slotInactiveSeconds = SignalName(rawValue: "slot_inactive_seconds")
    /// 1 when some replication slot has lost WAL that its consumer still needed, else 0.
    package static let slotLost = SignalName(rawValue: "slot_lost")
    /// 1 when the archiver's last attempt failed, else 0.
    package static let archiverFailing = SignalName(rawValue: "archiver_failing")
    /// Age of the oldest transaction or multixact id / the age at which the server takes no more writes, 0...1.
    package static let wraparoundRatio = SignalName(rawValue: "wraparound_ratio")
    /// Dead rows / all rows of the worst large table, 0...1.
    package static let deadRowRatio = SignalName(rawValue: "dead_row_ratio")
    /// Deadlocks in the cell, over all databases.
    package static let deadlocks = SignalName(rawValue: "deadlocks")
    /// Transactions rolled back / all of them, over all databases, 0...1; volume = transactions.
    package static let rollbackRatio = SignalName(rawValue: "rollback_ratio")
    /// Pages in the cell whose checksum was wrong, over all databases.
    package static let checksumFailures = SignalName(rawValue: "checksum_failures")
    /// Checkpoints that were asked for, since WAL had grown too much / all of them, 0...1; volume = checkpoints.
    package static let checkpointRequestedRatio = SignalName(rawValue: "checkpoint_requested_ratio")
    /// Blocks not found in shared buffers / all asked for, over all databases, 0...1; volume = blocks.
    package static let cacheMissRatio = SignalName(rawValue: "cache_miss_ratio")
    /// Seconds until the first certificate of the target's chain expires, 0 or less when it has; the soonest target.
    package static let certificateRemainingSeconds = SignalName(rawValue: "certificate_remaining_seconds")
    /// Memory of the node that is not available / all of it, 0...1.
    package static let nodeMemoryUsedRatio = SignalName(rawValue: "node_memory_used_ratio")
    /// OOM kills on the node in the cell, by the kernel's own count.
    package static let nodeOOMKills = SignalName(rawValue: "node_oom_kills")
    /// 1 when the cluster says that the node is ready, 0 when it says that it is not or does not know.
    package static let nodeReady = SignalName(rawValue: "node_ready")
    /// 1 when the node's kubelet says that memory, disk, process ids or network are short, else 0.
    package static let nodePressure = SignalName(rawValue: "node_pressure")
    /// Room taken / room for processes without privileges of the fullest file system, 0...1.
    package static let diskUsedRatio = SignalName(rawValue: "disk_used_ratio")
    /// Inodes taken / all of them of the fullest file system, 0...1.
    package static let inodeUsedRatio = SignalName(rawValue: "inode_used_ratio")
    /// Log entries of level error / all entries, 0...1; volume = entries.
    package static let logErrorRatio = SignalName(rawValue: "log_error_ratio")
    /// Log entries of level error in the cell.
    package static let logErrors = SignalName(rawValue: "log_errors")
    /// Patterns of errors in the cell that were not known before.
    package static let logNewPatterns = SignalName(rawValue: "log_new_patterns")
    /// 1 when the target's last probe got an answer, else 0; the worst of the subject's targets.
    package static let probeUp = SignalName(rawValue: "probe_up")
}

/// How many of the contributors that should have reported did.
package struct Coverage: Hashable, Sendable, Codable {
    /// Contributors with data in the cell.
    package var present: Int
    /// Contributors that are alive and so expected.
    package var expected: Int

    /// Makes a coverage.
    package init(present: Int, expected: Int) {
        self.present = present
        self.expected = expected
    }

    /// `present / expected`, 1 when none is expected.
    package var ratio: Double { expected <= 0 ? 1 : min(1, Double(present) / Double(expected)) }

    /// Whether a finding may close on such a cell: at least 90 % of the contributors reported (rule 5 of the design).
    package var allowsClosing: Bool { present > 0 && ratio >= 0.9 }
}

/// What one contributor (a pod, a container, an instance) had in a cell.
package struct Contribution: Hashable, Sendable, Codable {
    /// Pod, pod/container or instance.
    package var contributor: String
    /// Its own value of the signal.
    package var value: Double
    /// Its own volume, 0 where the signal has none.
    package var volume: Double

    /// Makes a contribution.
    package init(contributor: String, value: Double, volume: Double = 0) {
        self.contributor = contributor
        self.value = value
        self.volume = volume
    }
}

/// One closed cell of one signal of one subject, or what an edge told of a part of a cell.
package struct SignalPoint: Hashable, Sendable, Codable {
    /// Whose signal.
    package var subject: Subject
    /// Which signal.
    package var signal: SignalName
    /// The place on the grid: end of the cell, which may lie ahead by up to a step when all had reported before, or a
    /// time inside the cell for a part of it.
    ///
    /// Durations are counted by it; what people are told is `knownAt`.
    package var at: Timestamp
    /// Length of the cell.
    package var step: Duration
    /// The value over the contributors present; nil when none has any: no data, neither healthy nor broken.
    package var value: Double?
    /// The value if all missing contributors were healthy.
    ///
    /// Equals `value` at full coverage. A threshold opens on this one.
    package var valueIfMissingHealthy: Double?
    /// Events behind a ratio or a mean, 0 for other signals.
    package var volume: Double
    /// Contributors present of those expected.
    package var coverage: Coverage
    /// The worst contributors, worst first, at most `contributionsMax`.
    package var contributions: [Contribution]
    /// What the value rests on, where it is an estimate: of quantiles alone.
    package var evidence: SignalEvidence?
    /// Nil for `at`, so that what was written before it existed reads the same.
    private var known: Timestamp?
    /// Nil for no, for the same reason.
    private var part: Bool?

    /// When what it says was known: `at`, or when the last of all had reported, or the time of the edge.
    ///
    /// By the agents' corrected clocks, so that a replay says the same: it may be ahead of the engine's time by what
    /// the correction is wrong by, but never behind the end of a cell that has begun.
    package var knownAt: Timestamp {
        get { known ?? at }
        set { known = newValue == at ? nil : newValue }
    }

    /// Whether it is of a part of a cell, whose own point holds the rest.
    package var isOfPart: Bool {
        get { part ?? false }
        set { part = newValue ? true : nil }
    }

    /// Becomes a later point of the same signal of the same subject: names are not copied.
    package mutating func follow(_ later: borrowing SignalPoint) {
        at = later.at
        step = later.step
        value = later.value
        valueIfMissingHealthy = later.valueIfMissingHealthy
        volume = later.volume
        coverage = later.coverage
        contributions = later.contributions
        if evidence != nil || later.evidence != nil { evidence = later.evidence }
        known = later.known
        part = later.part
    }

    /// Bound of `contributions`.
    package static let contributionsMax = 256

    /// Makes a point.
    package init(
        subject: Subject, signal: SignalName, at: Timestamp, step: Duration, value: Double?,
        valueIfMissingHealthy: Double?,
        volume: Double = 0, coverage: Coverage, contributions: [Contribution] = [], evidence: SignalEvidence? = nil
    ) {
        self.subject = subject
        self.signal = signal
        self.at = at
        self.step = step
        self.value = value
        self.valueIfMissingHealthy = valueIfMissingHealthy
        self.volume = volume
        self.coverage = coverage
        self.contributions = contributions
        self.evidence = evidence
    }
}
