package import Telemetry

/// Where a selector is wrong.
package struct SelectorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Column of the fault, from 1, in characters.
    package var column: Int
    /// What is wrong, with what would be right where that is known.
    package var message: String

    package var description: String { "column \(column): \(message)" }
}

/// Names series as Prometheus does: `name{label="v",label!="v",label=~"re",label!~"re"}`, or `{…}` without a name.
///
/// An absent label equals the empty string; without a name there must be a condition that an absent label does not
/// satisfy, so that nobody asks for everything by mistake. Expressions match whole values. The label `cluster` stands
/// for the cluster that the agent named, unless the series has a label of this name.
package struct SeriesSelector: Sendable {
    /// One condition.
    package struct Matcher: Sendable {
        /// How the value is compared.
        package enum Comparison: String, Sendable, CaseIterable {
            case equal = "="
            case notEqual = "!="
            case matches = "=~"
            case matchesNot = "!~"
        }

        /// The label's name; `__name__` is the metric.
        package var label: String
        /// How it is compared.
        package var comparison: Comparison
        /// The value or the expression.
        package var value: String
        let expression: LinearRegex?

        func holds(for text: String) -> Bool {
            switch comparison {
            case .equal: text == value
            case .notEqual: text != value
            case .matches: expression?.matchesWhole(text) == true
            case .matchesNot: expression?.matchesWhole(text) == false
            }
        }
    }

    /// Longest selector, in bytes.
    package static let bytesMax = 4096
    /// Most conditions.
    package static let matchersMax = 32
    /// Name that stands for the metric.
    package static let metricLabel = "__name__"
    /// Name that stands for the agent's cluster.
    package static let clusterLabel = "cluster"

    /// The conditions; all must hold.
    package let matchers: [Matcher]

    /// Reads a selector; throws with the column of the first fault.
    package init(_ text: String) throws(SelectorError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw SelectorError(column: 1, message: "the selector is longer than \(Self.bytesMax) bytes")
        }
        var parser = SelectorParser(text)
        matchers = try parser.parse()
    }

    /// Whether a series of this metric can be named at all.
    package func mayMatch(metric: String) -> Bool {
        matchers.allSatisfy { $0.label != Self.metricLabel || $0.holds(for: metric) }
    }

    /// Whether a series of a cluster is named.
    package func matches(_ series: Series, cluster: String) -> Bool {
        matchers.allSatisfy { matcher in
            switch matcher.label {
            case Self.metricLabel: matcher.holds(for: series.metric)
            case Self.clusterLabel: matcher.holds(for: series.labels["cluster"] ?? cluster)
            default: matcher.holds(for: series.labels[matcher.label] ?? "")
            }
        }
    }
}
