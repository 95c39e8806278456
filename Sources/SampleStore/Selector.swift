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
/// An absent label equals the empty string. Expressions match whole values. The label `cluster` stands for the cluster
/// that the agent named, unless the series has a label of this name.
package struct Selector: Sendable {
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

    /// Whether a series of a cluster is named.
    package func matches(_ series: Series, cluster: String) -> Bool {
        matchers.allSatisfy { matcher in
            switch matcher.label {
            case Self.metricLabel: matcher.holds(for: series.metric)
            case "cluster": matcher.holds(for: series.labels["cluster"] ?? cluster)
            default: matcher.holds(for: series.labels[matcher.label] ?? "")
            }
        }
    }
}

/// Reads a selector from left to right.
struct SelectorParser {
    private let characters: [Character]
    private var index = 0

    init(_ text: String) {
        characters = Array(text)
    }

    mutating func parse() throws(SelectorError) -> [Selector.Matcher] {
        var matchers: [Selector.Matcher] = []
        skipSpace()
        if let name = name(allowingColon: true) {
            matchers.append(
                .init(label: Selector.metricLabel, comparison: .equal, value: name, expression: nil))
        }
        skipSpace()
        if peek == "{" {
            index += 1
            try parseMatchers(into: &matchers)
        }
        skipSpace()
        guard index == characters.count else { throw unexpected("a metric name or {") }
        guard !matchers.isEmpty else {
            throw fault("the selector names nothing; write a metric name or {label=\"value\"}")
        }
        return matchers
    }

    private mutating func parseMatchers(into matchers: inout [Selector.Matcher]) throws(SelectorError) {
        while true {
            skipSpace()
            if take("}") { return }
            guard matchers.count < Selector.matchersMax else {
                throw fault("more than \(Selector.matchersMax) conditions")
            }
            matchers.append(try matcher())
            skipSpace()
            if take(",") { continue }
            guard take("}") else { throw unexpected(", or }") }
            return
        }
    }

    private mutating func matcher() throws(SelectorError) -> Selector.Matcher {
        guard let label = name(allowingColon: false) else { throw unexpected("a label name") }
        skipSpace()
        let comparison: Selector.Matcher.Comparison
        switch (peek, peekNext) {
        case ("=", "~"): comparison = .matches
        case ("!", "~"): comparison = .matchesNot
        case ("!", "="): comparison = .notEqual
        case ("=", _): comparison = .equal
        default: throw unexpected("=, !=, =~ or !~")
        }
        index += comparison.rawValue.count
        skipSpace()
        let start = index
        let value = try string()
        var expression: LinearRegex?
        if comparison == .matches || comparison == .matchesNot {
            do {
                expression = try LinearRegex(value)
            } catch {
                throw SelectorError(column: start + 1, message: "in the expression: \(error)")
            }
        }
        return .init(label: label, comparison: comparison, value: value, expression: expression)
    }

    private mutating func string() throws(SelectorError) -> String {
        guard let quote = peek, quote == "\"" || quote == "'" || quote == "`" else {
            throw unexpected("a quoted value")
        }
        let start = index
        index += 1
        var value = ""
        while let character = peek {
            index += 1
            if character == quote { return value }
            guard character == "\\", quote != "`" else {
                value.append(character)
                continue
            }
            value.append(try escaped())
        }
        throw SelectorError(column: start + 1, message: "the quote is not closed")
    }

    private mutating func escaped() throws(SelectorError) -> Character {
        defer { index += 1 }
        switch peek {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "\\": return "\\"
        case "\"": return "\""
        case "'": return "'"
        default:
            throw SelectorError(
                column: index, message: "no such escape; write \\\\ for a backslash, or put the value in `…`")
        }
    }

    private mutating func name(allowingColon: Bool) -> String? {
        let start = index
        while let character = peek {
            let isLetter = character.isASCII && character.isLetter
            let isDigit = character.isASCII && character.isNumber
            guard isLetter || character == "_" || (allowingColon && character == ":") || (isDigit && index > start)
            else {
                break
            }
            index += 1
        }
        return index > start ? String(characters[start..<index]) : nil
    }

    private var peek: Character? { index < characters.count ? characters[index] : nil }
    private var peekNext: Character? { index + 1 < characters.count ? characters[index + 1] : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard peek == character else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let character = peek, character.isWhitespace { index += 1 }
    }

    private func fault(_ message: String) -> SelectorError {
        SelectorError(column: index + 1, message: message)
    }

    private func unexpected(_ wanted: String) -> SelectorError {
        fault(peek.map { "expected \(wanted), found \"\($0)\"" } ?? "expected \(wanted), found the end")
    }
}
