package import Signals
package import Telemetry

/// A detector's verdict on one subject.
package struct Finding: Hashable, Sendable, Codable {
    /// Where in its life a finding is.
    package enum Phase: String, Sendable, Codable {
        /// The breach has held long enough.
        case opened
        /// Still open; sent for each further point, so that severity can follow depth and duration.
        case ongoing
        /// The recovery has held long enough.
        case closed
    }

    /// Whose finding.
    package var subject: Subject
    /// Name of the check.
    package var check: String
    /// Group that shares one incident per subject.
    package var checkGroup: String
    /// The family.
    package var family: Family
    /// The check's title.
    package var title: String
    /// Phase.
    package var phase: Phase
    /// When the point that led to this verdict was known.
    package var at: Timestamp
    /// When the first point of the breach was known.
    package var onsetAt: Timestamp
    /// The value judged, over the check's window.
    package var value: Double
    /// The worst value since onset.
    package var worstValue: Double
    /// The level it was judged against: `enter`, or `leave` when closed.
    package var threshold: Double
    /// Volume in the window.
    package var volume: Double
    /// Contributors in breach themselves.
    package var affected: Int
    /// Contributors expected.
    package var total: Int
    /// Coverage of the point.
    package var coverage: Coverage
    /// The worst contributors, at most 8.
    package var contributors: [Contribution]
    /// One sentence with numbers.
    package var explanation: String
    /// Nil for no, so that what was written before the flag existed reads the same.
    private var adaptive: Bool?

    /// Whether the level was learned rather than configured: alone such a finding is worth P3 at most.
    package var isAdaptive: Bool {
        get { adaptive ?? false }
        set { adaptive = newValue ? true : nil }
    }

    /// Makes a finding.
    package init(
        subject: Subject, check: Check, phase: Phase, at: Timestamp, onsetAt: Timestamp, value: Double,
        worstValue: Double,
        threshold: Double, volume: Double, affected: Int, total: Int, coverage: Coverage, contributors: [Contribution],
        explanation: String
    ) {
        self.subject = subject
        self.check = check.name
        self.checkGroup = check.group
        self.family = check.family
        self.title = check.title
        self.phase = phase
        self.at = at
        self.onsetAt = onsetAt
        self.value = value
        self.worstValue = worstValue
        self.threshold = threshold
        self.volume = volume
        self.affected = affected
        self.total = total
        self.coverage = coverage
        self.contributors = contributors
        self.explanation = explanation
        adaptive = check.measure.isAdaptive ? true : nil
    }
}
