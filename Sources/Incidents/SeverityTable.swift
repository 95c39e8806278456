package import Detection
import Signals
import Telemetry

/// The rules that give a finding its level.
///
/// The first rule from the top whose conditions all hold decides.
package struct SeverityTable: Hashable, Sendable {
    /// The rules, in the order of the file.
    package let rules: [SeverityRule]
    /// The checks by name: they know which direction is bad and what unit the value has.
    package let checks: [String: Check]
    /// The level when no rule matches.
    package let fallback: Severity

    /// Makes a table.
    package init(rules: [SeverityRule], checks: [Check], fallback: Severity = .p3) {
        self.rules = rules
        self.checks = Dictionary(checks.map { ($0.name, $0) }) { first, _ in first }
        self.fallback = fallback
    }

    /// The level of a finding, with the reasoning.
    package func assess(_ finding: Finding) -> SeverityAssessment {
        let matching = rules.enumerated().filter { Glob.matches($0.element.check, finding.check) }
        let hit = matching.first { unmet($0.element, finding).isEmpty }
        let severity = hit?.element.severity ?? fallback
        let because = hit?.element.because ?? "no rule of the severity table matches"
        let origin = hit?.element.origin ?? "default"
        var sentence = "\(severity) because \(because) (\(origin)): \(facts(finding))"
        // Only rules above the one that matched could have won.
        let above = matching.filter { $0.offset < hit?.offset ?? rules.count }
        if let worse = nearestWorse(than: severity, in: above.map(\.element), finding) {
            sentence += "; would be \(worse.severity) if \(unmet(worse, finding).joined(separator: " and "))"
        }
        return SeverityAssessment(
            severity: severity, check: finding.check, origin: origin, because: because, sentence: sentence)
    }

    /// The next level up; of several rules that give it, the one with the fewest conditions missing.
    private func nearestWorse(
        than severity: Severity, in rules: [SeverityRule], _ finding: Finding
    ) -> SeverityRule? {
        let worse = rules.filter { $0.severity > severity }
        guard let next = worse.map(\.severity).min() else { return nil }
        return worse.filter { $0.severity == next }
            .min { unmet($0, finding).count < unmet($1, finding).count }
    }

    /// The rule's conditions that the finding does not meet, in words; empty when the rule matches.
    private func unmet(_ rule: SeverityRule, _ finding: Finding) -> [String] {
        var missing: [String] = []
        let signal = checks[finding.check]?.signal
        if let level = rule.value, !isAtOrBeyond(finding.value, level, finding) {
            let bound = direction(of: finding) == .above ? "at least" : "at most"
            missing.append("\(bound) \(PlainText.value(level, of: signal))")
        }
        if let scope = rule.scopeAtLeast, !(Self.scope(of: finding) >= scope) {
            missing.append("at least \(PlainText.number(scope * 100)) % of \(Self.parts(of: finding)) are affected")
        }
        if let duration = rule.durationAtLeast, finding.at - finding.onsetAt < duration {
            missing.append("for \(PlainText.duration(duration))")
        }
        return missing
    }

    private func isAtOrBeyond(_ value: Double, _ level: Double, _ finding: Finding) -> Bool {
        direction(of: finding) == .above ? value >= level : value <= level
    }

    /// The check's bad direction; of a check that is no longer configured, the side on which the finding lies.
    private func direction(of finding: Finding) -> Check.Direction {
        checks[finding.check]?.direction ?? (finding.worstValue >= finding.threshold ? .above : .below)
    }

    /// Share of the contributors in breach; 0 when nobody knows how many there are.
    private static func scope(of finding: Finding) -> Double {
        finding.total > 0 ? Double(finding.affected) / Double(finding.total) : 0
    }

    private func facts(_ finding: Finding) -> String {
        let signal = checks[finding.check]?.signal
        var facts = ["\(PlainText.signal(signal)) \(PlainText.value(finding.value, of: signal))"]
        if finding.total > 1 || finding.subject.kind == .workload {
            facts.append("\(finding.affected) of \(finding.total) \(Self.parts(of: finding))")
        }
        facts.append("for \(PlainText.duration(finding.at - finding.onsetAt))")
        return facts.joined(separator: ", ")
    }

    private static func parts(of finding: Finding) -> String {
        if finding.contributors.contains(where: { $0.contributor.contains("/") }) { return "containers" }
        return finding.subject.kind == .workload ? "pods" : "parts"
    }
}
