import Telemetry

/// What a series means to the signals.
///
/// Series without a role are passed over after one look at their metric's name.
enum SeriesRole: UInt8, Sendable {
    case requestCount, requestErrorCount, requestSeconds, requestBucket
    case processStart, pauseSeconds, concurrentSeconds
    case heapUsed, heapMaximum, usageAfterCollection, liveData, liveDataMaximum, collectionOverhead
    case health, poolPending
    case podReady
    case workingSet, memoryLimit, restarts, oomKills
    case databaseUp, slotsExhausted, connectionsMaximum, connectionsReserved, clientConnections
    case longestQuery, idleInTransaction, lockWaiters, longestLockWait
    case replicationLag, replicationStalled, slotRetained, slotInactive, slotLost, archiverFailing, wraparound, deadRows
    case deadlocks, commits, rollbacks, checksumFailures, checkpointsTimed, checkpointsRequested, blocksHit, blocksRead
    case probeUp, certificateNotAfter
    case nodeMemoryTotal, nodeMemoryAvailable, nodeOOMKills, nodeReady, nodePressure
    case filesystemAvailable, filesystemFree, filesystemSize, inodes, inodesFree
    case logEntries, logErrorEntries, logNewErrorPatterns
    /// Counts that come as edges instead of samples; a contributor has at most one pseudo series of each.
    case oomKillEdges, restartEdges

    /// Whose series it is.
    var contributorKind: ContributorKind {
        switch self {
        case .requestCount, .requestErrorCount, .requestSeconds, .requestBucket, .processStart, .pauseSeconds,
            .concurrentSeconds, .heapUsed, .heapMaximum, .usageAfterCollection, .liveData, .liveDataMaximum,
            .collectionOverhead, .health, .poolPending:
            .application
        case .podReady: .pod
        case .workingSet, .memoryLimit, .restarts, .oomKills, .oomKillEdges, .restartEdges: .container
        case .databaseUp, .slotsExhausted, .connectionsMaximum, .connectionsReserved, .clientConnections, .longestQuery,
            .idleInTransaction, .lockWaiters, .longestLockWait, .replicationLag, .replicationStalled, .slotRetained,
            .slotInactive, .slotLost, .archiverFailing, .wraparound, .deadRows, .deadlocks, .commits, .rollbacks,
            .checksumFailures, .checkpointsTimed, .checkpointsRequested, .blocksHit, .blocksRead:
            .database
        case .probeUp, .certificateNotAfter: .target
        case .nodeMemoryTotal, .nodeMemoryAvailable, .nodeOOMKills, .nodeReady, .nodePressure: .node
        case .filesystemAvailable, .filesystemFree, .filesystemSize, .inodes, .inodesFree: .filesystem
        case .logEntries, .logErrorEntries, .logNewErrorPatterns: .log
        }
    }

    /// Whether the values are counted since the process of the application started.
    var isProcessCounter: Bool {
        switch self {
        case .requestCount, .requestErrorCount, .requestSeconds, .requestBucket, .pauseSeconds, .concurrentSeconds: true
        default: false
        }
    }

    /// Whether the values are counted by a database, since its statistics were last reset.
    var isDatabaseCounter: Bool {
        switch self {
        case .deadlocks, .commits, .rollbacks, .checksumFailures, .checkpointsTimed, .checkpointsRequested, .blocksHit,
            .blocksRead:
            true
        default: false
        }
    }

    /// Whether the values are counted by an agent, since it started.
    var isLogCounter: Bool { self == .logEntries || self == .logErrorEntries || self == .logNewErrorPatterns }

    /// Whether the value 0 says that its source gave no answer, so that nothing else is to come of it.
    var isSignOfLife: Bool { self == .databaseUp || self == .probeUp }

    /// Whether the pseudo series of edges is meant.
    var isEdgeCount: Bool { self == .oomKillEdges || self == .restartEdges }

    /// The role that a metric may have, before its labels are looked at.
    static func candidate(metric: String) -> SeriesRole? { byMetric[metric] }

    /// The metrics that may have a role, ascending.
    static var metrics: [String] { byMetric.keys.sorted() }

