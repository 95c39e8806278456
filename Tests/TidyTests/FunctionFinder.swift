/// Finds functions, initialisers and subscripts with bodies, and how long they are.
struct FunctionFinder {
    struct Function {
        /// Index of the line where the declaration starts.
        var start: Int
        /// Lines from the declaration to the closing brace, both counted.
        var lines: Int
    }

    private let scalars: [Unicode.Scalar]

    init(_ file: SwiftText) {
        scalars = Array(file.code.joined(separator: "\n").unicodeScalars)
    }

    var functions: [Function] {
        var found: [Function] = []
        var line = 0
        for position in scalars.indices {
            if scalars[position] == "\n" { line += 1 }
            guard startsDeclaration(position), let open = bodyStart(after: position), let close = partner(of: open)
            else { continue }
            let length = scalars[position...close].count { $0 == "\n" } + 1
            found.append(Function(start: line, lines: length))
        }
        return found
    }

    private func startsDeclaration(_ position: Int) -> Bool {
        guard "fids".unicodeScalars.contains(scalars[position]) else { return false }
        for word in ["func", "init", "deinit", "subscript"] where matches(word, position) {
            let before = position == 0 ? " " : scalars[position - 1]
            let after = position + word.count < scalars.count ? scalars[position + word.count] : " "
            guard !isWord(before), before != ".", before != "`", before != "\\" else { continue }
            return word == "func" || word == "deinit" ? after == " " : "(<?".unicodeScalars.contains(after)
        }
        return false
    }

    private func matches(_ word: String, _ position: Int) -> Bool {
        let wanted = Array(word.unicodeScalars)
        return position + wanted.count <= scalars.count && Array(scalars[position..<position + wanted.count]) == wanted
    }

    private func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar)
    }

    /// The brace that opens the body; nil when the declaration ends without one, as in a protocol.
    private func bodyStart(after position: Int) -> Int? {
        var depth = 0
        var index = position
        while index < scalars.count {
            let scalar = scalars[index]
            if "([".unicodeScalars.contains(scalar) { depth += 1 }
            if ")]".unicodeScalars.contains(scalar) { depth -= 1 }
            if depth < 0 || (depth == 0 && scalar == "}") { return nil }
            if depth == 0, scalar == "{" { return index }
            if depth == 0, scalar == "\n", !continues(at: index) { return nil }
            index += 1
        }
        return nil
    }

    /// Whether the line after a newline goes on with the same declaration.
    private func continues(at newline: Int) -> Bool {
        let rest = scalars[(newline + 1)...].drop { $0 == " " || $0 == "\n" }
        let word = String(String.UnicodeScalarView(rest.prefix { $0 != " " && $0 != "(" }))
        return word.hasPrefix("->") || word.hasPrefix("{") || ["where", "throws", "async", "rethrows"].contains(word)
    }

    private func partner(of open: Int) -> Int? {
        var depth = 0
        for index in open..<scalars.count {
            if scalars[index] == "{" { depth += 1 }
            if scalars[index] == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
