package import Telemetry

/// What is left out while the process uses more memory than it may.
///
/// Pure: fed with the resident bytes at each look. One level is added at the second look in a row over the limit, so
/// that a passing peak costs nothing, and taken back after six looks below 85 % of it, so that what was left out and
/// comes back does not bring the next peak at once.
package struct MemoryShedder: Sendable {
    /// Kinds of target that are no longer probed, one set a level, least needed first: other people's metrics, logs,
    /// checks from outside, then actuators.
    ///
    /// Pods, PostgreSQL, the node and the agent itself are never left out: what they tell is why the agent is there.
    package static let order: [Set<Target.Kind>] = [[.prometheus], [.logs], [.http, .tcp], [.actuator]]

    /// Looks in a row over the limit before a level is added.
    static let looksToRaise = 2
    /// Looks in a row below `share` of the limit before a level is taken back.
    static let looksToLower = 6
    /// Share of the limit below which memory counts as fine again.
    static let share = 0.85

    /// Levels in force, 0 when nothing is left out.
    package private(set) var level = 0
    private let bytesMax: UInt64
    private var looksOver = 0
    private var looksBelow = 0

    /// Starts with everything probed; `bytesMax` is the limit of resident memory in bytes.
    package init(bytesMax: Int) {
        self.bytesMax = UInt64(clamping: bytesMax)
    }

    /// Kinds that are left out now.
    package var shed: Set<Target.Kind> {
        Self.order.prefix(level).reduce(into: []) { $0.formUnion($1) }
    }

    /// Takes a look in; true when the level changed.
    package mutating func look(residentBytes: UInt64) -> Bool {
        looksOver = residentBytes > bytesMax ? looksOver + 1 : 0
        looksBelow = Double(residentBytes) < Double(bytesMax) * Self.share ? looksBelow + 1 : 0
        if looksOver >= Self.looksToRaise, level < Self.order.count {
            level += 1
            looksOver = 0
            return true
        }
        if looksBelow >= Self.looksToLower, level > 0 {
            level -= 1
            looksBelow = 0
            return true
        }
        return false
    }
}
