package import Telemetry

/// One incident as people see it.
package struct IncidentView: Hashable, Sendable, Codable {
    /// "INC-7".
    package var id: String
    /// Short title.
    package var title: String
    /// Which of the runbook's kinds of trouble.
    package var family: String
    /// Group that shares one incident per subject.
    package var checkGroup: String
    /// "P1" to "P4".
    package var severity: String
    /// Where in its life it is.
    package var state: String
    /// Cluster of the subject.
    package var cluster: String
    /// Path of the subject.
    package var subject: String
    /// When it was opened.
    package var openedAt: Timestamp
    /// When a detector first saw it.
    package var detectedAt: Timestamp
    /// When the breach began.
    package var onsetAt: Timestamp
    /// When somebody took it.
    package var acknowledgedAt: Timestamp?
    /// Who took it.
    package var acknowledgedBy: String?
    /// When it was resolved.
    package var resolvedAt: Timestamp?
    /// The cause, as whoever resolved it put it.
    package var cause: String?
    /// Id of the incident this one is a consequence of; nil for a root.
    package var root: String?
    /// Why it is taken for a consequence of its root; empty for a root.
    package var rootReasons: [String] = []
    /// Ids of the open incidents that are its consequences.
    package var consequences: [String] = []
    /// Paths of the workloads in trouble with it, when it has consequences.
    package var impacted: [String] = []
    /// How often it came back while its end was held back.
    package var flaps = 0
    /// Until when it must stay quiet before it ends; nil when its end is not held back.
    package var heldUntil: Timestamp?
    /// Id of the silence that hides its pages now.
    package var silencedBy: String?
    /// When that silence ends.
    package var silencedUntil: Timestamp?
    /// Which occurrence of the same trouble this is, from 1.
    package var episode = 1
    /// What a change may expect it to be at, so that a change that somebody else made meanwhile is not overrun.
    package var version: UInt64 = 0
    /// What the detectors said, latest state of each check.
    package var findings: [FindingView] = []

    /// Makes an incident that nobody has touched yet.
    package init(
        id: String, title: String, family: String, checkGroup: String, severity: String, state: String, cluster: String,
        subject: String, openedAt: Timestamp, detectedAt: Timestamp, onsetAt: Timestamp
    ) {
        self.id = id
        self.title = title
        self.family = family
        self.checkGroup = checkGroup
        self.severity = severity
        self.state = state
        self.cluster = cluster
        self.subject = subject
        self.openedAt = openedAt
        self.detectedAt = detectedAt
        self.onsetAt = onsetAt
    }
}

/// One detector's verdict inside an incident.
package struct FindingView: Hashable, Sendable, Codable {
    /// Name of the check.
    package var check: String
    /// "opened", "ongoing" or "closed".
    package var phase: String
    /// Time of the point that led to the verdict.
    package var at: Timestamp
    /// Time of the first point of the breach.
    package var onsetAt: Timestamp
    /// The value judged.
    package var value: Double
    /// The worst value since onset.
    package var worstValue: Double
    /// The level it was judged against.
    package var threshold: Double
    /// Contributors in breach themselves.
    package var affected: Int
    /// Contributors expected.
    package var total: Int
    /// One sentence with numbers.
    package var explanation: String
    /// The worst contributors, for people.
    package var contributors: [String]

    /// Makes a finding.
    package init(
        check: String, phase: String, at: Timestamp, onsetAt: Timestamp, value: Double, worstValue: Double,
        threshold: Double,
        affected: Int, total: Int, explanation: String, contributors: [String] = []
    ) {
        self.check = check
        self.phase = phase
        self.at = at
        self.onsetAt = onsetAt
        self.value = value
        self.worstValue = worstValue
        self.threshold = threshold
        self.affected = affected
        self.total = total
        self.explanation = explanation
        self.contributors = contributors
    }
}
