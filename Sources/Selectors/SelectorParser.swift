/// Reads a selector from left to right.
struct SelectorParser {
    private let characters: [Character]
    private var index = 0

    init(_ text: String) {
        characters = Array(text)
    }

    mutating func parse() throws(SelectorError) -> [SeriesSelector.Matcher] {
        var matchers: [SeriesSelector.Matcher] = []
        skipSpace()
        if let name = name(allowingColon: true) {
            matchers.append(
                .init(label: SeriesSelector.metricLabel, comparison: .equal, value: name, expression: nil))
        }
        skipSpace()
        if peek == "{" {
            index += 1
            try parseMatchers(into: &matchers)
        }
        skipSpace()
        guard index == characters.count else { throw unexpected("a metric name or {") }
        guard matchers.contains(where: { !$0.holds(for: "") }) else {
            throw SelectorError(
                column: 1,
                message: "the selector names everything; write a metric name or a condition such as label=\"value\"")
        }
        return matchers
    }

    private mutating func parseMatchers(into matchers: inout [SeriesSelector.Matcher]) throws(SelectorError) {
        while true {
            skipSpace()
            if take("}") { return }
            guard matchers.count < SeriesSelector.matchersMax else {
                throw fault("more than \(SeriesSelector.matchersMax) conditions")
            }
            matchers.append(try matcher())
            skipSpace()
            if take(",") { continue }
            guard take("}") else { throw unexpected(", or }") }
            return
        }
    }

    private mutating func matcher() throws(SelectorError) -> SeriesSelector.Matcher {
        guard let label = name(allowingColon: false) else { throw unexpected("a label name") }
        skipSpace()
        let comparison: SeriesSelector.Matcher.Comparison
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
