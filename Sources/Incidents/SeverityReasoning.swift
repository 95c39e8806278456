package import Telemetry

/// How the severity table came to a level: the rows it went past, the numbers it saw, and what would change it.
package struct SeverityReasoning: Hashable, Sendable, Codable {
    /// One row that is about the check.
    package struct Step: Hashable, Sendable, Codable {
        /// `FILE:LINE` of the row.
        package var origin: String
        /// The level that it gives.
        package var severity: Severity
        /// The row's reason.
        package var because: String
        /// The conditions that did not hold, in words; empty for the row that decided.
        package var unmet: [String]
    }

    /// A number that the table saw.
    package struct Figure: Hashable, Sendable, Codable {
        /// What it is, such as `error ratio` or a pod's name.
        package var name: String
        /// The number with its unit.
        package var text: String
        /// Where it comes from; nil when it is not of a series.
        package var source: SampleReference?

        /// Makes a figure.
        package init(name: String, text: String, source: SampleReference? = nil) {
            self.name = name
            self.text = text
            self.source = source
        }
    }

    /// What would give a worse level.
    package struct Alternative: Hashable, Sendable, Codable {
        /// The level.
        package var severity: Severity
        /// The conditions of the row that are missing, in words.
        package var conditions: [String]
    }

    /// The level that held before the breach had lasted long enough for this one.
    package struct Until: Hashable, Sendable, Codable {
        /// The level.
        package var severity: Severity
        /// Until when.
        package var at: Timestamp
        /// How long the breach had then lasted.
        package var lasted: Duration
    }

    /// Most rows that are kept: those nearest to the one that decided.
    package static let stepsMax = 16

    /// The rows about the check from the top down to the one that decided; without that one when none did.
    package var steps: [Step]
    /// The numbers.
    package var figures: [Figure]
    /// For each worse level that the table can still give: the nearest row, the next level first.
    package var wouldBe: [Alternative]
    /// The level before the breach had lasted; nil when the row that decided asks for no duration.
    package var until: Until?
}

/// Names stored samples so that they can be looked up: `tocsin query SELECTOR`.
package struct SampleReference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Selector of the series, such as `pg_up{instance="orders"}`.
    package var selector: String
    /// Time of the point that was judged.
    package var at: Timestamp

    /// Names the samples of a selector at a time.
    package init(selector: String, at: Timestamp) {
        self.selector = selector
        self.at = at
    }

    package var description: String { selector }
}
