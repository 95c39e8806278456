package import Telemetry

extension SignalName {
    /// The metric whose samples show the signal's value best, or whose counters it is derived from; nil when a signal
    /// is made of none.
    package var sourceMetric: String? { Self.sourceMetrics[rawValue] }

    /// The names of docs/series.md.
    private static let sourceMetrics: [String: String] = [
        "error_ratio": "http_server_requests_seconds_count",
        "request_rate": "http_server_requests_seconds_count",
        "latency_mean_seconds": "http_server_requests_seconds_sum",
        "latency_p50_seconds": "http_server_requests_seconds_bucket",
        "latency_p95_seconds": "http_server_requests_seconds_bucket",
        "latency_p99_seconds": "http_server_requests_seconds_bucket",
        "heap_used_ratio": "jvm_memory_used_bytes",
        "heap_live_ratio": "jvm_memory_usage_after_gc",
        "gc_overhead": "jvm_gc_overhead",
        "working_set_ratio": "container_memory_working_set_bytes",
        "oom_kills": "kube_pod_container_oom_kills_total",
        "restarts": "kube_pod_container_restarts_total",
        "ready_ratio": "kube_pod_ready",
        "health_up": "actuator_health_up",
        "pool_pending": "hikaricp_connections_pending",
        "database_up": "pg_up",
        "connection_ratio": "pg_client_connections",
        "longest_query_seconds": "pg_longest_query_seconds",
        "idle_in_transaction_seconds": "pg_longest_idle_in_transaction_seconds",
        "lock_waiters": "pg_locks_waiting",
        "longest_lock_wait_seconds": "pg_longest_lock_wait_seconds",
        "slot_lost": "pg_replication_slot_lost",
        "checksum_failures": "pg_stat_database_checksum_failures",
        "checkpoint_requested_ratio": "pg_checkpoints_requested_total",
        "cache_miss_ratio": "pg_stat_database_blks_read",
        "certificate_remaining_seconds": "probe_tls_certificate_expiry_seconds",
        "node_memory_used_ratio": "node_memory_MemAvailable_bytes",
        "node_oom_kills": "node_vmstat_oom_kill",
        "node_ready": "kube_node_ready",
        "node_pressure": "kube_node_condition",
        "disk_used_ratio": "node_filesystem_avail_bytes",
        "inode_used_ratio": "node_filesystem_files_free",
        "probe_up": "probe_up",
        "log_error_ratio": "log_lines_total",
        "log_errors": "log_lines_total",
        "log_new_patterns": "log_new_patterns_total",
    ]

    /// The selector of the source's series of one subject, or of one of its contributors; nil without a source.
    ///
    /// - Parameter contributor: a pod, `POD/CONTAINER` or a target's id, as a point names it.
    package func selector(of subject: Subject, contributor: String? = nil) -> String? {
        guard let sourceMetric else { return nil }
        var labels = subject.identityLabels
        if subject.kind == .workload, let contributor { labels += contributorLabels(contributor) }
        let body = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        return "\(sourceMetric){\(body)}"
    }

    private func contributorLabels(_ name: String) -> [Label] {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        switch self {
        case .workingSetRatio, .oomKills, .restarts:
            return zip([LabelName.pod, LabelName.container], parts).map { Label($0, $1) }
        case .logErrorRatio, .logErrors, .logNewPatterns:
            let name = name.split(separator: "/", maxSplits: 1).first.map(String.init) ?? name
            return [Label(LabelName.node, name)]
        case .probeUp, .certificateRemainingSeconds: return [Label(LabelName.target, name)]
        // No pod's name holds a slash; the id of a target does.
        default: return [Label(parts.count == 1 ? LabelName.pod : LabelName.target, name)]
        }
    }

    private static func escaped(_ value: String) -> String {
        String(value.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
    }
}

extension Subject {
    /// The labels by which a subject's series are known.
    fileprivate var identityLabels: [Label] {
        let rest = path.split(separator: "/", maxSplits: 1).last.map(String.init) ?? path
        switch kind {
        case .workload:
            let namespace = path.split(separator: "/", maxSplits: 1).first.map(String.init) ?? path
            return [Label(LabelName.namespace, namespace), Label(LabelName.workload, rest)]
        case .postgresql: return [Label(LabelName.instance, rest)]
        case .node, .agent: return [Label(LabelName.node, rest)]
        case .target: return [Label(LabelName.target, rest)]
        case .coordinator: return []
        }
    }
}
