import ConfigurationKit
import Detection
import Incidents
import Runbook

/// Decodes `escalation` of `thresholds.yaml`; what the file does not say is the runbook's.
struct EscalationDecoder {
    /// Reads the section; beside the policy, where the file first names each role.
    func decode(_ file: Section) -> (policy: EscalationPolicy, roles: [String: Origin]) {
        file.section(
            "escalation",
            "Who is called when, by severity: response times, the matrix and the intervals of updates."
        ) { section in
            var policy = EscalationPolicy.runbook
            var roles: [String: Origin] = [:]
            for severity in Severity.allCases.sorted(by: >) {
                policy[severity] = section.section("\(severity)", "The row of \(severity).") {
                    level($0, policy[severity], &roles)
                }
            }
            policy.specialists = section.section(
                "families", "Who is called with the initial responder, by the family of the incident."
            ) { families in
                Dictionary(
                    uniqueKeysWithValues: Family.allCases.compactMap { family in
                        specialist(of: family, families, policy.specialists[family], &roles).map { (family, $0) }
                    })
            }
            return (policy, roles)
        }
    }

    private func specialist(
        of family: Family, _ families: Section, _ base: EscalationPolicy.Specialist?, _ roles: inout [String: Origin]
    ) -> EscalationPolicy.Specialist? {
        families.section(family.rawValue, "Incidents of the family `\(family.rawValue)`.") { section in
            let role = section.value(
                "role", .text(lengthMax: 80), default: base?.role ?? "-",
                "Whom, as in `contacts`; `\"-\"` calls nobody beside the initial responder.")
            if let origin = section.origin(of: "role") { roles[role] = roles[role] ?? origin }
            let from = section.value(
                "from", ValueType<Severity>.severity, default: base?.from ?? .p2, "The mildest level that calls.")
            return role == "-" ? nil : EscalationPolicy.Specialist(role: role, from: from)
        }
    }

    private func level(
        _ section: Section, _ base: EscalationPolicy.Level, _ roles: inout [String: Origin]
    ) -> EscalationPolicy.Level {
        let longest: Duration = .seconds(14 * 86_400)
        var level = base
        level.respondWithin = section.value(
            "respondWithin", .duration(in: .seconds(60)...longest), default: base.respondWithin,
            "Time in which somebody has to answer.")
        level.clock = section.value(
            "clock", ValueType<EscalationPolicy.Clock>.choice(), default: base.clock,
            "From when the steps' clock runs: from detection, or from the missed end of the response time.")
        level.retriggerAfter = interval(
            "retriggerAfter", section, base.retriggerAfter,
            "So long without a sign of whoever acknowledged calls again; `0` never does.")
        level.updateEvery = interval(
            "updateEvery", section, base.updateEvery, "Interval of internal updates; `0`: when something changes.")
        level.customerUpdateEvery = interval(
            "customerUpdateEvery", section, base.customerUpdateEvery,
            "Interval of updates to customers; `0`: when something changes.")
        let steps = section.sections(
            "steps", countMax: 10,
            "The matrix: who is called at which time of the clock, the first at once. Without it the runbook's."
        ) { step in
            let after = step.value(
                "after", .duration(in: .zero...longest), default: .zero, "Time on the level's clock.")
            let role = step.required(
                "role", .text(lengthMax: 80), "Whom, as in `contacts`; `\"-\"` says that nobody follows.")
            roles[role] = roles[role] ?? step.origin(of: "role")
            return EscalationPolicy.Step(after: after, role: role)
        }.map { EscalationPolicy.Step(after: $0.after, role: $0.role == "-" ? nil : $0.role) }
        if !steps.isEmpty {
            check(steps, section)
            level.steps = steps
        }
        return level
    }

    private func interval(_ key: String, _ section: Section, _ base: Duration?, _ doc: String) -> Duration? {
        let value = section.value(
            key, .duration(in: .zero ... .seconds(14 * 86_400)), default: base ?? .zero, doc)
        return value == .zero ? nil : value
    }

    private func check(_ steps: [EscalationPolicy.Step], _ section: Section) {
        if steps[0].role == nil { section.report("steps", "the first step calls somebody") }
        if steps[0].after != .zero { section.report("steps", "the first step is due at once: 'after: 0s'") }
        if steps.dropLast().contains(where: { $0.role == nil }) {
            section.report("steps", "nobody can follow after a step that says that nobody follows ('-')")
        }
        if zip(steps, steps.dropFirst()).contains(where: { $0.after >= $1.after }) {
            section.report("steps", "the times of the steps must rise")
        }
    }
}
