import Telemetry

/// Who failed to log in, by account or by address: a bounded table of those who fail most.
struct LoginTable: Sendable, Codable, Hashable {
    /// One account or address.
    struct Entry: Sendable, Codable, Hashable {
        /// Failures seen since it is in the table.
        var failures = 0
        /// What it took over from the entry that made room: it may have failed so often before.
        var handedOn = 0
        /// Failures since the last success.
        var inARow = 0
        /// Failures in the current and in the earlier short window.
        var current = 0
        var earlier = 0
        var windowAt: Timestamp
        var firstAt: Timestamp
        var lastAt: Timestamp
        /// Hashes of the addresses, or accounts, that it failed with.
        var peers: Set<UInt64> = []

        /// Failures in about the last short window.
        var recent: Int { current + earlier }
    }

    /// Bound of an entry's peers.
    static let peersMax = 32

    let capacity: Int
    private(set) var entries: [String: Entry] = [:]

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func entry(_ name: String) -> Entry? { entries[name] }

    /// Takes a failure and gives the entry after it.
    mutating func fail(_ name: String, peer: String, at time: Timestamp, window: Duration) -> Entry {
        var entry = entries[name] ?? Entry(handedOn: makeRoom(), windowAt: time, firstAt: time, lastAt: time)
        entry.roll(to: time, window: window)
        entry.failures += 1
        entry.inARow += 1
        entry.current += 1
        entry.lastAt = max(entry.lastAt, time)
        if entry.peers.count < Self.peersMax { entry.peers.insert(Self.hash(peer)) }
        entries[name] = entry
        return entry
    }

    /// Ends the failures in a row.
    mutating func endRow(_ name: String) {
        entries[name]?.inARow = 0
    }

    /// Drops who has not failed since a time.
    mutating func forget(before time: Timestamp) {
        if entries.contains(where: { $0.value.lastAt < time }) { entries = entries.filter { $0.value.lastAt >= time } }
    }

    /// Drops the entry with the fewest failures when the table is full; gives what the newcomer may have failed before.
    private mutating func makeRoom() -> Int {
        guard entries.count >= capacity else { return 0 }
        let least = entries.min { left, right in
            let (one, other) = (left.value.weight, right.value.weight)
            return one != other
                ? one < other : (left.value.lastAt, left.key) < (right.value.lastAt, right.key)
        }
        guard let least else { return 0 }
        entries[least.key] = nil
        return least.value.weight
    }

    /// FNV-1a: the same in every process, unlike the standard library's.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension LoginTable.Entry {
    /// What the table ranks by.
    var weight: Int { failures + handedOn }

    mutating func roll(to time: Timestamp, window: Duration) {
        let half = window / 2
        let passed = time - windowAt
        guard passed >= half else { return }
        earlier = passed < half * 2 ? current : 0
        current = 0
        windowAt = time
    }
}
