package import Telemetry

/// Whose series stay when all of them together are more than the agent may have.
///
/// Targets stand in a fixed order; each may have what those before it leave of the limit. Within a target the series
/// that are there stay, new ones are dropped. So what one target adds never pushes out what stands before it, and
/// nothing flaps: a series that is dropped gets its stale marker once and comes back when there is room.
package struct SeriesRank: Comparable, Sendable {
    /// Kinds from the one that keeps its series longest to the first to lose them.
    ///
    /// The order is that of what incidents are made of; the node's numbers and other people's come last.
    package static let order: [Target.Kind] = [
        .agent, .pods, .postgresql, .actuator, .http, .tcp, .host, .logs, .prometheus,
    ]

    private let place: Int
    private let id: String

    /// Ranks a target; those of one kind stand by their id.
    package init(_ target: Target) {
        place = Self.order.firstIndex(of: target.kind) ?? Self.order.count
        id = target.id
    }

    package static func < (lhs: SeriesRank, rhs: SeriesRank) -> Bool {
        (lhs.place, lhs.id) < (rhs.place, rhs.id)
    }
}
