/// A regular expression that is looked for inside of texts, in the syntax of selectors, with a bound on the work.
package struct SearchPattern: Hashable, Sendable, CustomStringConvertible {
    /// Why an expression was refused.
    package struct SyntaxError: Error, Hashable, CustomStringConvertible {
        /// What is wrong with it.
        package var description: String

        /// Makes an error.
        package init(description: String) {
            self.description = description
        }
    }

    /// Longest expression, in bytes.
    package static let patternBytesMax = 256
    /// Most instructions it may come to.
    package static let instructionsMax = 512

    /// The expression.
    package let description: String
    private let regex: LinearRegex

    /// Reads an expression; throws when it is wrong, too long, or matches the empty text.
    package init(_ pattern: String) throws(SyntaxError) {
        guard pattern.utf8.count <= Self.patternBytesMax else {
            throw SyntaxError(description: "it is longer than \(Self.patternBytesMax) bytes")
        }
        do {
            regex = try LinearRegex(pattern)
        } catch {
            throw SyntaxError(description: error.description)
        }
        guard regex.program.count <= Self.instructionsMax else {
            throw SyntaxError(description: "it repeats too much")
        }
        guard !regex.matchesWhole("") else {
            throw SyntaxError(description: "it matches the empty text, which is everywhere")
        }
        description = pattern
    }

    package static func == (left: Self, right: Self) -> Bool { left.description == right.description }

    /// By the text, as equality is.
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// The matches, leftmost first and each as long as it can be, none over another; indices of `text`.
    ///
    /// - Parameter steps: how much may still be done, a step being one instruction at one character; lessened by
    ///   what was done.
    /// - Returns: nil when the steps ran out, and more may match.
    package func ranges(in text: [Unicode.Scalar], steps: inout Int) -> [Range<Int>]? {
        var search = RegexSearch(regex.program)
        var found: [Range<Int>] = []
        var start = 0
        while start < text.count {
            guard let match = search.first(in: text, from: start, steps: &steps) else { break }
            found.append(match)
            start = match.upperBound
        }
        return steps > 0 ? found : nil
    }
}

/// Follows all states at once, each with the earliest start that leads to it.
///
/// From R. Cox, "Regular Expression Matching: the
/// Virtual Machine Approach", 2009.
private struct RegexSearch {
    private let program: [LinearRegex.Instruction]
    /// By state, the earliest start; -1 for states that are not reached.
    private var starts: [Int]
    private var members: [Int] = []
    private var nextStarts: [Int]
    private var nextMembers: [Int] = []
    private var pending: [Int] = []

    init(_ program: [LinearRegex.Instruction]) {
        self.program = program
        starts = Array(repeating: -1, count: program.count)
        nextStarts = starts
    }

    mutating func first(in text: [Unicode.Scalar], from begin: Int, steps: inout Int) -> Range<Int>? {
        for member in members { starts[member] = -1 }
        members.removeAll(keepingCapacity: true)
        var best: Range<Int>?
        var index = begin
        while steps > 0 {
            // A start at the end could only match nothing.
            if best == nil, index < text.count { add(0, start: index, at: index, of: text.count) }
            swap(&starts, &nextStarts)
            swap(&members, &nextMembers)
            steps -= nextMembers.count + 1
            for member in nextMembers {
                let start = nextStarts[member]
                nextStarts[member] = -1
                if let best, start > best.lowerBound { continue }
                switch program[member] {
                case .match where index > start: best = start..<index
                case .one(let set) where index < text.count && set.contains(text[index]):
                    add(member + 1, start: start, at: index + 1, of: text.count)
                default: break
                }
            }
            nextMembers.removeAll(keepingCapacity: true)
            if index == text.count || (members.isEmpty && best != nil) { break }
            index += 1
        }
        return best
    }

    /// Adds a state and all that it leads to without reading, unless an earlier start has reached it.
    private mutating func add(_ state: Int, start: Int, at index: Int, of count: Int) {
        pending.append(state)
        while let state = pending.popLast() {
            if starts[state] >= 0 {
                guard start < starts[state] else { continue }
            } else {
                members.append(state)
            }
            starts[state] = start
            switch program[state] {
            case .jump(let target): pending.append(target)
            case .split(let first, let second): pending += [second, first]
            case .start where index == 0, .end where index == count: pending.append(state + 1)
            case .save: pending.append(state + 1)
            case .one, .start, .end, .match: break
            }
        }
    }
}
