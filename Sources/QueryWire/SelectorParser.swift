/// Reads a selector's text.
struct SelectorParser {
    private let characters: [Character]
    private var position = 0

    init(_ text: String) {
        characters = Array(text)
    }

    mutating func parse() throws(QueryError) -> (String?, [SeriesSelector.Condition]) {
        skipSpace()
        let metric = name(colonAllowed: true)
        skipSpace()
        var conditions: [SeriesSelector.Condition] = []
        if take("{") {
            conditions = try parseConditions()
        }
        skipSpace()
        guard position == characters.count else { throw mistake("unexpected '\(characters[position])'") }
        guard metric != nil || conditions.contains(where: Self.narrows) else {
            throw QueryError(
                .invalidArgument, "a selector needs a metric name or a condition that does not hold for an absent label"
            )
        }
        return (metric, conditions)
    }

    /// Whether a condition can fail for a series without the label; of expressions only the plainest are told apart.
    private static func narrows(_ condition: SeriesSelector.Condition) -> Bool {
        switch condition.op {
        case .equal: !condition.value.isEmpty
        case .notEqual: condition.value.isEmpty
        case .matches: condition.value != ".*" && !condition.value.isEmpty
        case .notMatches: true
        }
    }

    private mutating func parseConditions() throws(QueryError) -> [SeriesSelector.Condition] {
        var conditions: [SeriesSelector.Condition] = []
        while true {
            skipSpace()
            if take("}") { return conditions }
            guard let label = name(colonAllowed: false) else { throw mistake("a label name or '}' is missing") }
            skipSpace()
            let op = try comparison()
            skipSpace()
            let condition = SeriesSelector.Condition(label, op, try string())
            guard conditions.count < SeriesSelector.conditionsMax else {
                throw mistake("more than \(SeriesSelector.conditionsMax) conditions")
            }
            conditions.append(condition)
            skipSpace()
            if take("}") { return conditions }
            guard take(",") else { throw mistake("',' or '}' is missing") }
        }
    }

    private mutating func comparison() throws(QueryError) -> SeriesSelector.Operator {
        if take("=") { return take("~") ? .matches : .equal }
        if take("!") {
            if take("=") { return .notEqual }
            if take("~") { return .notMatches }
        }
        throw mistake("one of = != =~ !~ is missing")
    }

    private mutating func string() throws(QueryError) -> String {
        let start = position
        guard let quote = peek(), quote == "\"" || quote == "'" else { throw mistake("a value in quotes is missing") }
        position += 1
        var value = ""
        while let character = peek() {
            position += 1
            if character == quote { return value }
            guard character == "\\" else {
                value.append(character)
                continue
            }
            switch peek() {
            case "\\"?, "\""?, "'"?: value.append(characters[position])
            case "n"?: value.append("\n")
            case "t"?: value.append("\t")
            default: throw mistake("unknown escape; \\\\ \\\" \\' \\n \\t are known, and a backslash is written \\\\")
            }
            position += 1
        }
        throw mistake("the quote is not closed", at: start)
    }

    private mutating func name(colonAllowed: Bool) -> String? {
        let start = position
        while let character = peek(), let byte = character.asciiValue {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            guard
                character.isLetter || character == "_" || (colonAllowed && character == ":")
                    || (isDigit && position > start)
            else {
                break
            }
            position += 1
        }
        return position > start ? String(characters[start..<position]) : nil
    }

    private func peek() -> Character? {
        position < characters.count ? characters[position] : nil
    }

    private mutating func take(_ character: Character) -> Bool {
        guard peek() == character else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let character = peek(), character.isWhitespace { position += 1 }
    }

    private func mistake(_ what: String, at column: Int? = nil) -> QueryError {
        QueryError(.invalidArgument, "selector, column \((column ?? position) + 1): \(what)")
    }
}
