/// Counts of those keys that occur most, in bounded memory: pure.
///
/// Space-Saving (Metwally, Agrawal, El Abbadi 2005, "Efficient computation of frequent and top-k elements in data
/// streams"): when the table is full, the key with the least count makes room and hands its count on to the newcomer,
/// as an upper bound of what the newcomer may have had before. With m places and N events, a count is at most N / m
/// too high, never too low, and every key with more than N / m events is in the table.
package struct HeavyHitters: Sendable {
    /// A key with its counts.
    package struct Entry: Hashable, Sendable {
        /// The key.
        package var key: String
        /// Events at most: those seen and those handed on.
        package var count: UInt64
        /// How much of `count` was handed on, and may be another key's.
        package var error: UInt64
        /// Events seen for certain while the key was in the table.
        package var certain: UInt64 { count - error }
    }

    /// Places in the table.
    package let capacity: Int
    /// Events taken.
    package private(set) var total: UInt64 = 0
    private var entries: [String: Entry] = [:]
    private var hasReplaced = false

    /// Makes an empty table with room for so many keys, at least one.
    package init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// How much too high a count can be: events by places, 0 while all keys had room.
    package var errorMax: UInt64 { hasReplaced ? total / UInt64(capacity) : 0 }

    /// Takes events of one key.
    package mutating func add(_ key: String, count: UInt64 = 1) {
        total += count
        if entries[key] != nil {
            entries[key]?.count += count
            return
        }
        var handedOn: UInt64 = 0
        if entries.count >= capacity, let least = entries.values.min(by: Self.isLess) {
            entries[least.key] = nil
            hasReplaced = true
            handedOn = least.count
        }
        entries[key] = Entry(key: key, count: handedOn + count, error: handedOn)
    }

    /// The keys with the highest certain counts, highest first; equal ones by key.
    package func top(_ count: Int) -> [Entry] {
        Array(
            entries.values.filter { $0.certain > 0 }
                .sorted { ($1.certain, $0.key) < ($0.certain, $1.key) }.prefix(count))
    }

    private static func isLess(_ left: Entry, _ right: Entry) -> Bool {
        (left.count, left.key) < (right.count, right.key)
    }
}
