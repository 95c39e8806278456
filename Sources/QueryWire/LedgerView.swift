import SwiftProtobuf
package import Telemetry
package import TocsinProto

/// One reason for an incident's level.
package struct LedgerView: Hashable, Sendable, Codable {
    /// One row of the severity table that is about the check.
    package struct Step: Hashable, Sendable, Codable {
        /// `FILE:LINE` of the row.
        package var rule: String
        /// The level that it gives.
        package var severity: String
        /// The row's reason.
        package var because: String
        /// Its conditions that did not hold; empty for the row that decided.
        package var unmet: [String]

        /// Makes a step.
        package init(rule: String, severity: String, because: String, unmet: [String] = []) {
            self.rule = rule
            self.severity = severity
            self.because = because
            self.unmet = unmet
        }
    }

    /// One number that the table saw.
    package struct Figure: Hashable, Sendable, Codable {
        /// What it is.
        package var name: String
        /// The number with its unit.
        package var text: String
        /// Selector of the samples it comes from; nil when it is of no series.
        package var selector: String?
        /// Time of the point that was judged; nil without a selector.
        package var at: Timestamp?

        /// Makes a figure.
        package init(name: String, text: String, selector: String? = nil, at: Timestamp? = nil) {
            self.name = name
            self.text = text
            self.selector = selector
            self.at = at
        }
    }

    /// What would give a worse level.
    package struct Alternative: Hashable, Sendable, Codable {
        /// The level.
        package var severity: String
        /// The conditions that are missing.
        package var conditions: [String]

        /// Makes an alternative.
        package init(severity: String, conditions: [String]) {
            self.severity = severity
            self.conditions = conditions
        }
    }

    /// The level that held before the breach had lasted long enough.
    package struct Until: Hashable, Sendable, Codable {
        /// The level.
        package var severity: String
        /// Until when.
        package var at: Timestamp
        /// How long the breach had then lasted.
        package var lasted: Duration

        /// Makes the end of a level.
        package init(severity: String, at: Timestamp, lasted: Duration) {
            self.severity = severity
            self.at = at
            self.lasted = lasted
        }
    }

    /// When.
    package var at: Timestamp
    /// The level given: "P1" to "P4".
    package var severity: String
    /// The check that was judged.
    package var check: String
    /// `FILE:LINE` of the rule.
    package var rule: String
    /// The rule's own reason.
    package var because: String
    /// The whole reason with its numbers, in one sentence.
    package var sentence: String
    /// What changed the level.
    package var cause: String?
    /// The level before; nil at the start of an episode.
    package var previous: String?
    /// Since when the level before had held.
    package var previousSince: Timestamp?
    /// The rows of the table, from the top down to the one that decided.
    package var steps: [Step] = []
    /// The numbers.
    package var figures: [Figure] = []
    /// What would be worse, the next level first.
    package var wouldBe: [Alternative] = []
    /// The level before the breach had lasted long enough.
    package var until: Until?

    /// Makes an entry without its parts.
    package init(at: Timestamp, severity: String, check: String, rule: String, because: String, sentence: String) {
        self.at = at
        self.severity = severity
        self.check = check
        self.rule = rule
        self.because = because
        self.sentence = sentence
    }
}

extension LedgerView {
    /// Reads the message; empty text means that there is none.
    package init(_ proto: Tocsin_V1_LedgerEntry) {
        self.init(
            at: Timestamp(millis: proto.atMillis), severity: proto.severity, check: proto.check, rule: proto.rule,
            because: proto.because, sentence: proto.sentence)
        cause = proto.cause.nilWhenEmpty
        previous = proto.previous.nilWhenEmpty
        previousSince = proto.hasPreviousSinceMillis ? Timestamp(millis: proto.previousSinceMillis) : nil
        steps = proto.steps.map {
            Step(rule: $0.rule, severity: $0.severity, because: $0.because, unmet: $0.unmet)
        }
        figures = proto.figures.map { figure in
            let selector = figure.selector.nilWhenEmpty
            return Figure(
                name: figure.name, text: figure.text, selector: selector,
                at: selector.map { _ in Timestamp(millis: figure.atMillis) })
        }
        wouldBe = proto.wouldBe.map { Alternative(severity: $0.severity, conditions: $0.conditions) }
        if proto.hasUntil {
            until = Until(
                severity: proto.until.severity, at: Timestamp(millis: proto.until.atMillis),
                lasted: .milliseconds(Int64(clamping: proto.until.lastedMillis)))
        }
    }

    /// The message.
    package var proto: Tocsin_V1_LedgerEntry {
        .with {
            $0.atMillis = at.millis
            $0.severity = severity
            $0.check = check
            $0.rule = rule
            $0.because = because
            $0.sentence = sentence
            $0.cause = cause ?? ""
            $0.previous = previous ?? ""
            if let previousSince { $0.previousSinceMillis = previousSince.millis }
            $0.steps = steps.map { step in
                .with {
                    $0.rule = step.rule
                    $0.severity = step.severity
                    $0.because = step.because
                    $0.unmet = step.unmet
                }
            }
            $0.figures = figures.map { figure in
                .with {
                    $0.name = figure.name
                    $0.text = figure.text
                    $0.selector = figure.selector ?? ""
                    $0.atMillis = figure.at?.millis ?? 0
                }
            }
            $0.wouldBe = wouldBe.map { alternative in
                .with {
                    $0.severity = alternative.severity
                    $0.conditions = alternative.conditions
                }
            }
            if let until {
                $0.until = .with {
                    $0.severity = until.severity
                    $0.atMillis = until.at.millis
                    $0.lastedMillis = UInt64(clamping: until.lasted.wholeMilliseconds)
                }
            }
        }
    }
}
