/// A regular expression that is looked for inside of texts and says what its named groups matched.
///
/// The syntax is that of selectors with `(?P<NAME>…)`, also written `(?<NAME>…)`, and lazy repetitions. Of several
/// matches the leftmost is taken, and of those the one that Perl's rules prefer. Time is bounded by text × expression
/// whatever both are: all ways through it are followed at once (R. Pike's machine, in R. Cox, "Regular Expression
/// Matching: the Virtual Machine Approach", 2009).
package struct CapturePattern: Hashable, Sendable, CustomStringConvertible {
    /// What was found in a text.
    package enum Found: Hashable, Sendable {
        /// No match.
        case nothing
        /// A match: by the place of a group's name in `names`, what it matched; nil when the match passed it by.
        case groups([Range<Int>?])
        /// The work that was allowed was done before that was known.
        case exhausted
    }

    /// Longest expression, in bytes.
    package static let patternBytesMax = 512
    /// Most instructions it may come to.
    package static let instructionsMax = 1024
    /// Fewest bytes of `literal`.
    package static let literalBytesMin = 3

    /// The expression.
    package let description: String
    /// Names that groups may have.
    package let names: [String]
    /// Those of them that groups have.
    package let usedNames: [String]
    /// Text that stands in every match, so that most texts need no closer look; empty for none.
    package let literal: String
    private let code: [CaptureCode]
    private let sets: [ScalarSet]

    /// Reads an expression whose groups may have these names; throws when it is wrong or too long.
    ///
    /// - Parameter rarity: how rarely a text that is searched has such a run of characters: of those that stand in
    ///   every match the one with the highest value becomes `literal`.
    package init(
        _ pattern: String, names: [String], rarity: (String) -> Int = \.utf8.count
    ) throws(SearchPattern.SyntaxError) {
        guard pattern.utf8.count <= Self.patternBytesMax else {
            throw SearchPattern.SyntaxError(description: "it is longer than \(Self.patternBytesMax) bytes")
        }
        var parser = RegexParser(pattern, names: names)
        var compiler = RegexCompiler(names: names)
        let tree: RegexNode
        do throws(RegexError) {
            tree = try parser.parse()
            try compiler.compile(tree)
        } catch {
            throw SearchPattern.SyntaxError(description: error.description)
        }
        guard compiler.program.count < Self.instructionsMax else {
            throw SearchPattern.SyntaxError(description: "it repeats too much")
        }
        var sets: [ScalarSet] = []
        code = (compiler.program + [.match]).map { CaptureCode($0, sets: &sets) }
        self.sets = sets
        var runs = LiteralRuns()
        runs.take(tree)
        literal = runs.finish().filter { $0.utf8.count >= Self.literalBytesMin }.max { rarity($0) < rarity($1) } ?? ""
        description = pattern
        self.names = names
        usedNames = parser.usedNames
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.description == right.description && left.names == right.names
    }

    /// By the text and the names, as equality is.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(description)
        hasher.combine(names)
    }

    /// The first match in a text; indices of `text`.
    ///
    /// - Parameters:
    ///   - isWhole: whether the text's end is an end to `$`, rather than where it was cut off.
    ///   - steps: how much may still be done, a step being one instruction at one character; lessened by what was done.
    package func first(in text: [Unicode.Scalar], isWhole: Bool = true, steps: inout Int) -> Found {
        var search = CaptureSearch(code, sets, slots: 2 * names.count, end: isWhole ? text.count : nil)
        guard let slots = search.first(in: text, steps: &steps) else { return steps > 0 ? .nothing : .exhausted }
        return .groups(
            names.indices.map { group in
                let (start, end) = (slots[2 * group], slots[2 * group + 1])
                return start >= 0 && end >= start ? start..<end : nil
            })
    }
}

/// An instruction as the search has it: plain numbers, so that a step costs no count of references.
private struct CaptureCode: Sendable {
    enum Kind: Sendable { case one, split, jump, save, start, end, match }

    var kind: Kind
    /// The set's number, the preferred way, the target, or the slot.
    var first = 0
    /// The other way.
    var second = 0
    /// The ASCII characters of a set, a bit each.
    var ascii: (low: UInt64, high: UInt64) = (0, 0)

    init(_ instruction: LinearRegex.Instruction, sets: inout [ScalarSet]) {
        switch instruction {
        case .one(let set):
            kind = .one
            first = sets.count
            for value in 0..<128 as Range<UInt32> {
                guard let scalar = Unicode.Scalar(value), set.contains(scalar) else { continue }
                if value < 64 { ascii.low |= 1 << UInt64(value) } else { ascii.high |= 1 << UInt64(value - 64) }
            }
            sets.append(set)
        case .split(let preferred, let other): (kind, first, second) = (.split, preferred, other)
        case .jump(let target): (kind, first) = (.jump, target)
        case .save(let slot): (kind, first) = (.save, slot)
        case .start: kind = .start
        case .end: kind = .end
        case .match: kind = .match
        }
    }

