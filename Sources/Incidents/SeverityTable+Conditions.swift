import Detection
import Telemetry

extension SeverityRule {
    /// A condition of a rule.
    enum Condition: Hashable, Sendable {
        case value(Double)
        case scope(Double)
        case volume(Double)
        case dependents(Int)
        case duration(Duration)
    }

    /// The conditions that it has.
    var conditions: [Condition] {
        var conditions: [Condition] = []
        if let value { conditions.append(.value(value)) }
        if let scopeAtLeast { conditions.append(.scope(scopeAtLeast)) }
        if let volumeAtLeast { conditions.append(.volume(volumeAtLeast)) }
        if let dependentsAtLeast { conditions.append(.dependents(dependentsAtLeast)) }
        if let durationAtLeast { conditions.append(.duration(durationAtLeast)) }
        return conditions
    }
}

/// The numbers of a finding that conditions are held against.
struct SeverityFigures: Hashable, Sendable {
    var value: Double
    /// The check's bad direction.
    var direction: Check.Direction
    /// Share of the contributors in breach; 0 when nobody knows how many there are.
    var scope: Double
    var volume: Double
    var dependents: Int
    var lasted: Duration

    /// Whether a condition holds.
    func meet(_ condition: SeverityRule.Condition) -> Bool {
        switch condition {
        case .value(let level): direction == .above ? value >= level : value <= level
        case .scope(let least): scope >= least
        case .volume(let least): volume >= least
        case .dependents(let least): dependents >= least
        case .duration(let least): lasted >= least
        }
    }
}

/// The rules whose pattern a check's name matches, in their order and without their words: patterns are matched once
/// for each check, not for each finding.
struct CheckRules: Hashable, Sendable {
    /// One of them.
    struct Row: Hashable, Sendable {
        /// In the table's rules.
        var place: Int
        var family: Family?
        var severity: Severity
        var conditions: [SeverityRule.Condition]

        /// Whether it is about findings of a family.
        func isAbout(_ family: Family) -> Bool { self.family == nil || self.family == family }
    }

    var rows: [Row]
    /// The check's bad direction; nil for a check that is no longer configured.
    private var direction: Check.Direction?

    init(of check: String, direction: Check.Direction?, _ rules: [SeverityRule]) {
        self.direction = direction
        rows = rules.indices.filter { Glob.matches(rules[$0].check, check) }.map { place in
            Row(
                place: place, family: rules[place].family, severity: rules[place].severity,
                conditions: rules[place].conditions)
        }
    }

    /// The numbers of a finding of the check.
    func figures(of finding: Finding, dependents: Int) -> SeverityFigures {
        SeverityFigures(
            value: finding.value,
            // Of a check that is no longer configured, the side on which the finding lies.
            direction: direction ?? (finding.worstValue >= finding.threshold ? .above : .below),
            scope: finding.total > 0 ? Double(finding.affected) / Double(finding.total) : 0, volume: finding.volume,
            dependents: dependents, lasted: finding.at - finding.onsetAt)
    }
}
