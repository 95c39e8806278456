import PostgresClient
import Telemetry

/// Which server answers and in which role: what changes in a failover.
struct ServerIdentity: Hashable, Sendable {
    /// `primary` or `standby`.
    var role: String?
    /// The number that initdb gave to the cluster; standbys have their primary's.
    var systemIdentifier: String?
    /// Number of the time line; a promotion starts a new one.
    var timeline: String?
    /// When the server process started, in seconds since 1970.
    var startedAt: Double?

    /// Start times are equal within this, as numbers round them.
    private static let startTolerance = 0.001

    /// Reads a row of `StatisticsLook.Topic.server`.
    mutating func note(_ rows: PostgresRows) {
        systemIdentifier = rows.text("system_identifier")
        timeline = rows.text("timeline")
        startedAt = rows.number("started_at")
    }

    /// Takes what a round says, what it does not say left as it was, and gives the edges of what changed.
    mutating func take(_ new: ServerIdentity, at time: Timestamp, labels: LabelSet) -> [Edge] {
        var edges: [Edge] = []
        func note(_ kind: Edge.Kind, from old: String?, to new: String?) {
            guard let old, let new, old != new else { return }
            edges.append(Edge(kind, at: time, labels: labels, attributes: ["from": old, "to": new]))
        }
        note(.databaseRoleChanged, from: role, to: new.role)
        note(.databaseSystemChanged, from: systemIdentifier, to: new.systemIdentifier)
        note(.databaseTimelineChanged, from: timeline, to: new.timeline)
        if let old = startedAt, let now = new.startedAt, abs(now - old) > Self.startTolerance {
            edges.append(Edge(.databaseRestarted, at: Timestamp(seconds: now), labels: labels))
        }
        role = new.role ?? role
        systemIdentifier = new.systemIdentifier ?? systemIdentifier
        timeline = new.timeline ?? timeline
        startedAt = new.startedAt ?? startedAt
        return edges
    }
}
