/// What an expression means.
indirect enum RegexNode {
    case empty
    case one(ScalarSet)
    case start
    case end
    case sequence([RegexNode])
    case either(RegexNode, RegexNode)
    /// At least, at most, or nil for any number; lazy ones take as few as they can where it matters what is captured.
    case repeated(RegexNode, Int, Int?, isLazy: Bool)
    /// What is captured under a name.
    case named(String, RegexNode)
}

/// Reads an expression; errors say where.
struct RegexParser {
    private static let depthMax = 50
    private static let repeatsMax = 1000

    private let scalars: [Unicode.Scalar]
    private let names: [String]
    private var index = 0
    private var depth = 0
    private var ignoresCase = false
    /// Names in the order of their groups.
    private(set) var usedNames: [String] = []

    /// Reads a pattern in which groups may have these names.
    init(_ pattern: String, names: [String] = []) {
        scalars = Array(pattern.unicodeScalars)
        self.names = names
    }

    mutating func parse() throws(RegexError) -> RegexNode {
        if scalars.starts(with: "(?i)".unicodeScalars) {
            index = 4
            ignoresCase = true
        }
        let node = try alternatives()
        guard index == scalars.count else { throw fault("a ) without its (") }
        return node
    }

    private mutating func alternatives() throws(RegexError) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("groups nest more than \(Self.depthMax) deep") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        // Balanced, so that many branches do not make a deep tree.
        while branches.count > 1 {
            var joined: [RegexNode] = []
            for start in stride(from: 0, to: branches.count, by: 2) {
                let isPair = start + 1 < branches.count
                joined.append(isPair ? .either(branches[start], branches[start + 1]) : branches[start])
            }
            branches = joined
        }
        return branches[0]
    }

    private mutating func sequence() throws(RegexError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let scalar = peek, scalar != "|", scalar != ")" {
            nodes.append(try repeated())
        }
        return nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func repeated() throws(RegexError) -> RegexNode {
        let node = try atom()
        guard let (least, most) = try bounds() else { return node }
        let isLazy = take("?")
        guard try bounds() == nil else { throw fault("a repetition of a repetition; put it into a group") }
        return .repeated(node, least, most, isLazy: isLazy)
    }

    private mutating func bounds() throws(RegexError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard peek == "{" else { return nil }
        index += 1
        guard let least = number() else { throw fault("expected a number after {; write \\{ for a brace") }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else { throw fault("expected }") }
        guard least <= Self.repeatsMax, most ?? least <= Self.repeatsMax, most ?? least >= least else {
            throw fault("bounds must rise and be at most \(Self.repeatsMax)")
        }
        return (least, most)
    }

    private mutating func atom() throws(RegexError) -> RegexNode {
        guard let scalar = peek else { throw fault("the expression ends too early") }
        index += 1
        switch scalar {
        case ".": return .one(.any)
        case "^": return .start
        case "$": return .end
        case "[": return .one(try characterClass())
        case "(": return try group()
        case "\\": return try escape()
        case "*", "+", "?", "{": throw fault("a repetition of nothing; write \\\(scalar) for the character")
        default: return .one(literal(scalar))
        }
    }

    private mutating func group() throws(RegexError) -> RegexNode {
        var name: String?
        if take("?"), !take(":") {
            _ = take("P")
            guard !names.isEmpty, take("<") else {
                let known = names.isEmpty ? "" : ", (?P<NAME>…)"
                throw fault("only (?:…)\(known) and a leading (?i) are known")
            }
            name = try groupName()
        }
        let node = try alternatives()
        guard take(")") else { throw fault("a ( without its )") }
        return name.map { .named($0, node) } ?? node
    }

    private mutating func groupName() throws(RegexError) -> String {
        var name = ""
        while let scalar = peek, scalar != ">", name.utf8.count < 64 {
            name.unicodeScalars.append(scalar)
            index += 1
        }
        guard take(">") else { throw fault("a name without its >") }
        guard names.contains(name) else {
            throw fault("a group named '\(name)'; the names are \(names.joined(separator: ", "))")
        }
        guard !usedNames.contains(name) else { throw fault("two groups named '\(name)'") }
        usedNames.append(name)
        return name
    }

    private mutating func escape() throws(RegexError) -> RegexNode {
        guard let scalar = peek else { throw fault("a backslash at the end") }
        index += 1
        if let set = Self.named(scalar) { return .one(set) }
        switch scalar {
        case "A": return .start
        case "z": return .end
        default: return .one(literal(try plain(scalar)))
        }
    }

    /// What an escape stands for inside and outside of a class; letters and digits that mean nothing are refused.
    private func plain(_ scalar: Unicode.Scalar) throws(RegexError) -> Unicode.Scalar {
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        default:
            guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw fault("no such escape: \\\(scalar)")
            }
            return scalar
        }
    }

    private mutating func characterClass() throws(RegexError) -> ScalarSet {
        var set = ScalarSet(ranges: [], isNegated: take("^"), ignoresCase: ignoresCase)
        var isFirst = true
        while let scalar = peek, scalar != "]" || isFirst {
            isFirst = false
            index += 1
            var low = scalar
            if scalar == "\\" {
                guard let escaped = peek else { throw fault("a backslash at the end") }
                index += 1
                if let named = Self.named(escaped) {
                    guard !named.isNegated else { throw fault("\\\(escaped) inside a class is not known") }
                    set.ranges += named.ranges
                    continue
                }
                low = try plain(escaped)
            }
            set.ranges.append(low.value...(try rangeEnd(from: low)).value)
        }
        guard take("]") else { throw fault("a [ without its ]") }
        return set
    }

    private mutating func rangeEnd(from low: Unicode.Scalar) throws(RegexError) -> Unicode.Scalar {
        guard peek == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else { return low }
        index += 1
        var high = scalars[index]
        index += 1
        if high == "\\" {
            guard let escaped = peek else { throw fault("a backslash at the end") }
            index += 1
            high = try plain(escaped)
        }
        guard low <= high else { throw fault("a range that falls") }
        return high
    }

    private static func named(_ scalar: Unicode.Scalar) -> ScalarSet? {
        let (set, isNegated): (ScalarSet, Bool)
        switch scalar {
        case "d": (set, isNegated) = (.digits, false)
        case "D": (set, isNegated) = (.digits, true)
        case "w": (set, isNegated) = (.wordCharacters, false)
        case "W": (set, isNegated) = (.wordCharacters, true)
        case "s": (set, isNegated) = (.spaces, false)
        case "S": (set, isNegated) = (.spaces, true)
        default: return nil
        }
        return ScalarSet(ranges: set.ranges, isNegated: isNegated)
    }

    private func literal(_ scalar: Unicode.Scalar) -> ScalarSet {
        ScalarSet(ranges: [scalar.value...scalar.value], ignoresCase: ignoresCase)
    }

    private mutating func number() -> Int? {
        var number: Int?
        while let scalar = peek, ("0"..."9").contains(scalar), number ?? 0 < 100_000 {
            number = (number ?? 0) * 10 + Int(scalar.value - 48)
            index += 1
        }
        return number
    }

    private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        index += 1
        return true
    }

    private func fault(_ message: String) -> RegexError {
        RegexError(description: "\(message) (at character \(index))")
    }
}