    func has(_ scalar: Unicode.Scalar, _ sets: [ScalarSet]) -> Bool {
        let value = scalar.value
        if value < 64 { return ascii.low >> UInt64(value) & 1 == 1 }
        if value < 128 { return ascii.high >> UInt64(value - 64) & 1 == 1 }
        return sets[first].contains(scalar)
    }
}

/// Follows all states at once, in the order of preference, each with what it captured.
private struct CaptureSearch {
    /// States in the order of preference; by state, its slots.
    private struct Threads {
        var members: [Int] = []
        var isMember: [Bool]
        var seen: [Int] = []
        var slots: [Int]

        init(_ states: Int, _ width: Int) {
            isMember = Array(repeating: false, count: states)
            slots = Array(repeating: -1, count: states * width)
        }

        mutating func clear() {
            members.removeAll(keepingCapacity: true)
            for state in seen { isMember[state] = false }
            seen.removeAll(keepingCapacity: true)
        }
    }

    private let code: [CaptureCode]
    private let sets: [ScalarSet]
    private let width: Int
    /// Where the text ends; nil where it was cut off.
    private let end: Int?
    /// The slots of the thread at hand.
    private var current: [Int]
    /// States that are still to be added; or the complement of a slot, above what it held before a state noted its
    /// place there.
    private var pending: [Int] = []

    init(_ code: [CaptureCode], _ sets: [ScalarSet], slots: Int, end: Int?) {
        self.code = code
        self.sets = sets
        width = slots
        self.end = end
        current = Array(repeating: -1, count: slots)
    }

    /// The slots of the first match; nil when there is none, or when the steps ran out.
    mutating func first(in text: [Unicode.Scalar], steps: inout Int) -> [Int]? {
        var threads = Threads(code.count, width)
        var next = threads
        var best: [Int]?
        let isAnchored = code[0].kind == .start
        for index in 0...text.count {
            guard steps > 0 else { return nil }
            if best == nil, index == 0 || !isAnchored {
                for slot in current.indices { current[slot] = -1 }
                add(0, to: &threads, at: index, &steps)
            }
            if threads.members.isEmpty, best != nil || isAnchored { return best }
            steps -= 1
            advancing: for state in threads.members {
                switch code[state].kind {
                case .match:
                    // Whatever comes later is preferred less.
                    best = Array(threads.slots[state * width..<(state + 1) * width])
                    break advancing
                case .one where index < text.count && code[state].has(text[index], sets):
                    for slot in 0..<width { current[slot] = threads.slots[state * width + slot] }
                    add(state + 1, to: &next, at: index + 1, &steps)
                default: break
                }
            }
            swap(&threads, &next)
            next.clear()
        }
        return best
    }

    /// Adds a state and all that it leads to without reading, the preferred ones first.
    private mutating func add(_ first: Int, to threads: inout Threads, at index: Int, _ steps: inout Int) {
        pending.append(first)
        while let state = pending.popLast() {
            guard state >= 0 else {
                if let value = pending.popLast() { current[~state] = value }
                continue
            }
            guard !threads.isMember[state] else { continue }
            threads.isMember[state] = true
            threads.seen.append(state)
            steps -= 1
            switch code[state].kind {
            case .jump: pending.append(code[state].first)
            case .split:
                pending.append(code[state].second)
                pending.append(code[state].first)
            case .start where index == 0, .end where index == end: pending.append(state + 1)
            case .save:
                let slot = code[state].first
                pending.append(current[slot])
                pending.append(~slot)
                pending.append(state + 1)
                current[slot] = index
            case .one, .match:
                threads.members.append(state)
                for slot in 0..<width { threads.slots[state * width + slot] = current[slot] }
            case .start, .end: break
            }
        }
    }
}

/// Runs of characters that stand in every match of an expression.
private struct LiteralRuns {
    private var found: [String] = []
    private var run = ""

    mutating func take(_ node: RegexNode) {
        switch node {
        case .empty, .start, .end: break
        case .one(let set):
            guard let scalar = set.single else { return end() }
            run.unicodeScalars.append(scalar)
        case .sequence(let nodes): for node in nodes { take(node) }
        case .named(_, let node): take(node)
        case .either: end()
        case .repeated(let node, let least, let most, _):
            guard least > 0 else { return end() }
            take(node)
            if most != 1 { end() }
        }
    }

    mutating func finish() -> [String] {
        end()
        return found
    }

    private mutating func end() {
        if !run.isEmpty { found.append(run) }
        run = ""
    }
}

extension ScalarSet {
    /// The one scalar that it has; nil when it has others, or takes both cases.
    fileprivate var single: Unicode.Scalar? {
        guard !isNegated, !ignoresCase, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return Unicode.Scalar(ranges[0].lowerBound)
    }
}
