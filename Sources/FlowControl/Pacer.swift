/// Holds a long piece of work to a rate: after each part it says when the next one may go.
///
/// Time is the caller's. Nothing is saved up: after a pause the rate is the same, and there is no burst.
package struct Pacer<Instant: InstantProtocol & Sendable>: Sendable where Instant.Duration == Duration {
    /// Units a second, at least 1.
    package let perSecond: Int
    /// When the next part may go; nil before the first.
    package private(set) var readyAt: Instant?

    /// Makes a pacer that is ready.
    package init(perSecond: Int) {
        precondition(perSecond >= 1, "a rate is at least 1 a second, not \(perSecond)")
        self.perSecond = perSecond
    }

    /// Whether the next part may go.
    package func isReady(at now: Instant) -> Bool {
        readyAt.map { $0 <= now } ?? true
    }

    /// Notes a part of `units` that goes now.
    package mutating func spend(_ units: Int, at now: Instant) {
        let start = readyAt.map { max($0, now) } ?? now
        readyAt = start.advanced(by: .seconds(Double(units) / Double(perSecond)))
    }
}
