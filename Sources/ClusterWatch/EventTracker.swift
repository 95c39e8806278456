package import Telemetry

/// Makes edges of the events of one namespace: each occurrence once, however often the API tells of it.
///
/// Pure: time comes in with each call. An event is known by its uid and its count: lists after a restart, lines that
/// come again and changes that are no repetition give nothing.
package struct EventTracker: Sendable {
    /// Bounds.
    package struct Configuration: Hashable, Sendable {
        /// Events whose count is remembered; of more, those that changed least lately are forgotten.
        ///
        /// A forgotten one that is listed again is recorded again. Default 10,000: the server forgets them after an
        /// hour by default, and ten bad minutes of one node made 588.
        package var eventsMax = 10_000
        /// Edges in an hour; more are left out and counted.
        ///
        /// Default 10,000, about 10 MB on disk.
        package var edgesPerHourMax = 10_000

        /// Makes the default bounds.
        package init() {}
    }

    /// What was counted since the tracker was made.
    package struct Counters: Hashable, Sendable {
        /// Edges made.
        package var edges = 0
        /// Edges left out, since there were too many in the hour.
        package var edgesShed = 0
        /// Events forgotten, since there were too many.
        package var eventsForgotten = 0
    }

    private struct Known {
        var total: Int
        /// Rises with each change.
        var turn: Int
    }

    /// What was counted so far.
    package private(set) var counters = Counters()
    private let configuration: Configuration
    private var known: [String: Known] = [:]
    private var turn = 0
    private var hour: Timestamp?
    private var edgesOfHour = 0

    /// Makes a tracker that knows no event.
    package init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Events that are remembered.
    package var count: Int { known.count }

    /// Takes an edge that was made and stored before a restart.
    package mutating func restore(_ edge: Edge) {
        guard edge.kind == .kubernetesEvent, let uid = edge.attributes["uid"],
            let total = edge.attributes["total"].flatMap({ Int($0) })
        else { return }
        note(uid, max(total, known[uid]?.total ?? 0))
    }

    /// Takes an event as it is now.
    ///
    /// - Parameter deployment: see `ClusterEvent.edge`.
    /// - Returns: the edge of what is new of it, nil when nothing is.
    package mutating func take(
        _ event: ClusterEvent, now: Timestamp, deployment: (_ kind: String, _ name: String) -> String?
    ) -> Edge? {
        let before = known[event.uid]?.total ?? 0
        note(event.uid, max(before, event.total))
        guard event.total > before, admits(at: now) else { return nil }
        counters.edges += 1
        return event.edge(count: event.total - before, now: now, deployment: deployment)
    }

    /// Takes all events there are; with `isComplete` others are forgotten.
    ///
    /// - Returns: the edges of what is new, in order of time.
    package mutating func take(
        all events: [ClusterEvent], isComplete: Bool, now: Timestamp,
        deployment: (_ kind: String, _ name: String) -> String?
    ) -> [Edge] {
        if isComplete {
            let listed = Set(events.map(\.uid))
            known = known.filter { listed.contains($0.key) }
        }
        return events.sorted { ($0.at ?? now, $0.uid) < ($1.at ?? now, $1.uid) }
            .compactMap { take($0, now: now, deployment: deployment) }
    }

    /// Forgets an event that expired or was deleted: it happened all the same.
    package mutating func remove(_ uid: String) {
        known[uid] = nil
    }

    private mutating func note(_ uid: String, _ total: Int) {
        turn += 1
        known[uid] = Known(total: total, turn: turn)
        guard known.count > configuration.eventsMax else { return }
        // A quarter at once, so that a storm does not sort for each event.
        let kept = max(1, configuration.eventsMax - configuration.eventsMax / 4)
        let oldest = known.sorted { $0.value.turn < $1.value.turn }.prefix(known.count - kept)
        for (uid, _) in oldest { known[uid] = nil }
        counters.eventsForgotten += oldest.count
    }

    private mutating func admits(at now: Timestamp) -> Bool {
        if let start = hour, now >= start, now - start < .seconds(3600) {
            edgesOfHour += 1
        } else {
            (hour, edgesOfHour) = (now, 1)
        }
        guard edgesOfHour > configuration.edgesPerHourMax else { return true }
        counters.edgesShed += 1
        return false
    }
}
