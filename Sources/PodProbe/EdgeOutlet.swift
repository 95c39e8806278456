import Synchronization
import Telemetry

/// Where a probe's edges go between runs, once somebody takes them.
final class EdgeOutlet: Sendable {
    private let target = Mutex<(@Sendable ([Edge]) -> Void)?>(nil)

    func connect(_ take: @escaping @Sendable ([Edge]) -> Void) {
        target.withLock { $0 = take }
    }

    /// False when nobody takes them.
    func send(_ edges: [Edge]) -> Bool {
        guard let take = target.withLock({ $0 }) else { return false }
        take(edges)
        return true
    }
}
