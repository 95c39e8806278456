import ConfigurationKit
import Detection
import Incidents
import Signals
import Telemetry

/// Decodes `thresholds.yaml`.
struct ThresholdDecoder {
    /// Length of a signal's cell, nil when unknown.
    let step: Duration?

    func decode(_ file: Section) -> ThresholdSettings {
        let named = file.namedSections(
            "checks", countMax: 500, nameDoc: "the check's name, such as `error-rate`",
            "The checks. A check opens a finding when its signal stays at or beyond a level. A file with neither `checks` nor"
                + " `severity` has the shipped ones of both; to change some of them, copy `deploy/config/thresholds.yaml`."
        ) { name, section in
            check(name, section)
        }
        let shipped = Self.shipped(for: file, step: step)
        let checks = shipped?.checks ?? named.map { $0.value }
        for (name, origin, _) in named where BuiltInChecks.names.contains(name) {
            file.report(at: origin, keyPath: "checks.\(name)", "the coordinator makes the check of this name itself")
        }
        for (name, origin, _) in named
        where (try? ValueType<String>.name().parse(name, ValueContext(folder: "", isPlain: true))) == nil {
            file.report(at: origin, keyPath: "checks.\(name)", "the name of a check is letters, digits and -._")
        }
        let rules = file.sections(
            "severity", countMax: 2000,
            "The severity table, most severe rows first. Each check needs a last row without conditions."
        ) { section in
            rule(section, checks: checks)
        }
        if shipped == nil { checkTable(file, rules: rules, checks: checks) }
        let overrides = file.sections("overrides", countMax: 2000, "Other values for some subjects.") { section in
            override(section, checks: checks)
        }
        // A file need not speak of the checks that the coordinator makes itself; where it does, its rows come first.
        let rows = shipped?.severityRules ?? rules.map(\.rule) + BuiltInChecks.severityRules
        let escalation = EscalationDecoder().decode(file)
        return ThresholdSettings(
            checks: checks, severityRules: rows, overrides: overrides, escalation: escalation.policy,
            roleOrigins: escalation.roles)
    }

    /// The shipped checks and severities when the file has neither; a file with one of the two is half a file.
    private static func shipped(for file: Section, step: Duration?) -> ThresholdSettings? {
        switch (file.has("checks"), file.has("severity")) {
        case (true, true): return nil
        case (true, false):
            file.reportMissing("severity", because: "'checks' and 'severity' go together")
            return nil
        case (false, true):
            file.reportMissing("checks", because: "'checks' and 'severity' go together")
            return nil
        case (false, false): return ThresholdSettings.shipped
        }
    }

    // MARK: Checks

    private func check(_ name: String, _ section: Section) -> ThresholdSettings.ConfiguredCheck {
        let family = section.required(
            "family", ValueType<Family>.choice(), "Which of the runbook's kinds of trouble the check speaks of.")
        let group = section.value(
            "group", .name(), default: name, "Checks of one group share one incident per subject.")
        let title = section.required("title", .text(lengthMax: 80), "Title for people, such as `High error rate`.")
        let signal = section.required("signal", .signal, "The signal that it watches; see Signals below.")
        let base = Check(
            name: name, group: group, family: family, title: title, signal: signal, direction: .above, enter: 0,
            leave: 0,
            holdFor: .zero, leaveFor: .zero)
        return CheckReader(section: section, base: base, isOverride: false, step: step).read(
            isEnabled: true, origins: [:])
    }

    // MARK: Severity

    private func rule(_ section: Section, checks: [ThresholdSettings.ConfiguredCheck]) -> PlacedRule {
        let glob = section.required("check", .glob, "Which checks the row is for.")
        let value = section.deferred(
            "value", typeName: "level", schema: CheckReader.levelSchema,
            "The value must be at or beyond this, in the unit and direction of the check.")
        let scope = section.optional(
            "scopeAtLeast", .ratio, "At least this share of the replicas must be in breach themselves.")
        let lasting = section.optional(
            "durationAtLeast", .duration(in: CheckReader.holds),
            "The breach must have lasted this long since its onset.")
        let family = section.optional(
            "family", ValueType<Family>.choice(), "The check must be of this family; for rows with a wide pattern.")
        let volume = section.optional(
            "volumeAtLeast", .number(in: 0...1e9),
            "The volume in the check's window, such as requests, must be at least this.")
        let dependents = section.optional(
            "dependentsAtLeast", .integer(in: 1...10_000),
            "At least this many workloads must depend on it, as seen from the addresses of a database's clients.")
        let level = section.required("level", .severity, "The severity.")
        let because = section.required("because", .text(lengthMax: 160), "Why, for the incident's ledger.")
        var rule = SeverityRule(
            check: glob.pattern, scopeAtLeast: scope, durationAtLeast: lasting, severity: level, because: because,
            origin: section.origin.fileAndLine)
        rule.family = family
        rule.volumeAtLeast = volume
        rule.dependentsAtLeast = dependents
        func isMeant(_ check: Check) -> Bool { glob.matches(check.name) && (family == nil || family == check.family) }
        let configured = checks.map(\.check).filter(isMeant)
        let matching = configured.isEmpty ? BuiltInChecks.all.filter(isMeant) : configured
        if matching.isEmpty, !glob.pattern.isEmpty, !checks.isEmpty {
            section.report(
                "check", value: glob.pattern, "matches no check",
                suggestion: NearestName.of(glob.pattern, among: checks.map(\.check.name) + BuiltInChecks.names))
        }
        if let value { rule.value = ruleValue(value, section, matching: matching) }
        return PlacedRule(
            rule: rule, origin: section.origin, names: Set(matching.map(\.name)),
            isUnconditional: !Self.conditions.contains(where: section.has))
    }

