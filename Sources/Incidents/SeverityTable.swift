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
    /// What each check asks of the rules, by its name: each further point of a breach asks for its level.
    private let asked: [String: CheckRules]

    /// Makes a table.
    package init(rules: [SeverityRule], checks: [Check], fallback: Severity = .p3) {
        self.rules = rules
        self.fallback = fallback
        let named = Dictionary(checks.map { ($0.name, $0) }) { first, _ in first }
        self.checks = named
        asked = named.mapValues { CheckRules(of: $0.name, direction: $0.direction, rules) }
    }

    /// The level of a finding, with the reasoning.
    ///
    /// - Parameter dependents: how many workloads depend on the finding's subject.
    package func assess(_ finding: Finding, dependents: Int = 0) -> SeverityAssessment {
        let own = rules(about: finding)
        let matching = own.rows.filter { $0.isAbout(finding.family) }.map { rules[$0.place] }
        let view = View(finding: finding, figures: own.figures(of: finding, dependents: dependents))
        let hitIndex = matching.firstIndex { missing($0, view).isEmpty }
        let hit = hitIndex.map { matching[$0] }
        let severity = capped(hit?.severity ?? fallback, finding)
        let because = hit?.because ?? "no rule of the severity table matches"
        let origin = hit?.origin ?? "default"
        // Only rules above the one that matched could have won.
        let above = matching[..<(hitIndex ?? matching.endIndex)]
        let reasoning = SeverityReasoning(
            steps: steps(above, hit: hit, view), figures: figures(view),
            wouldBe: alternatives(above, worseThan: severity, view), until: until(hit, matching, view))
        var sentence = "\(severity) because \(because) (\(origin)): " + sentence(reasoning, view)
        if let level = hit?.severity, level > severity {
            sentence += "; not \(level), since what is usual was learned, not configured"
        }
        return SeverityAssessment(
            severity: severity, check: finding.check, origin: origin, because: because, sentence: sentence,
            reasoning: reasoning)
    }

    /// A level that was learned alone pages nobody out of bed: a threshold or a second family must agree.
    private func capped(_ severity: Severity, _ finding: Finding) -> Severity {
        finding.isAdaptive ? min(severity, .p3) : severity
    }

    /// The level alone, as `assess` gives it, at a fraction of the cost: what each further point of a breach asks for.
    package func level(of finding: Finding, dependents: Int = 0) -> Severity {
        let own = rules(about: finding)
        let figures = own.figures(of: finding, dependents: dependents)
        for row in own.rows where row.isAbout(finding.family) && row.conditions.allSatisfy(figures.meet) {
            return capped(row.severity, finding)
        }
        return capped(fallback, finding)
    }

    /// What the rules look at.
    private struct View {
        var finding: Finding
        var figures: SeverityFigures
    }

    private func rules(about finding: Finding) -> CheckRules {
        asked[finding.check] ?? CheckRules(of: finding.check, direction: nil, rules)
    }

    private func steps(_ above: ArraySlice<SeverityRule>, hit: SeverityRule?, _ view: View) -> [SeverityReasoning.Step]
    {
        (above + (hit.map { [$0] } ?? [])).suffix(SeverityReasoning.stepsMax).map { rule in
            SeverityReasoning.Step(
                origin: rule.origin, severity: rule.severity, because: rule.because, unmet: unmet(rule, view))
        }
    }

    /// For each worse level: of the rules that give it, the one with the fewest conditions missing.
    private func alternatives(
        _ above: ArraySlice<SeverityRule>, worseThan severity: Severity, _ view: View
    ) -> [SeverityReasoning.Alternative] {
        Severity.allCases.sorted().filter { $0 > severity && $0 == capped($0, view.finding) }.compactMap { level in
            above.lazy.filter { $0.severity == level }.map { missing($0, view) }.min { $0.count < $1.count }
                .map { .init(severity: level, conditions: $0.map { words($0, view) }) }
        }
    }

    /// The level just before the rule's duration had passed, when it is another one.
    private func until(_ hit: SeverityRule?, _ matching: [SeverityRule], _ view: View) -> SeverityReasoning.Until? {
        guard let duration = hit?.durationAtLeast, duration > .zero else { return nil }
        var before = view
        before.figures.lasted = duration - .milliseconds(1)
        let level = capped(matching.first { missing($0, before).isEmpty }?.severity ?? fallback, view.finding)
        guard level != hit?.severity else { return nil }
        return SeverityReasoning.Until(severity: level, at: view.finding.onsetAt + duration, lasted: duration)
    }

    private func sentence(_ reasoning: SeverityReasoning, _ view: View) -> String {
        var sentence = facts(view)
        if !reasoning.wouldBe.isEmpty {
            let levels = reasoning.wouldBe.map { "\($0.severity) if \($0.conditions.joined(separator: " and "))" }
            sentence += "; would be " + levels.joined(separator: ", ")
        }
        if let until = reasoning.until {
            sentence += "; would have been \(until.severity) until it had lasted \(PlainText.duration(until.lasted))"
        }
        return sentence
    }

    /// The rule's conditions that do not hold; empty when the rule matches.
    private func missing(_ rule: SeverityRule, _ view: View) -> [SeverityRule.Condition] {
        rule.conditions.filter { !view.figures.meet($0) }
    }

    private func unmet(_ rule: SeverityRule, _ view: View) -> [String] {
        missing(rule, view).map { words($0, view) }
    }

    private func words(_ condition: SeverityRule.Condition, _ view: View) -> String {
        switch condition {
        case .value(let level):
            let bound = view.figures.direction == .above ? "at least" : "at most"
            return "\(bound) \(PlainText.value(level, of: signal(of: view.finding)))"
        case .scope(let share):
            return "at least \(PlainText.number(share * 100)) % of \(Self.parts(of: view.finding)) are affected"
        case .volume(let volume): return "the volume is at least \(PlainText.number(volume))"
        case .dependents(let count): return "at least \(count) workloads depend on it"
        case .duration(let duration): return "for \(PlainText.duration(duration))"
        }
    }

    /// What the finding's value is: the signal, or the measure of it.
    private func signal(of finding: Finding) -> SignalName? { checks[finding.check]?.valueSignal }

    private func facts(_ view: View) -> String {
        let finding = view.finding
        let signal = signal(of: finding)
        var facts = ["\(PlainText.signal(signal)) \(PlainText.value(finding.value, of: signal))"]
        if finding.total > 1 || finding.subject.kind == .workload {
            facts.append("\(finding.affected) of \(finding.total) \(Self.parts(of: finding))")
        }
        if view.figures.dependents > 0 { facts.append("\(view.figures.dependents) workloads depend on it") }
        facts.append("for \(PlainText.duration(view.figures.lasted))")
        return facts.joined(separator: ", ")
    }

    /// The numbers with where they come from: the value, the scope, and what the worst contributors had.
    private func figures(_ view: View) -> [SeverityReasoning.Figure] {
        let finding = view.finding
        let signal = signal(of: finding)
        func source(_ contributor: String? = nil) -> SampleReference? {
            checks[finding.check]?.signal.selector(of: finding.subject, contributor: contributor)
                .map { SampleReference(selector: $0, at: finding.at) }
        }
        var figures = [
            SeverityReasoning.Figure(
                name: PlainText.signal(signal), text: PlainText.value(finding.value, of: signal), source: source()),
            .init(name: "worst since onset", text: PlainText.value(finding.worstValue, of: signal), source: source()),
            .init(name: "judged against", text: PlainText.value(finding.threshold, of: signal)),
            .init(name: "lasted", text: PlainText.duration(view.figures.lasted)),
        ]
        if finding.total > 0 {
            figures.append(.init(name: Self.parts(of: finding), text: "\(finding.affected) of \(finding.total)"))
        }
        if finding.volume > 0 { figures.append(.init(name: "volume", text: PlainText.number(finding.volume))) }
        if view.figures.dependents > 0 { figures.append(.init(name: "dependents", text: "\(view.figures.dependents)")) }
        figures += finding.contributors.prefix(Self.contributorsMax).map {
            .init(
                name: $0.contributor, text: PlainText.value($0.value, of: signal), source: source($0.contributor))
        }
        return figures
    }

    /// Contributors in a ledger entry: what a finding carries at most.
    private static let contributorsMax = 8

    private static func parts(of finding: Finding) -> String {
        if finding.contributors.contains(where: { $0.contributor.contains("/") }) { return "containers" }
        return finding.subject.kind == .workload ? "pods" : "parts"
    }
}
