import Testing
import TocsinTestKit

@testable import Signals

struct SlotIndexTests {
    @Test("After any insertions and removals each slot is found that is in, and no other", arguments: [1, 4, 1000])
    func sameAsASet(hashes: Int) {
        var random = SeededRandom(seed: UInt64(hashes))
        var index = SlotIndex()
        var held: Set<Int> = []
        // Few hashes, and such that lie at the end of the table, make long runs.
        func hash(_ slot: Int) -> Int { -1 - slot % hashes }
        for _ in 0..<5000 {
            let slot = Int.random(in: 0..<120, using: &random)
            if held.remove(slot) != nil {
                index.remove(slot, hash: hash(slot), hashOf: hash)
            } else {
                held.insert(slot)
                index.insert(slot, hash: hash(slot), hashOf: hash)
            }
            let sought = Int.random(in: 0..<120, using: &random)
            #expect(index.slot(hash: hash(sought)) { $0 == sought } == (held.contains(sought) ? sought : nil))
        }
        for slot in 0..<120 {
            #expect(index.slot(hash: hash(slot)) { $0 == slot } == (held.contains(slot) ? slot : nil))
        }
        index.remove(500, hash: hash(500), hashOf: hash)
    }
}
