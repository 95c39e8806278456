import ClusterWatch
import CurlHTTP
import KubernetesAPI
import Logging
import SampleStore
import ServiceLifecycle
import Synchronization
import Telemetry
import TocsinProto

/// Watches the events and rollouts of a cluster and has them stored as the edges of an agent are: made durable, then
/// judged.
struct ClusterWatchService: Service {
    /// What is asked of the store at the start: longer than a rollout is news, and than an API server keeps events.
    private static let storedSpan: Duration = .seconds(25 * 3600)
    /// Edges read at the start at most.
    private static let storedMax = 200_000
    /// How often the state is published.
    private static let interval: Duration = .seconds(5)

    /// The cluster's name.
    let cluster: String
    let configuration: ClusterWatchConfiguration
    let store: SampleStore
    let writer: StoreWriter
    let board: ClusterWatchBoard
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let session = StoreWriter.Session(
            agent: FleetRegistry.AgentKey(cluster: cluster, node: SessionKey.ownNode), id: id)
        let client = CurlHTTPClient()
        let watcher = ClusterWatcher(configuration, http: client, wallClock: now, stored: await stored())
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await watcher.run { await self.keep($0, of: session) } }
                group.addTask { await self.publish(watcher) }
            }
        }
        await client.shutdown()
    }

    /// What was stored before a restart, so that it is not made again.
    private func stored() async -> [Edge] {
        do {
            let kinds: [Edge.Kind] = [.kubernetesEvent, .rolloutStarted, .rolloutFinished, .rolloutStuck]
            return try await store.lastEdges(
                of: kinds, cluster: cluster, since: now() - Self.storedSpan, limit: Self.storedMax)
        } catch {
            logger.error(
                "what was stored of events and rollouts cannot be read; some may be stored twice",
                metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Whether a batch is durable now.
    private func keep(_ batch: EdgeBatch, of session: StoreWriter.Session) async -> Bool {
        var frame = Tocsin_V1_Frame()
        frame.sequence = batch.sequence
        let content = DecodedFrame.edges(batch.edges)
        return await withCheckedContinuation { continuation in
            writer.submit(
                StoreWriter.Entry(
                    session: session, stream: nil, frame: frame, content: content,
                    timeRange: content.timeRange, chainStart: nil,
                    definitions: nil, isBackfill: false, clockOffset: .zero, receivedAt: now(),
                    completion: { result in
                        if case .success = result {
                            continuation.resume(returning: true)
                        } else {
                            continuation.resume(returning: false)
                        }
                    }))
        }
    }

    private func publish(_ watcher: ClusterWatcher) async {
        var broken: Set<String> = []
        while !Task.isCancelled {
            let watches = await watcher.watches
            board.set(await watcher.counters, watches)
            broken = log(watches, known: broken)
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Says once that a watch is broken, and once that it is up again; an orderly end is over before it counts.
    private func log(_ watches: [ClusterWatcher.Standing], known: Set<String>) -> Set<String> {
        var broken: Set<String> = []
        for watch in watches {
            guard let problem = watch.problem, let since = watch.brokenSince, now() - since >= .seconds(60) else {
                if watch.problem == nil, known.contains(watch.name) {
                    logger.notice("a watch of the cluster is up again", metadata: ["of": "\(watch.name)"])
                }
                continue
            }
            broken.insert(watch.name)
            if !known.contains(watch.name) {
                logger.warning(
                    "a watch of the cluster is broken; it is tried again", metadata: ["reason": "\(problem.message)"])
            }
        }
        return broken
    }
}

/// What the watch of a cluster last said of itself, for `/metrics`.
final class ClusterWatchBoard: Sendable {
    private struct State {
        var counters = ClusterWatcher.Counters()
        var watches: [ClusterWatcher.Standing] = []
    }

    private let state = Mutex(State())

    func set(_ counters: ClusterWatcher.Counters, _ watches: [ClusterWatcher.Standing]) {
        state.withLock { $0 = State(counters: counters, watches: watches) }
    }

    /// Names less their prefix, whether they only rise, and values.
    var figures: [(name: String, isCounter: Bool, value: Int)] {
        let state = state.withLock { $0 }
        let counters = state.counters
        return [
            ("kubernetes_watches_up", false, state.watches.count { $0.problem == nil }),
            ("kubernetes_watches_broken", false, state.watches.count { $0.problem != nil }),
            ("kubernetes_lines_total", true, counters.lines),
            ("kubernetes_lists_total", true, counters.lists),
            ("kubernetes_unreadable_total", true, counters.unreadable),
            ("kubernetes_events_total", true, counters.events),
            ("kubernetes_events_shed_total", true, counters.eventsShed),
            ("kubernetes_events_forgotten_total", true, counters.eventsForgotten),
            ("kubernetes_rollouts_total", true, counters.rollouts),
            ("kubernetes_deployments_left_out_total", true, counters.deploymentsLeftOut),
            ("kubernetes_edges_dropped_total", true, counters.edgesDropped),
        ]
    }
}
