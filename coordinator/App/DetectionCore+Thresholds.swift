package import CoordinatorSettings
import Detection
package import Incidents
import Runbook
package import Telemetry

/// What became of the thresholds file.
package enum ThresholdsChange: Sendable {
    /// These are to be in force.
    case accepted(ThresholdSettings, file: String)
    /// The file was refused, and why: `FILE:LINE:COLUMN: …`, at least one; what is in force stays.
    case refused([String], file: String)
}

extension DetectionCore {
    /// Puts other thresholds in force, or notes that a file was refused.
    ///
    /// Detectors keep their state; findings of checks that are no longer there close.
    ///
    /// - Returns: the events that were applied, in order, to be stored by the caller.
    package mutating func replaceThresholds(_ change: ThresholdsChange, now: Timestamp) -> [IncidentEvent] {
        switch change {
        case .accepted(let settings, let file):
            thresholds = settings
            escalation.policy = settings.escalation
            book.severities = SeverityTable(settings, watches: watches)
            let ended = bank.replaceChecks(at: now) { settings.checks(for: $0) }
            watches.thresholds(file: file, errors: [], at: now)
            return take(ended + watches.advance(to: now), now: now)
        case .refused(let errors, let file):
            watches.thresholds(file: file, errors: errors, at: now)
            return take(watches.advance(to: now), now: now)
        }
    }
}

extension SeverityTable {
    /// The rows of a file, with the units of all that may have a finding.
    package init(_ settings: ThresholdSettings, watches: Watches) {
        self.init(rules: settings.severityRules, checks: settings.baseChecks + watches.checks)
    }
}
