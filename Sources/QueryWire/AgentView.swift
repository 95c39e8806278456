package import Telemetry

/// One agent as the coordinator sees it.
package struct AgentView: Hashable, Sendable, Codable {
    /// Its node.
    package var node: String
    /// Its cluster.
    package var cluster: String
    /// Semantic version.
    package var version: String
    /// "live", "suspect", "silent", or "contended": two agents use its name.
    package var state: String
    /// When anything last came from it.
    package var lastSeenAt: Timestamp
    /// When its present or last stream began.
    package var connectedAt: Timestamp
    /// Series it writes.
    package var series: UInt64 = 0
    /// Samples written since its process started.
    package var samplesTotal: UInt64 = 0
    /// Samples it lost since its spool was made.
    package var lostSamplesTotal: UInt64 = 0
    /// Bytes of its spool.
    package var spoolBytes: UInt64 = 0
    /// Resident memory in bytes.
    package var rssBytes: UInt64 = 0
    /// CPU seconds since its process started.
    package var cpuSeconds: Double = 0
    /// Number of its targets.
    package var targets = 0

    /// Makes an agent with all counts zero.
    package init(
        node: String, cluster: String, version: String, state: String, lastSeenAt: Timestamp, connectedAt: Timestamp
    ) {
        self.node = node
        self.cluster = cluster
        self.version = version
        self.state = state
        self.lastSeenAt = lastSeenAt
        self.connectedAt = connectedAt
    }
}
