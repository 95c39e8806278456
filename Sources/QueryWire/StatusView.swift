package import Telemetry

/// The coordinator, its fleet and its open incidents at a glance.
package struct StatusView: Hashable, Sendable, Codable {
    /// Semantic version of the coordinator.
    package var version: String
    /// The coordinator's clock when it answered.
    package var now: Timestamp
    /// When the coordinator started.
    package var startedAt: Timestamp
    /// Agents heard of lately.
    package var agentsLive = 0
    /// Agents that are late.
    package var agentsSuspect = 0
    /// Agents not heard of.
    package var agentsSilent = 0
    /// Targets of all agents.
    package var targets = 0
    /// Targets whose last probe failed.
    package var targetsFailing = 0
    /// Series known.
    package var series: UInt64 = 0
    /// Samples stored since start.
    package var samplesTotal: UInt64 = 0
    /// Frames received twice and dropped.
    package var duplicateFramesTotal: UInt64 = 0
    /// Frames refused.
    package var rejectedFramesTotal: UInt64 = 0
    /// Samples known to be lost, by agents or here.
    package var lostSamplesTotal: UInt64 = 0
    /// Bytes of the sample store.
    package var storeBytes: UInt64 = 0
    /// Why samples cannot be stored now; nil when they can.
    package var storeFault: StoreFault?
    /// Signals derived.
    package var signals = 0
    /// Incidents that are open.
    package var incidentsOpen = 0
    /// Open incidents, worst first.
    package var openIncidents: [IncidentView] = []
    /// Whether pages go to the contacts.
    package var isEscalationArmed = false
    /// Notices on their way.
    package var noticesWaiting = 0
    /// Notices that were given up.
    package var noticesDead = 0
    /// The notices that were given up last, newest first.
    package var deadLetters: [DeadLetterView] = []

    /// Why samples cannot be stored, and since when.
    package struct StoreFault: Hashable, Sendable, Codable {
        /// When it began.
        package var since: Timestamp
        /// What the store says.
        package var reason: String

        /// Makes a fault.
        package init(since: Timestamp, reason: String) {
            self.since = since
            self.reason = reason
        }
    }

    /// Makes a status with all counts zero.
    package init(version: String, now: Timestamp, startedAt: Timestamp) {
        self.version = version
        self.now = now
        self.startedAt = startedAt
    }
}
