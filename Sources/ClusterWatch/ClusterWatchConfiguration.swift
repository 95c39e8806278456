package import FlowControl
package import KubernetesAPI
package import Telemetry

/// What is watched of a cluster.
package struct ClusterWatchConfiguration: Sendable, Hashable {
    /// Which of the API's two event collections is read.
    ///
    /// They hold the same events; each needs its own right.
    package enum EventsAPI: String, Sendable, Hashable, CaseIterable {
        /// `events` of the core group.
        case core
        /// `events` of the group `events.k8s.io`.
        case events = "events.k8s.io"

        /// Path of the events of a namespace.
        func path(_ namespace: String) -> String {
            let group = self == .core ? "/api/v1" : "/apis/events.k8s.io/v1"
            return "\(group)/namespaces/\(QueryText.escaped(namespace))/events"
        }
    }

    /// Whose rollouts are watched.
    package enum RolloutScope: Sendable, Hashable {
        /// Nobody's.
        case none
        /// Those of every namespace: needs the rights in a ClusterRole.
        case all
        /// Those of some namespaces.
        case namespaces([String])

        /// What one watch is of: nil stands for all namespaces.
        var scopes: [String?] {
            switch self {
            case .none: []
            case .all: [nil]
            case .namespaces(let names): names.map { $0 }
            }
        }
    }

    /// The API server.
    package var endpoint: KubernetesEndpoint
    /// Namespaces whose events are kept.
    package var eventNamespaces: [String]
    /// Where events are read.
    package var eventsAPI: EventsAPI
    /// Bounds of the events of one namespace.
    package var events: EventTracker.Configuration
    /// Whose rollouts are watched.
    package var rolloutScope: RolloutScope
    /// Bounds of the rollouts.
    package var rollouts: RolloutTracker.Configuration
    /// Objects on one page of a list.
    package var pageSize: Int
    /// Edges that wait to be stored; of more the oldest are dropped and counted.
    package var waitingMax: Int
    /// Pauses between requests that fail, of each watch.
    package var backoff: Backoff

    /// Makes a configuration.
    package init(
        endpoint: KubernetesEndpoint, eventNamespaces: [String], eventsAPI: EventsAPI = .core,
        events: EventTracker.Configuration = .init(), rolloutScope: RolloutScope = .all,
        rollouts: RolloutTracker.Configuration = .init(), pageSize: Int = 250, waitingMax: Int = 10_000,
        backoff: Backoff = Backoff(base: .milliseconds(200), cap: .seconds(30))
    ) {
        self.endpoint = endpoint
        self.eventNamespaces = eventNamespaces
        self.eventsAPI = eventsAPI
        self.events = events
        self.rolloutScope = rolloutScope
        self.rollouts = rollouts
        self.pageSize = pageSize
        self.waitingMax = waitingMax
        self.backoff = backoff
    }
}

/// Edges to be stored together.
package struct EdgeBatch: Sendable, Hashable {
    /// Rises by one from batch to batch; the same when a batch is offered again.
    package var sequence: UInt64
    /// The edges, 1 to 500 of them.
    package var edges: [Edge]
}
