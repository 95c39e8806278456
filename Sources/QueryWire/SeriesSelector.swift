/// Which series a query means: `name{label="v",label!="v",label=~"re",label!~"re"}`, in Prometheus' syntax.
///
/// The name may be left out when there is a condition that an absent label, which counts as "", may not satisfy. This
/// checks the form before a query is sent; what regular expressions mean is the coordinator's affair.
package struct SeriesSelector: Hashable, Sendable, CustomStringConvertible {
    /// Longest selector in UTF-8 bytes.
    package static let bytesMax = 4096
    /// Most conditions.
    package static let conditionsMax = 32

    /// How a label is compared.
    package enum Operator: String, Sendable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case notMatches = "!~"
    }

    /// One condition on a label.
    package struct Condition: Hashable, Sendable {
        /// The label's name.
        package var label: String
        /// How it is compared.
        package var op: Operator
        /// With what: a value or a regular expression.
        package var value: String

        /// Makes a condition.
        package init(_ label: String, _ op: Operator, _ value: String) {
            self.label = label
            self.op = op
            self.value = value
        }
    }

    /// The metric's name; nil: any.
    package var metric: String?
    /// What the labels must satisfy, all of it.
    package var conditions: [Condition]

    /// Reads a selector; throws `invalidArgument` with the column of the first mistake, counted from 1.
    package init(_ text: String) throws(QueryError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw QueryError(.invalidArgument, "a selector has at most \(Self.bytesMax) bytes")
        }
        var parser = SelectorParser(text)
        (metric, conditions) = try parser.parse()
    }

    package var description: String {
        let parts = conditions.map { "\($0.label)\($0.op.rawValue)\(Self.quoted($0.value))" }
        return (metric ?? "") + (parts.isEmpty ? "" : "{" + parts.joined(separator: ",") + "}")
    }

    private static func quoted(_ value: String) -> String {
        let escaped = value.map { character in
            switch character {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(character)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
