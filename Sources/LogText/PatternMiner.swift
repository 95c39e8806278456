package import Telemetry

/// A pattern of messages that was not known before.
package struct NewPattern: Hashable, Sendable {
    /// The words that all messages of the pattern share, and masks.
    package var template: String
    /// How many there were until it was told.
    package var lines: Int
}

/// Learns the patterns of one log's messages, and tells of a new one: pure, deterministic, bounded.
///
/// After Drain (He, Zhu, Zheng, Lyu 2017, "Drain: An Online Log Parsing Approach with Fixed Depth Tree"): messages of
/// as many words that begin with the same word are compared, and the most similar pattern takes the message if they
/// agree in half of the telling words. There are few patterns, so the two levels of the tree are fields of a pattern.
///
/// A pattern is a candidate until it has had `Limits.enough` lines within `Limits.window`; then it is known, and new.
/// In the first `Limits.warmUp` all that is seen is known and nothing is new, since all would be. A candidate that
/// comes so slowly that it needs longer becomes known without a word. When there is no room, the candidate that was
/// seen longest ago makes room for a candidate, and the known one for a known one: lines that never repeat push out no
/// pattern that does. A known pattern that was pushed out and comes back is new again.
package struct PatternMiner: Hashable, Sendable {
    /// Bounds, and when a pattern is new.
    package struct Limits: Hashable, Sendable {
        /// Lines that make a pattern, 10 as in Coroot's log alert (PEERS 1.4).
        package var enough: Int
        /// In which they must come.
        package var window: Duration
        /// For how long after its first line a log's patterns are learned alone.
        package var warmUp: Duration
        /// Patterns that are known, at least 1.
        package var knownMax: Int
        /// Patterns that may become known, at least 1.
        package var candidatesMax: Int

        /// Makes limits.
        package init(
            enough: Int = 10, window: Duration = .seconds(600), warmUp: Duration = .seconds(900), knownMax: Int = 64,
            candidatesMax: Int = 32
        ) {
            self.enough = max(1, enough)
            self.window = window
            self.warmUp = warmUp
            self.knownMax = max(1, knownMax)
            self.candidatesMax = max(1, candidatesMax)
        }
    }

    private struct Pattern: Hashable, Sendable {
        var tokens: [String]
        /// The first telling word; patterns are alike only if it is the same.
        var first: String
        var isKnown: Bool
        /// Number of the last line.
        var seen: UInt64
        var total: Int
        var windowFrom: Int64
        var windowLines: Int
    }

    /// Patterns that were forgotten for want of room.
    package private(set) var evictions: UInt64 = 0
    private let limits: Limits
    private var learnsUntil: Int64
    private var patterns: [Pattern] = []
    private var lines: UInt64 = 0

    /// Makes a miner whose warm-up begins now.
    package init(limits: Limits = Limits(), startedAt now: Timestamp) {
        self.limits = limits
        learnsUntil = (now + limits.warmUp).millis
    }

    /// Patterns that are kept.
    package var count: Int { patterns.count }

    /// The templates of known patterns, in the order in which they were first seen.
    package var known: [String] { patterns.filter(\.isKnown).map { Self.template($0) } }

    /// Takes one redacted message; not nil when it makes a pattern known that is new.
    ///
    /// Work: one comparison of words for each pattern at most.
    package mutating func take(_ text: String, at now: Timestamp) -> NewPattern? {
        let tokens = MaskedTokens.of(text)
        guard !tokens.isEmpty else { return nil }
        lines += 1
        let first = tokens.first(where: MaskedTokens.isTelling) ?? ""
        guard let index = mostSimilar(to: tokens, first: first) else {
            return begin(tokens, first, at: now.millis)
        }
        generalise(index, to: tokens)
        patterns[index].seen = lines
        return patterns[index].isKnown ? nil : count(index, at: now.millis)
    }

    /// Forgets all patterns, and learns anew.
    package mutating func forget(at now: Timestamp) {
        evictions += UInt64(patterns.count)
        patterns = []
        learnsUntil = (now + limits.warmUp).millis
    }

    // MARK: Similarity

    private func mostSimilar(to tokens: [String], first: String) -> Int? {
        var best: (index: Int, equal: Int)?
        let telling = tokens.map(MaskedTokens.isTelling)
        let tellingCount = telling.count { $0 }
        for (index, pattern) in patterns.enumerated()
        where pattern.tokens.count == tokens.count && pattern.first == first {
            var equal = 0
            for position in tokens.indices where telling[position] && pattern.tokens[position] == tokens[position] {
                equal += 1
            }
            guard equal * 2 >= tellingCount, equal > (best?.equal ?? -1) else { continue }
            // Without any telling word only the same masks are alike.
            guard tellingCount > 0 || pattern.tokens == tokens else { continue }
            best = (index, equal)
        }
        return best?.index
    }

    private mutating func generalise(_ index: Int, to tokens: [String]) {
        for position in tokens.indices where patterns[index].tokens[position] != tokens[position] {
            patterns[index].tokens[position] = "<*>"
        }
    }

    // MARK: Life of a pattern

    private mutating func begin(_ tokens: [String], _ first: String, at now: Int64) -> NewPattern? {
        let isKnown = now < learnsUntil
        makeRoom(forKnown: isKnown)
        patterns.append(
            Pattern(
                tokens: tokens, first: first, isKnown: isKnown, seen: lines, total: 0, windowFrom: now, windowLines: 0))
        return isKnown ? nil : count(patterns.count - 1, at: now)
    }

    private mutating func count(_ index: Int, at now: Int64) -> NewPattern? {
        if now - patterns[index].windowFrom > limits.window.wholeMilliseconds {
            patterns[index].windowFrom = now
            patterns[index].windowLines = 0
        }
        patterns[index].windowLines += 1
        patterns[index].total += 1
        let isNew = patterns[index].windowLines >= limits.enough
        guard isNew || patterns[index].total >= 3 * limits.enough else { return nil }
        var pattern = patterns.remove(at: index)
        makeRoom(forKnown: true)
        pattern.isKnown = true
        patterns.append(pattern)
        return isNew ? NewPattern(template: Self.template(pattern), lines: pattern.windowLines) : nil
    }

    private mutating func makeRoom(forKnown isKnown: Bool) {
        let room = isKnown ? limits.knownMax : limits.candidatesMax
        let peers = patterns.indices.filter { patterns[$0].isKnown == isKnown }
        guard peers.count >= room, let oldest = peers.min(by: { patterns[$0].seen < patterns[$1].seen }) else { return }
        patterns.remove(at: oldest)
        evictions += 1
    }

    private static func template(_ pattern: Pattern) -> String { pattern.tokens.joined(separator: " ") }
}
