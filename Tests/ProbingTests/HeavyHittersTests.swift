import Probing
import Testing
import TocsinTestKit

@Suite struct HeavyHittersTests {
    @Test func whileThereIsRoomCountsAreExact() {
        var table = HeavyHitters(capacity: 3)
        for key in ["a", "b", "a", "c", "a", "b"] { table.add(key) }
        #expect(table.top(2).map(\.key) == ["a", "b"])
        #expect(table.top(9).map(\.count) == [3, 2, 1])
        #expect(table.errorMax == 0 && table.total == 6)
    }

    /// A flood of keys that occur once each does not push out the ones that matter, and no count leaves its bound.
    @Test(arguments: [1, 7, 42] as [UInt64])
    func boundsHoldUnderAFlood(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = HeavyHitters(capacity: 50)
        var truth: [String: UInt64] = [:]
        for event in 0..<20_000 {
            let key = random.next() % 10 < 3 ? "heavy-\(random.next() % 5)" : "once-\(event)"
            table.add(key)
            truth[key, default: 0] += 1
        }
        #expect(table.errorMax == 400)
        for entry in table.top(50) {
            let count = truth[entry.key] ?? 0
            #expect(entry.certain <= count && count <= entry.count && entry.error <= table.errorMax)
        }
        let named = Set(table.top(50).map(\.key))
        for (key, count) in truth where count > table.errorMax { #expect(named.contains(key), "\(key) \(count)") }
        #expect(table.top(5).allSatisfy { $0.key.hasPrefix("heavy-") })
    }
}
