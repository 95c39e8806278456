/// Why an expression was refused.
struct RegexError: Error, CustomStringConvertible {
    var description: String
}

/// A regular expression that is matched in time proportional to pattern × text, whatever the pattern: selectors come
/// from outside, and a backtracking matcher can be kept busy for hours by twenty characters.
///
/// The syntax is RE2's without look-around and back references, which RE2 lacks too: literals, `.`, `[a-z]`, `[^…]`,
/// `\d \w \s` and their opposites, groups, `|`, `*`, `+`, `?`, `{n,m}`, `^`, `$`, and `(?i)` at the start (ASCII).
/// The matcher follows all states at once (K. Thompson, CACM 11(6), 1968).
struct LinearRegex: Sendable {
    /// Longest pattern, in bytes.
    static let patternBytesMax = 1024
    /// Most instructions; `{n,m}` multiplies them.
    static let instructionsMax = 4096

    enum Instruction: Sendable {
        case one(ScalarSet)
        case split(Int, Int)
        case jump(Int)
        /// Notes the place in a slot; passed over where nothing is captured.
        case save(Int)
        case start
        case end
        case match
    }

    let program: [Instruction]

    init(_ pattern: String) throws(RegexError) {
        guard pattern.utf8.count <= Self.patternBytesMax else {
            throw RegexError(description: "it is longer than \(Self.patternBytesMax) bytes")
        }
        var parser = RegexParser(pattern)
        let tree = try parser.parse()
        var compiler = RegexCompiler()
        try compiler.compile(tree)
        program = compiler.program + [.match]
    }

    /// Whether all of `text` matches.
    func matchesWhole(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var states = StateSet(program.count)
        var next = StateSet(program.count)
        add(0, to: &states, isStart: true, isEnd: scalars.isEmpty)
        for (offset, scalar) in scalars.enumerated() {
            if states.members.isEmpty { return false }
            next.removeAll()
            let isEnd = offset + 1 == scalars.count
            for state in states.members {
                guard case .one(let set) = program[state], set.contains(scalar) else { continue }
                add(state + 1, to: &next, isStart: false, isEnd: isEnd)
            }
            swap(&states, &next)
        }
        return states.members.contains { if case .match = program[$0] { true } else { false } }
    }

    /// Adds a state and all that it leads to without reading.
    private func add(_ state: Int, to set: inout StateSet, isStart: Bool, isEnd: Bool) {
        var pending = [state]
        while let state = pending.popLast() {
            guard set.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): pending.append(target)
            case .split(let first, let second): pending += [second, first]
            case .start where isStart, .end where isEnd: pending.append(state + 1)
            case .save: pending.append(state + 1)
            case .one, .start, .end, .match: break
            }
        }
    }
}

/// Numbers below a bound, cleared in time proportional to the members.
private struct StateSet {
    private(set) var members: [Int] = []
    private var contains: [Bool]

    init(_ bound: Int) {
        contains = Array(repeating: false, count: bound)
    }

    mutating func insert(_ number: Int) -> Bool {
        if contains[number] { return false }
        contains[number] = true
        members.append(number)
        return true
    }

    mutating func removeAll() {
        for member in members { contains[member] = false }
        members.removeAll(keepingCapacity: true)
    }
}

/// A set of Unicode scalars.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false
    var ignoresCase = false

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var isMember = has(scalar.value)
        if !isMember, ignoresCase, scalar.isASCII, scalar.properties.isAlphabetic {
            isMember = has(scalar.value ^ 0x20)
        }
        return isMember != isNegated
    }

    private func has(_ value: UInt32) -> Bool { ranges.contains { $0.contains(value) } }

    static let digits = ScalarSet(ranges: [48...57])
    static let wordCharacters = ScalarSet(ranges: [48...57, 65...90, 95...95, 97...122])
    static let spaces = ScalarSet(ranges: [9...10, 12...13, 32...32])
    /// All but the line feed, as in RE2.
    static let any = ScalarSet(ranges: [10...10], isNegated: true)
}

/// Turns a tree into instructions.
struct RegexCompiler {
    private(set) var program: [LinearRegex.Instruction] = []
    /// Names of the groups that are captured, each with two slots, for its start and its end.
    private let names: [String]

    init(names: [String] = []) {
        self.names = names
    }

    mutating func compile(_ node: RegexNode) throws(RegexError) {
        switch node {
        case .empty: break
        case .one(let set): try emit(.one(set))
        case .start: try emit(.start)
        case .end: try emit(.end)
        case .sequence(let nodes):
            for node in nodes { try compile(node) }
        case .either(let first, let second):
            let split = try emit(.split(0, 0))
            try compile(first)
            let jump = try emit(.jump(0))
            program[split] = .split(split + 1, program.count)
            try compile(second)
            program[jump] = .jump(program.count)
        case .named(let name, let node):
            guard let slot = names.firstIndex(of: name) else { return try compile(node) }
            try emit(.save(2 * slot))
            try compile(node)
            try emit(.save(2 * slot + 1))
        case .repeated(let node, let least, let most, let isLazy):
            for _ in 0..<least {
                let count = program.count
                try compile(node)
                // What compiles to nothing can be repeated for ever without reaching the bound.
                if program.count == count { return }
            }
            guard let most else { return try star(node, isLazy) }
            var splits: [Int] = []
            for _ in least..<most {
                splits.append(try emit(.split(0, 0)))
                try compile(node)
            }
            for split in splits { program[split] = branch(split, to: program.count, isLazy) }
        }
    }

    private mutating func star(_ node: RegexNode, _ isLazy: Bool) throws(RegexError) {
        let split = try emit(.split(0, 0))
        try compile(node)
        try emit(.jump(split))
        program[split] = branch(split, to: program.count, isLazy)
    }

    /// Into the repetition that follows, or past it; the first way is preferred.
    private func branch(_ split: Int, to end: Int, _ isLazy: Bool) -> LinearRegex.Instruction {
        isLazy ? .split(end, split + 1) : .split(split + 1, end)
    }

    @discardableResult
    private mutating func emit(_ instruction: LinearRegex.Instruction) throws(RegexError) -> Int {
        guard program.count < LinearRegex.instructionsMax else {
            throw RegexError(description: "it repeats too much")
        }
        program.append(instruction)
        return program.count - 1
    }
}
