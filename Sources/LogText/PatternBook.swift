package import Telemetry

/// The miners of many logs, by what each is called.
///
/// Beyond the bound of patterns the log that had no message for longest forgets its own and warms up anew; beyond the
/// bound of logs new ones are not mined.
package struct PatternBook<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var miner: PatternMiner
        var turn: UInt64 = 0
    }

    /// Patterns that are kept of all logs.
    package private(set) var count = 0
    /// Patterns that were forgotten for want of room.
    package private(set) var evictions: UInt64 = 0
    /// Messages of logs beyond the bound.
    package private(set) var refused: UInt64 = 0
    private let limits: PatternMiner.Limits
    private let minersMax: Int
    private let patternsMax: Int
    private var entries: [Key: Entry] = [:]
    private var turn: UInt64 = 0

    /// Makes an empty book.
    ///
    /// - Parameter patternsMax: patterns of all logs; one has some hundred bytes, at most 2 KiB.
    package init(limits: PatternMiner.Limits = PatternMiner.Limits(), minersMax: Int = 500, patternsMax: Int = 2000) {
        self.limits = limits
        self.minersMax = minersMax
        self.patternsMax = max(1, patternsMax)
    }

    /// Begins the warm-up of a log, which lasts whether messages come or not; nothing when it has begun.
    package mutating func begin(_ key: Key, at now: Timestamp) {
        guard entries[key] == nil, entries.count < minersMax else { return }
        entries[key] = Entry(miner: PatternMiner(limits: limits, startedAt: now))
    }

    /// Takes one redacted message of a log; not nil when it makes a pattern known that is new.
    package mutating func take(_ text: String, of key: Key, at now: Timestamp) -> NewPattern? {
        begin(key, at: now)
        guard let index = entries.index(forKey: key) else {
            refused += 1
            return nil
        }
        turn += 1
        entries.values[index].turn = turn
        let found = change(index) { $0.take(text, at: now) }
        // Turns differ among logs with patterns, so the order of the dictionary decides nothing.
        while count > patternsMax,
            let idle = entries.indices.filter({ $0 != index && entries.values[$0].miner.count > 0 })
                .min(by: { entries.values[$0].turn < entries.values[$1].turn })
        {
            change(idle) { $0.forget(at: now) }
        }
        return found
    }

    private mutating func change<Result>(
        _ index: [Key: Entry].Index, _ change: (inout PatternMiner) -> Result
    ) -> Result {
        let (countBefore, evictionsBefore) = (entries.values[index].miner.count, entries.values[index].miner.evictions)
        let result = change(&entries.values[index].miner)
        count += entries.values[index].miner.count - countBefore
        evictions += entries.values[index].miner.evictions - evictionsBefore
        return result
    }
}
