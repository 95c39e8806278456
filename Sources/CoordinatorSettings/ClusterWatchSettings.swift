import ConfigurationKit
package import TargetSettings

/// The cluster whose events and rollouts the coordinator watches at its API server.
package struct ClusterWatchSettings: Hashable, Sendable {
    /// Which of the API's two event collections is read.
    package enum EventsAPI: String, Hashable, Sendable, CaseIterable {
        /// `events` of the core group.
        case core
        /// `events` of the group `events.k8s.io`.
        case events = "events.k8s.io"
    }

    /// Its name, as its agents say it.
    package var cluster: String
    /// The API server.
    package var access: KubernetesAccess
    /// Time after which a list gives up.
    package var timeout: Duration
    /// Namespaces whose events are kept.
    package var eventNamespaces: [String]
    /// Where events are read.
    package var eventsAPI: EventsAPI
    /// Events of one namespace kept in an hour.
    package var eventsPerHour: Int
    /// Events of one namespace remembered, so that none is kept twice.
    package var eventsRemembered: Int
    /// Namespaces whose rollouts are watched: none when nil, all when empty.
    package var rolloutNamespaces: [String]?
    /// Deployments followed.
    package var deploymentsMax: Int

    /// Reads the section `kubernetes`.
    init(_ section: Section) {
        cluster = section.required("cluster", .name(), "The cluster's name, as in its agents' `cluster`.")
        access = KubernetesAccess(section, toBeAllowed: "list and watch what is asked for below")
        timeout = section.value(
            "timeout", .duration(in: .seconds(1) ... .seconds(300)), default: .seconds(15),
            "Time after which a list gives up; it is tried again.")
        let events = section.section(
            "events", "Events of the API. They are kept as long as samples, not an hour as the API server keeps them."
        ) { section in
            Events(section)
        }
        (eventNamespaces, eventsAPI) = (events.namespaces, events.api)
        (eventsPerHour, eventsRemembered) = (events.perHour, events.remembered)
        (rolloutNamespaces, deploymentsMax) = section.section(
            "rollouts", "Rollouts of Deployments: an incident after one says so."
        ) { section in
            let isWatched = section.value(
                "watch", .boolean, default: true,
                "Whether Deployments and ReplicaSets are watched. Their templates, with all variables that stand in them, are read."
            )
            let namespaces = Self.namespaces(
                section, "Namespaces whose rollouts are watched. Default: all, which needs the rights in a ClusterRole."
            )
            let limit = section.value(
                "deployments", .integer(in: 10...100_000), default: 5000,
                "Deployments that are followed; further ones are left out and counted.")
            if !isWatched, !namespaces.isEmpty {
                section.report("namespaces", "has no meaning with 'watch: false'; drop one of the two")
            }
            return (isWatched ? namespaces : nil, limit)
        }
        if eventNamespaces.isEmpty, rolloutNamespaces == nil {
            section.report(
                nil, "nothing is watched: name namespaces in 'events.namespaces', or drop 'rollouts.watch: false'")
        }
    }

    private struct Events {
        var namespaces: [String]
        var api: EventsAPI
        var perHour: Int
        var remembered: Int

        init(_ section: Section) {
            namespaces = ClusterWatchSettings.namespaces(
                section,
                "Namespaces whose events are kept. Default: none; of each the account must be allowed to read them.")
            api = section.value(
                "api", ValueType<EventsAPI>.choice(), default: .core,
                "`core`: `events` of the core group. `events.k8s.io`: the same events by that group, which is a right of its own."
            )
            perHour = section.value(
                "perHour", .integer(in: 100...1_000_000), default: 10_000,
                "Events of one namespace kept in an hour; more are left out and counted. Repetitions that come at once are one."
            )
            remembered = section.value(
                "remembered", .integer(in: 100...1_000_000), default: 10_000,
                "Events of one namespace remembered, so that none is kept twice: those that the API server has of an hour."
            )
        }
    }

    private static func namespaces(_ section: Section, _ doc: String) -> [String] {
        let names = section.values("namespaces", .name(), countMax: 200, doc)
        let twice = Set(names.filter { name in names.count { $0 == name } > 1 })
        if let first = twice.min() {
            section.report("namespaces", value: first, "is there more than once; name each namespace once")
        }
        return names
    }
}
