/// A first-in first-out queue with a capacity, a rule for what happens at it, and a count of what was lost.
///
/// `append` and `popFirst` take constant time. Storage grows with use up to `capacity` and is kept for reuse.
package struct BoundedQueue<Element> {
    /// What happens to an element that finds the queue full.
    package enum Policy: Sendable, Hashable {
        /// The oldest element makes room and is counted.
        case dropOldest
        /// The new element is turned away and counted.
        case refuse
    }

    /// What `append` did.
    package enum Outcome {
        /// The element is in the queue, and nothing was lost.
        case stored
        /// The element is in the queue; this older one is not any more.
        case displaced(Element)
        /// The queue was full; the element is not in it.
        case refused

        /// Whether the appended element is now in the queue.
        package var isStored: Bool {
            if case .refused = self { false } else { true }
        }
    }

    /// Most elements held at once, at least 1.
    package let capacity: Int
    /// The rule at capacity.
    package let policy: Policy
    /// Elements displaced or refused since the queue was made.
    package private(set) var droppedCount: UInt64 = 0
    /// Elements held.
    package private(set) var count = 0

    // A ring: slot (head + i) % slots.count holds element i. Slots outside are nil, so that elements are freed at once.
    private var slots: [Element?] = []
    private var head = 0

    /// Makes an empty queue.
    ///
    /// Precondition: `capacity` is at least 1.
    package init(capacity: Int, policy: Policy) {
        precondition(capacity >= 1, "a queue holds at least one element, not \(capacity)")
        self.capacity = capacity
        self.policy = policy
    }

    /// Whether nothing is held.
    package var isEmpty: Bool { count == 0 }

    /// Whether the next `append` displaces or refuses.
    package var isFull: Bool { count == capacity }

    /// The oldest element, nil when the queue is empty.
    package var first: Element? { count == 0 ? nil : slots[head] }

    /// Puts an element at the end, or applies the policy when the queue is full.
    @discardableResult
    package mutating func append(_ element: Element) -> Outcome {
        guard isFull else {
            growIfNeeded()
            slots[(head + count) % slots.count] = element
            count += 1
            return .stored
        }
        droppedCount += 1
        guard policy == .dropOldest, let oldest = takeFirst() else { return .refused }
        slots[(head + count) % slots.count] = element
        count += 1
        return .displaced(oldest)
    }

    /// Takes the oldest element out; nil when the queue is empty.
    package mutating func popFirst() -> Element? {
        takeFirst()
    }

    /// Takes up to `limit` of the oldest elements out, oldest first.
    package mutating func popFirst(atMost limit: Int) -> [Element] {
        var taken: [Element] = []
        taken.reserveCapacity(min(max(limit, 0), count))
        while taken.count < limit, let element = takeFirst() { taken.append(element) }
        return taken
    }

    /// Forgets all elements without counting them as dropped, and frees the storage.
    package mutating func removeAll() {
        slots = []
        head = 0
        count = 0
    }

    private mutating func takeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[head]
        slots[head] = nil
        head = (head + 1) % slots.count
        count -= 1
        return element
    }

    private mutating func growIfNeeded() {
        guard count == slots.count else { return }
        var larger: [Element?] = []
        let size = min(capacity, max(8, slots.count * 2))
        larger.reserveCapacity(size)
        for index in 0..<count { larger.append(slots[(head + index) % slots.count]) }
        larger.append(contentsOf: repeatElement(nil, count: size - count))
        slots = larger
        head = 0
    }
}

extension BoundedQueue: Sendable where Element: Sendable {}
extension BoundedQueue.Outcome: Sendable where Element: Sendable {}