    /// The role of a series whose metric has the candidate role, or nil when the labels speak against it.
    static func refine(_ candidate: SeriesRole, labels: LabelSet) -> SeriesRole? {
        switch candidate {
        case .requestCount:
            isServerError(labels) ? .requestErrorCount : .requestCount
        case .requestBucket: LatencyBuckets.bound(labels) == nil ? nil : candidate
        case .logEntries:
            labels["level"] == "error" ? .logErrorEntries : .logEntries
        case .logNewErrorPatterns:
            labels["level"] == "error" ? candidate : nil
        case .heapUsed, .heapMaximum:
            labels["area"] == "heap" ? candidate : nil
        case .usageAfterCollection:
            (labels["area"] ?? "heap") == "heap" ? candidate : nil
        case .concurrentSeconds:
            // Minor cycles follow the allocation rate and are no sign of trouble; back-to-back major ones are. Without
            // the label nobody can tell them apart.
            labels["gc"]?.hasPrefix("ZGC Major") == true ? candidate : nil
        case .replicationLag, .replicationStalled:
            // With this label it is one standby as its primary sees it; the worst of them has a series of its own.
            labels["standby"] == nil ? candidate : nil
        case .nodePressure:
            // What other tools add has meanings of its own.
            labels["condition"].map(nodePressures.contains) == true ? candidate : nil
        default: candidate
        }
    }

    /// The kubelet's own conditions beside Ready; true is bad.
    private static let nodePressures: Set<String> = [
        "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable",
    ]

    /// The status decides only where the source has no outcome.
    private static func isServerError(_ labels: LabelSet) -> Bool {
        if let outcome = labels["outcome"] { return outcome == "SERVER_ERROR" }
        guard let status = labels["status"] else { return false }
        return status.utf8.count == 3 && status.utf8.first == UInt8(ascii: "5")
    }

    /// The names of docs/series.md.
    ///
    /// The `_percent` names are those of Micrometer before 1.14; their values are shares too.
    private static let byMetric: [String: SeriesRole] = [
        "http_server_requests_seconds_count": .requestCount,
        "http_server_requests_seconds_sum": .requestSeconds,
        "http_server_requests_seconds_bucket": .requestBucket,
        "process_start_time_seconds": .processStart,
        "jvm_gc_pause_seconds_sum": .pauseSeconds,
        "jvm_gc_concurrent_phase_time_seconds_sum": .concurrentSeconds,
        "jvm_memory_used_bytes": .heapUsed,
        "jvm_memory_max_bytes": .heapMaximum,
        "jvm_memory_usage_after_gc": .usageAfterCollection,
        "jvm_memory_usage_after_gc_percent": .usageAfterCollection,
        "jvm_gc_live_data_size_bytes": .liveData,
        "jvm_gc_max_data_size_bytes": .liveDataMaximum,
        "jvm_gc_overhead": .collectionOverhead,
        "jvm_gc_overhead_percent": .collectionOverhead,
        "actuator_health_up": .health,
        "hikaricp_connections_pending": .poolPending,
        "kube_pod_ready": .podReady,
        "container_memory_working_set_bytes": .workingSet,
        "container_spec_memory_limit_bytes": .memoryLimit,
        "kube_pod_container_restarts_total": .restarts,
        "kube_pod_container_oom_kills_total": .oomKills,
        "pg_up": .databaseUp,
        "pg_connection_slots_exhausted": .slotsExhausted,
        "pg_settings_max_connections": .connectionsMaximum,
        "pg_settings_reserved_connections": .connectionsReserved,
        "pg_client_connections": .clientConnections,
        "pg_longest_query_seconds": .longestQuery,
        "pg_longest_idle_in_transaction_seconds": .idleInTransaction,
        "pg_locks_waiting": .lockWaiters,
        "pg_longest_lock_wait_seconds": .longestLockWait,
        "pg_replication_lag_seconds": .replicationLag,
        "pg_standbys_worst_lag_seconds": .replicationLag,
        "pg_replication_stalled_seconds": .replicationStalled,
        "pg_standbys_worst_stalled_seconds": .replicationStalled,
        "pg_slots_worst_retained_bytes": .slotRetained,
        "pg_slots_worst_inactive_seconds": .slotInactive,
        "pg_replication_slot_lost": .slotLost,
        "pg_archiver_failing": .archiverFailing,
        "pg_wraparound_ratio": .wraparound,
        "pg_large_table_dead_ratio": .deadRows,
        "pg_stat_database_deadlocks": .deadlocks,
        "pg_stat_database_xact_commit": .commits,
        "pg_stat_database_xact_rollback": .rollbacks,
        "pg_stat_database_checksum_failures": .checksumFailures,
        "pg_checkpoints_timed_total": .checkpointsTimed,
        "pg_checkpoints_requested_total": .checkpointsRequested,
        "pg_stat_database_blks_hit": .blocksHit,
        "pg_stat_database_blks_read": .blocksRead,
        "probe_up": .probeUp,
        "log_lines_total": .logEntries,
        "log_new_patterns_total": .logNewErrorPatterns,
        "probe_tls_certificate_expiry_seconds": .certificateNotAfter,
        "node_memory_MemTotal_bytes": .nodeMemoryTotal,
        "node_memory_MemAvailable_bytes": .nodeMemoryAvailable,
        "node_vmstat_oom_kill": .nodeOOMKills,
        "kube_node_ready": .nodeReady,
        "kube_node_condition": .nodePressure,
        "node_filesystem_avail_bytes": .filesystemAvailable,
        "node_filesystem_free_bytes": .filesystemFree,
        "node_filesystem_size_bytes": .filesystemSize,
        "node_filesystem_files": .inodes,
        "node_filesystem_files_free": .inodesFree,
    ]
}

