/// A Swift file, with a copy in which comments are spaces and literals are nothing but quotes.
struct SwiftText {
    /// Path from the root of the repository.
    let path: String
    /// The lines as they are.
    let lines: [String]
    /// The lines without comments and with a quote for each character of a literal; of the same lengths.
    let code: [String]

    init(path: String, _ text: String) {
        self.path = path
        var blanker = Blanker(Array(text.unicodeScalars))
        lines = Self.lines(Array(text.unicodeScalars))
        code = Self.lines(blanker.blanked())
    }

    private static func lines(_ scalars: [Unicode.Scalar]) -> [String] {
        scalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: line)
            return String(text)
        }
    }

    func violation(_ index: Int, _ reason: String) -> Violation {
        Violation(path: path, line: index + 1, reason: reason)
    }
}

/// Replaces comments by spaces and literals by quotes.
///
/// Nested comments, raw and multi-line strings and interpolations are followed.
private struct Blanker {
    private let source: [Unicode.Scalar]
    private var output: [Unicode.Scalar]
    private var position = 0

    init(_ source: [Unicode.Scalar]) {
        self.source = source
        output = source
    }

    mutating func blanked() -> [Unicode.Scalar] {
        while position < source.count { step() }
        return output
    }

    private mutating func step() {
        guard "/\"#".unicodeScalars.contains(source[position]) else {
            position += 1
            return
        }
        if matches("//") {
            while position < source.count, source[position] != "\n" { blank() }
        } else if matches("/*") {
            blockComment()
        } else if let hashes = stringStart() {
            string(hashes: hashes)
        } else {
            position += 1
        }
    }

    private func matches(_ text: String, at offset: Int = 0) -> Bool {
        let wanted = Array(text.unicodeScalars)
        let start = position + offset
        return start + wanted.count <= source.count && Array(source[start..<start + wanted.count]) == wanted
    }

    private mutating func blank(_ count: Int = 1, as filler: Unicode.Scalar = " ") {
        for _ in 0..<count where position < source.count {
            if source[position] != "\n" { output[position] = filler }
            position += 1
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if matches("/*") {
                depth += 1
                blank(2)
            } else if matches("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < source.count
    }

    /// The number of `#` before a quote that starts here; nil when no string starts here.
    private func stringStart() -> Int? {
        var hashes = 0
        while position + hashes < source.count, source[position + hashes] == "#" { hashes += 1 }
        guard matches("\"", at: hashes) else { return nil }
        return hashes
    }

    private mutating func string(hashes: Int) {
        blank(hashes, as: "\"")
        let isLong = matches("\"\"\"")
        let quote = isLong ? "\"\"\"" : "\""
        let marks = String(repeating: "#", count: hashes)
        blank(quote.count, as: "\"")
        while position < source.count {
            if matches(quote + marks) {
                blank(quote.count + hashes, as: "\"")
                return
            }
            if matches("\\" + marks + "(") {
                blank(hashes + 2, as: "\"")
                interpolation()
            } else if matches("\\" + marks) {
                blank(hashes + 2, as: "\"")
            } else if source[position] == "\n", !isLong {
                return
            } else {
                blank(as: "\"")
            }
        }
    }

    /// The code of an interpolation stays, up to the parenthesis that closes it.
    private mutating func interpolation() {
        var depth = 1
        while position < source.count, depth > 0 {
            if source[position] == "(" { depth += 1 }
            if source[position] == ")" { depth -= 1 }
            if depth == 0 { blank(as: "\"") } else { step() }
        }
    }
}