    /// Keys of a row under which it may not apply to a check whose name it matches; `family` is judged with the name.
    private static let conditions = [
        "value", "scopeAtLeast", "durationAtLeast", "volumeAtLeast", "dependentsAtLeast",
    ]

    private func ruleValue(_ value: DeferredValue, _ section: Section, matching: [Check]) -> Double? {
        let units = Set(matching.compactMap { SignalUnit(ofLevelsOf: $0) ?? BuiltInChecks.unit(of: $0.signal) })
        guard units.count <= 1 else {
            section.report(value, "the row's checks have levels of different units; give each its own row")
            return nil
        }
        guard let unit = units.first, let level = unit.level(value, in: section) else { return nil }
        for check in matching where !BuiltInChecks.names.contains(check.name) {
            let isShort = check.direction == .above ? level < check.enter : level > check.enter
            guard isShort else { continue }
            let entered = "'\(check.direction.rawValue): \(unit.format(check.enter))'"
            section.report(
                value, "says nothing: the check '\(check.name)' opens only \(entered)", level: .warning)
        }
        return level
    }

    private func checkTable(_ file: Section, rules: [PlacedRule], checks: [ThresholdSettings.ConfiguredCheck]) {
        for (index, row) in rules.enumerated() {
            let above = rules[..<index].first {
                $0.isUnconditional && !row.names.isEmpty && row.names.isSubset(of: $0.names)
            }
            guard let above else { continue }
            file.report(
                at: row.origin, keyPath: "severity[\(index)]",
                "this row never applies: the row at line \(above.origin.line) has no conditions and comes first")
        }
        guard file.has("severity") else { return }
        for configured in checks
        where !rules.contains(where: { $0.isUnconditional && $0.names.contains(configured.check.name) }) {
            let name = configured.check.name
            file.report(
                at: configured.origins["signal"] ?? file.origin, keyPath: "checks.\(name)",
                "the severity table has no row without conditions for this check; some of its findings would have no severity"
            )
        }
    }

    // MARK: Overrides

    private func override(
        _ section: Section, checks: [ThresholdSettings.ConfiguredCheck]
    ) -> ThresholdSettings.Override {
        let subject = section.required(
            "subject", .glob,
            "Pattern over subjects: `NAMESPACE/KIND/NAME`, `postgresql/NAME`, `node/NAME`, `target/KIND/NAME`.")
        let changed = section.namedSections(
            "checks", isRequired: true, countMax: 500, nameDoc: "the name of a check above",
            "The checks with other values. The most specific override that names a check applies to it as a whole."
        ) { name, child -> ThresholdSettings.ConfiguredCheck? in
            let base = checks.first { $0.check.name == name }
            let fallback = Check(
                name: name, group: name, family: .fleet, title: name, signal: SignalName(rawValue: ""),
                direction: .above,
                enter: 0, leave: 0, holdFor: .zero, leaveFor: .zero)
            let reader = CheckReader(section: child, base: base?.check ?? fallback, isOverride: true, step: step)
            let result = reader.read(isEnabled: base?.isEnabled ?? true, origins: base?.origins ?? [:])
            return base == nil ? nil : result
        }
        var resulting: [String: ThresholdSettings.ConfiguredCheck] = [:]
        for (name, origin, value) in changed {
            if let value {
                resulting[name] = value
                checkReach(of: subject, value.check, at: origin, in: section)
            }
            guard value == nil, !checks.isEmpty else { continue }
            section.report(
                at: origin, keyPath: "\(section.keyPath).checks.\(name)", "there is no check of this name",
                suggestion: NearestName.of(name, among: checks.map(\.check.name)))
        }
        return ThresholdSettings.Override(subject: subject, origin: section.origin, checks: resulting)
    }
}

extension ThresholdDecoder {
    /// Warns of an override that no subject with the check's signal can match.
    private func checkReach(of pattern: Glob, _ check: Check, at place: Origin, in section: Section) {
        guard !pattern.pattern.isEmpty, let signal = SignalDescription.of(check.signal) else { return }
        let keyPath = "\(section.keyPath).checks.\(check.name)"
        if let right = WorkloadKind.respelled(pattern) {
            section.report(
                at: section.origin(of: "subject") ?? place, keyPath: "\(section.keyPath).subject",
                "matches nothing: the kind of a workload is written as Kubernetes does", suggestion: right,
                level: .warning)
        } else if Subject.Kind.matched(by: pattern).isDisjoint(with: signal.subjects) {
            let kinds = signal.subjects.map(\.rawValue).sorted().joined(separator: " or ")
            section.report(
                at: place, keyPath: keyPath,
                "matches nothing: '\(check.signal)' is a signal of a \(kinds), which '\(pattern.pattern)' is not",
                level: .warning)
        }
    }
}

/// A row of the severity table with what its decoding knew.
private struct PlacedRule {
    var rule: SeverityRule
    var origin: Origin
    var names: Set<String>
    var isUnconditional: Bool
}
