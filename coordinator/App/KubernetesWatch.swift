package import ClusterWatch
import CoordinatorSettings
import KubernetesAPI
import Probing
import TargetSettings

/// A cluster whose events and rollouts are watched.
package struct KubernetesWatch: Sendable, Hashable {
    /// Its name, as its agents say it.
    package var cluster: String
    /// What is watched of it.
    package var watch: ClusterWatchConfiguration

    /// Takes what the file says.
    init(_ settings: ClusterWatchSettings) {
        cluster = settings.cluster
        var events = EventTracker.Configuration()
        (events.eventsMax, events.edgesPerHourMax) = (settings.eventsRemembered, settings.eventsPerHour)
        var rollouts = RolloutTracker.Configuration()
        rollouts.deploymentsMax = settings.deploymentsMax
        let scope: ClusterWatchConfiguration.RolloutScope =
            settings.rolloutNamespaces.map { $0.isEmpty ? .all : .namespaces($0) } ?? .none
        watch = ClusterWatchConfiguration(
            endpoint: KubernetesEndpoint(
                url: settings.access.apiServer, tokenFile: settings.access.tokenFile,
                trust: HTTPRequest.Trust(settings.access.trust),
                deadline: settings.timeout),
            eventNamespaces: settings.eventNamespaces,
            eventsAPI: settings.eventsAPI == .core ? .core : .events, events: events, rolloutScope: scope,
            rollouts: rollouts)
    }
}
