import PodProbe
import ServiceLifecycle

/// The pod watches, which run beside the probes that they feed.
struct PodWatchService: Service {
    let watchers: [WatchingPodProbe]
    /// Held here: the probes whose pods it follows know it weakly.
    let discovered: DiscoveredTargets

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for watcher in watchers { group.addTask { await watcher.watch() } }
                // Without a watch the service still lasts as long as the agent: a service that returns would end it.
                try? await gracefulShutdown()
            }
        }
    }
}
