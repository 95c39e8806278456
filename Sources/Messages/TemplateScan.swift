import Runbook

/// Reads the tags of a template that parses, and says which of them will print nothing.
///
/// Mustache renders a name that it does not know as nothing at all, which a message to customers must not find out.
struct TemplateScan {
    private let file: String
    private let names: TemplateNames
    /// Names inside of each section that is open.
    private var scopes: [Set<String>] = []
    private(set) var problems: [TemplateProblem] = []

    private struct Place {
        var line: Int
        var column: Int
    }

    /// Scans the text of a file.
    init(_ text: String, file: String, names: TemplateNames) {
        self.file = file
        self.names = names
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            scan(line, number: index + 1)
        }
    }

    /// Tags do not cross lines: one that does is no name that anybody knows.
    private mutating func scan(_ line: Substring, number: Int) {
        var rest = line
        while let start = rest.firstRange(of: "{{") {
            let column = line.unicodeScalars.distance(from: line.startIndex, to: start.lowerBound) + 1
            rest = rest[start.upperBound...]
            let end = rest.firstRange(of: "}}")
            let tag = end.map { rest[..<$0.lowerBound] } ?? rest
            rest = end.map { rest[$0.upperBound...] } ?? ""
            take(tag, Place(line: number, column: column))
        }
    }

    private mutating func take(_ tag: Substring, _ place: Place) {
        guard let sign = tag.first else { return }
        let name = Self.name(tag.drop { "#^/&{".contains($0) })
        switch sign {
        case "!": break
        case "/": _ = scopes.popLast()
        case "#", "^":
            let isKnown = names.texts.contains(name) || names.rows[name] != nil || isInside(name)
            if !isKnown { report(name, "there is nothing of this name", place, sections: true) }
            scopes.append(sign == "^" ? [] : names.rows[name] ?? ["."])
        case ">", "<", "$", "*": report(String(tag), "a message has no parts in other files", place)
        case "=": report(String(tag), "tags are written in {{ and }}", place)
        case "%": report(String(tag), "the form of the text is not for a template to say", place)
        default:
            if names.texts.contains(name) || isInside(name) { return }
            if names.rows[name] != nil {
                report(name, "it is a list: {{#\(name)}} … {{/\(name)}}", place)
            } else {
                report(name, "there is nothing of this name", place)
            }
        }
    }

    private func isInside(_ name: String) -> Bool { scopes.contains { $0.contains(name) } }

    private mutating func report(_ name: String, _ reason: String, _ place: Place, sections: Bool = false) {
        let inside = scopes.reduce(into: Set<String>()) { $0.formUnion($1) }
        let known = names.texts.union(inside).union(sections ? Set(names.rows.keys) : [])
        problems.append(
            TemplateProblem(
                file: file, line: place.line, column: place.column, tag: name, reason: reason,
                known: known.subtracting(["."]).sorted()))
    }

    /// The name within transforms: `uppercased(title)` is `title`.
    private static func name(_ tag: Substring) -> String {
        let inner = tag.split(separator: "(").last.map { $0.prefix { $0 != ")" } } ?? tag
        return String(inner.filter { !$0.isWhitespace })
    }
}
