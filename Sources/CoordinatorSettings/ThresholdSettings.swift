package import ConfigurationKit
package import Detection
package import Incidents
package import Runbook
package import Telemetry

/// What `thresholds.yaml` says: checks, severities and overrides, checked against each other.
package struct ThresholdSettings: Hashable, Sendable {
    /// The checks in the file's order, those switched off included.
    package var checks: [ConfiguredCheck]
    /// The severity table, top row first.
    package var severityRules: [SeverityRule]
    /// The overrides in the file's order.
    package var overrides: [Override]
    /// Response times and the escalation matrix.
    package var escalation: EscalationPolicy
    /// Where the file first names each role of the matrix; empty for the runbook's own.
    package var roleOrigins: [String: Origin] = [:]

    /// A check and where each of its values is written.
    package struct ConfiguredCheck: Hashable, Sendable {
        /// The check.
        package var check: Check
        /// Whether it runs.
        package var isEnabled: Bool
        /// Place of each key that the file has for it; a key that is not here has its default.
        package var origins: [String: Origin]
    }

    /// Other values of checks for some subjects.
    package struct Override: Hashable, Sendable {
        /// Pattern over the paths of subjects.
        package var subject: Glob
        /// Place of the override.
        package var origin: Origin
        /// The resulting checks by name, base values included.
        package var checks: [String: ConfiguredCheck]
    }

    /// What applies to one subject for one check.
    package struct EffectiveCheck: Hashable, Sendable {
        /// The check with the override's values, if one applies.
        package var configured: ConfiguredCheck
        /// The override that applies, nil for the base values.
        package var override: Glob?
    }

    /// The checks of the file as they stand, without overrides, those switched off left out.
    package var baseChecks: [Check] { checks.filter(\.isEnabled).map(\.check) }

    /// How far back a check looks, at most, where that is hours and not days: longest window or hold.
    package var evidenceMax: Duration {
        let all = checks + overrides.flatMap { $0.checks.values }
        return all.filter(\.isEnabled).map { configured in
            let check = configured.check
            var spans = [check.window, check.lowVolume?.window ?? .zero, check.measure.evidence]
            if case .burnRate(let budget) = check.measure { spans.append(budget.long) }
            return (spans.max() ?? .zero) + check.holdFor
        }.filter { $0 <= .seconds(86_400) }.max() ?? .zero
    }

    /// The checks that run for a subject.
    ///
    /// For each check the most specific override that names it applies as a whole (most literal characters, then fewest
    /// stars, then the later in the file); fields of several overrides are never mixed.
    package func checks(for subject: Subject) -> [Check] {
        effectiveChecks(for: subject.path).filter(\.configured.isEnabled).map(\.configured.check)
    }

    /// What applies to a subject's path, one entry for each check, with the places of its values.
    package func effectiveChecks(for path: String) -> [EffectiveCheck] {
        let matching = overrides.filter { $0.subject.matches(path) }
        return checks.map { base in
            var best: Override?
            for candidate in matching where candidate.checks[base.check.name] != nil {
                if let current = best, candidate.subject.specificity < current.subject.specificity { continue }
                best = candidate
            }
            return EffectiveCheck(
                configured: best?.checks[base.check.name] ?? base, override: best?.subject)
        }
    }

    /// Reads and checks a file, reporting everything that is wrong with it at once.
    ///
    /// - Parameter step: length of a signal's cell in the coordinator that will use the file; nil skips what depends on
    ///   it.
    package static func load(
        path: String, step: Duration?, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<ThresholdSettings> {
        try decode(try ConfigurationSource(path: path), step: step, environment: environment)
    }

    /// Checks a text, reporting everything that is wrong with it at once.
    package static func decode(
        _ source: ConfigurationSource, step: Duration?, environment: [String: String]
    ) throws(ConfigurationError) -> Loaded<ThresholdSettings> {
        try ConfigurationFile.decode(source, kind: "thresholds", environment: environment) { file in
            ThresholdDecoder(step: step).decode(file)
        }
    }

    /// The checks and severities that a file without its own has: `deploy/config/thresholds.yaml`.
    package static var shipped: ThresholdSettings {
        let source = ConfigurationSource(file: "thresholds.yaml (shipped)", folder: ".", text: ShippedThresholds.text)
        do {
            return try decode(source, step: nil, environment: [:]).value
        } catch {
            preconditionFailure("the shipped thresholds are wrong: \(error)")
        }
    }

    /// The reference of the file, for documentation and for the schema.
    package static var reference: KindDescription {
        ConfigurationFile.describe(
            kind: "thresholds", fileName: "thresholds.yaml",
            doc:
                "What is wrong when, and how bad it is. Checks of one `group` share one incident per subject. The severity table is"
                + " read from the top: the first row whose conditions all hold gives the level, so the most severe rows come first."
        ) { ThresholdDecoder(step: nil).decode($0) }
    }
}
