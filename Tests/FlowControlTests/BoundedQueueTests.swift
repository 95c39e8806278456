import FlowControl
import Testing
import TocsinTestKit

@Suite struct BoundedQueueTests {
    @Test func dropsTheOldest() {
        var queue = BoundedQueue<Int>(capacity: 3, policy: .dropOldest)
        for value in 1...3 { queue.append(value) }
        #expect(queue.isFull)
        guard case .displaced(1) = queue.append(4) else {
            Issue.record("the oldest element should make room")
            return
        }
        #expect(queue.droppedCount == 1)
        #expect(queue.popFirst(atMost: 10) == [2, 3, 4])
        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
    }

    @Test func refusesTheNewest() {
        var queue = BoundedQueue<String>(capacity: 2, policy: .refuse)
        #expect(queue.append("a").isStored)
        #expect(queue.append("b").isStored)
        #expect(!queue.append("c").isStored)
        #expect(queue.droppedCount == 1)
        #expect(queue.first == "a")
        #expect(queue.popFirst() == "a")
        #expect(queue.append("d").isStored)
        #expect(queue.popFirst(atMost: 2) == ["b", "d"])
    }

    @Test func removeAllIsNotALoss() {
        var queue = BoundedQueue<Int>(capacity: 2, policy: .refuse)
        queue.append(1)
        queue.removeAll()
        #expect(queue.isEmpty && queue.first == nil && queue.droppedCount == 0)
        queue.append(2)
        #expect(queue.popFirst() == 2)
    }

    @Test func negativeLimitTakesNothing() {
        var queue = BoundedQueue<Int>(capacity: 2, policy: .refuse)
        queue.append(1)
        #expect(queue.popFirst(atMost: -1).isEmpty)
        #expect(queue.count == 1)
    }

    @Test func freesElementsAsTheyLeave() {
        final class Token {}
        var queue = BoundedQueue<Token>(capacity: 1, policy: .dropOldest)
        weak var first: Token?
        do {
            let token = Token()
            first = token
            queue.append(token)
        }
        #expect(first != nil)
        queue.append(Token())
        #expect(first == nil)
    }

    /// The ring against a plain array that does the same slowly.
    @Test(arguments: [BoundedQueue<Int>.Policy.dropOldest, .refuse], [1, 2, 7, 64])
    func equalsAnArray(policy: BoundedQueue<Int>.Policy, capacity: Int) {
        var random = SeededRandom(seed: UInt64(capacity))
        var queue = BoundedQueue<Int>(capacity: capacity, policy: policy)
        var model: [Int] = []
        var dropped: UInt64 = 0
        for step in 0..<5000 {
            if UInt64.random(in: 0..<5, using: &random) < 3 {
                queue.append(step)
                if model.count < capacity {
                    model.append(step)
                } else {
                    dropped += 1
                    if policy == .dropOldest { model = model.dropFirst() + [step] }
                }
            } else {
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(queue.count == model.count && queue.first == model.first && queue.droppedCount == dropped)
        }
        #expect(queue.popFirst(atMost: capacity) == model)
    }
}