/// The sorts of contributors.
///
/// Each signal is fed by exactly one, so each sort of a subject has a grid of its own: a kubelet that lags does not
/// hold up the error ratio.
enum ContributorKind: Int, CaseIterable, Sendable {
    case application, pod, container, database, target, node, filesystem, log

    /// What a contributor is called, or nil when the labels name none.
    func name(labels: LabelSet) -> String? {
        switch self {
        case .application, .pod:
            labels[LabelName.pod] ?? labels[LabelName.target] ?? labels[LabelName.instance] ?? labels[LabelName.node]
        case .container:
            labels[LabelName.container].map { container in
                labels[LabelName.pod].map { "\($0)/\(container)" } ?? container
            }
        case .database: labels[LabelName.instance] ?? labels[LabelName.target]
        case .target: labels[LabelName.target] ?? labels[LabelName.instance]
        case .node: labels[LabelName.node]
        case .filesystem: labels["mountpoint"]
        case .log: Self.logName(labels)
        }
    }
}

extension ContributorKind {
    /// The node that follows the logs and, where the logs are not a workload's, which log and unit.
    private static func logName(_ labels: LabelSet) -> String? {
        guard let node = labels[LabelName.node] else { return nil }
        return [node, labels["log"], labels["unit"]].compactMap(\.self).joined(separator: "/")
    }
}

/// One series with its last value, in 48 bytes: there is one for each series that a signal reads.
struct SeriesSlot: Sendable {
    /// Milliseconds since 1970 of the last sample.
    var at: Int64 = .min
    var value = 0.0
    /// What was taken off the last value of a counter: 0 after a reset.
    var previousValue = 0.0
    /// Told apart from an earlier user of the slot.
    var generation: UInt32 = 0
    private let contributorNumber: Int32
    private var agentNumber: Int32
    private var bucketNumber: Int32 = 0
    var round = SeriesRound()
    let role: SeriesRole
    /// False after a stale marker, and before the first value.
    var isLive = false
    /// Whether there was ever a value: the base of a counter's next increase.
    var hasValue = false

    init(role: SeriesRole, contributor: Int, agent: Int) {
        self.role = role
        contributorNumber = Int32(truncatingIfNeeded: contributor)
        agentNumber = Int32(truncatingIfNeeded: agent)
    }

    var contributor: Int { Int(contributorNumber) }

    /// Whose it was first; -1 for one that is not followed, or is gone.
    var agent: Int {
        get { Int(agentNumber) }
        set { agentNumber = Int32(truncatingIfNeeded: newValue) }
    }

    /// Of a bucket: its place among its contributor's.
    var bucket: Int {
        get { Int(bucketNumber) }
        set { bucketNumber = Int32(truncatingIfNeeded: newValue) }
    }
}
