package import Telemetry

/// What the severity table says of one finding.
package struct SeverityAssessment: Hashable, Sendable, Codable {
    /// The level.
    package var severity: Severity
    /// The check whose finding was judged.
    package var check: String
    /// `FILE:LINE` of the rule, or `default` when no rule matched.
    package var origin: String
    /// The rule's reason.
    package var because: String
    /// The whole reasoning with numbers, and what would make it worse.
    package var sentence: String
    /// The reasoning in parts; nil in events that were written before it was kept.
    package var reasoning: SeverityReasoning?

    /// Makes an assessment.
    package init(
        severity: Severity, check: String, origin: String, because: String, sentence: String,
        reasoning: SeverityReasoning? = nil
    ) {
        self.severity = severity
        self.check = check
        self.origin = origin
        self.because = because
        self.sentence = sentence
        self.reasoning = reasoning
    }
}

/// Why an incident has the level it has, from this time on.
package struct LedgerEntry: Hashable, Sendable, Codable {
    /// When the level was given.
    package var at: Timestamp
    /// The level.
    package var severity: Severity
    /// The check whose finding decided.
    package var check: String
    /// `FILE:LINE` of the rule.
    package var rule: String
    /// The rule's reason.
    package var because: String
    /// The whole reasoning with numbers.
    package var sentence: String
    /// The level before; nil at the start of an episode.
    package var previous: Severity?
    /// Since when the level before had held; nil at the start of an episode.
    package var previousSince: Timestamp?
    /// What changed the level, in words; nil in events that were written before it was kept.
    package var cause: String?
    /// The reasoning in parts; nil in events that were written before it was kept.
    package var reasoning: SeverityReasoning?

    /// Makes an entry that tells no cause.
    package init(
        at: Timestamp, severity: Severity, check: String, rule: String, because: String, sentence: String
    ) {
        self.at = at
        self.severity = severity
        self.check = check
        self.rule = rule
        self.because = because
        self.sentence = sentence
    }

    /// The entry that gives an assessment's own level.
    init(at: Timestamp, _ assessment: SeverityAssessment) {
        self.init(
            at: at, severity: assessment.severity, check: assessment.check, rule: assessment.origin,
            because: assessment.because, sentence: assessment.sentence)
        reasoning = assessment.reasoning
    }
}
