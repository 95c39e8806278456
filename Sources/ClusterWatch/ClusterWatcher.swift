import FlowControl
package import KubernetesAPI
package import Probing
package import Telemetry

/// Watches the events and the rollouts of a cluster at its API server and hands them on as edges.
///
/// Each collection has a list and a watch of its own; one that is refused, since a right is missing, is tried again and
/// stops none of the others.
package actor ClusterWatcher {
    /// What was counted since the watcher was made.
    package struct Counters: Sendable, Hashable {
        /// Lines of watches that were taken in.
        package var lines = 0
        /// Lists that came to their end.
        package var lists = 0
        /// Watches that were opened.
        package var watches = 0
        /// Objects or lines that could not be read.
        package var unreadable = 0
        /// Edges of events.
        package var events = 0
        /// Edges of events left out, since there were too many in an hour.
        package var eventsShed = 0
        /// Events forgotten, since there were too many to remember.
        package var eventsForgotten = 0
        /// Edges of rollouts.
        package var rollouts = 0
        /// Times that a Deployment was left out beyond the limit.
        package var deploymentsLeftOut = 0
        /// Edges dropped since storing them took too long.
        package var edgesDropped = 0
        /// Edges stored.
        package var edgesStored = 0

        /// Nothing happened.
        package init() {}
    }

    /// How one watch stands.
    package struct Standing: Sendable, Hashable {
        /// What it is of, such as `events of shop`.
        package var name: String
        /// Why it is not up; nil while it is.
        package var problem: KubernetesClient.Problem?
        /// Since when it has not been up.
        package var brokenSince: Timestamp?
    }

    /// Edges in one batch at most.
    private static let batchMax = 500

    private let configuration: ClusterWatchConfiguration
    private let http: any HTTPFetching & HTTPStreaming
    private let wallClock: @Sendable () -> Timestamp
    private let wake = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private var counted = Counters()
    private var standings: [String: Standing] = [:]
    private var events: [String: EventTracker] = [:]
    private var rollouts: RolloutTracker
    private var waiting: BoundedQueue<Edge>
    private var sequence: UInt64 = 0

    /// Makes a watcher.
    ///
    /// - Parameters:
    ///   - wallClock: dates what the API does not.
    ///   - stored: edges of before a restart, so that none of them is made again.
    package init(
        _ configuration: ClusterWatchConfiguration, http: any HTTPFetching & HTTPStreaming,
        wallClock: @escaping @Sendable () -> Timestamp, stored: [Edge] = []
    ) {
        self.configuration = configuration
        self.http = http
        self.wallClock = wallClock
        waiting = BoundedQueue(capacity: max(1, configuration.waitingMax), policy: .dropOldest)
        var rollouts = RolloutTracker(configuration.rollouts)
        var events: [String: EventTracker] = [:]
        for namespace in configuration.eventNamespaces { events[namespace] = EventTracker(configuration.events) }
        for edge in stored {
            if edge.kind == .kubernetesEvent {
                events[edge.labels[LabelName.namespace] ?? ""]?.restore(edge)
            } else {
                rollouts.restore(edge)
            }
        }
        self.rollouts = rollouts
        self.events = events
    }

    /// What was counted so far.
    package var counters: Counters {
        var counters = counted
        counters.events = events.values.reduce(0) { $0 + $1.counters.edges }
        counters.eventsShed = events.values.reduce(0) { $0 + $1.counters.edgesShed }
        counters.eventsForgotten = events.values.reduce(0) { $0 + $1.counters.eventsForgotten }
        counters.rollouts = rollouts.edges
        counters.deploymentsLeftOut = rollouts.leftOut
        counters.edgesDropped = Int(clamping: waiting.droppedCount)
        return counters
    }

    /// How each watch stands, by name.
    package var watches: [Standing] { standings.values.sorted { $0.name < $1.name } }

    /// Watches until the task is cancelled.
    ///
    /// - Parameter store: makes a batch durable and says whether it is. One that is not is offered again after a pause,
    ///   and what comes meanwhile waits.
    package func run(store: @escaping @Sendable (EdgeBatch) async -> Bool) async {
        await withDiscardingTaskGroup { group in
            for namespace in configuration.eventNamespaces {
                group.addTask { await self.followEvents(of: namespace) }
            }
            for scope in configuration.rolloutScope.scopes {
                group.addTask { await self.follow(ReplicaSetState.self, in: scope) }
                group.addTask { await self.follow(DeploymentState.self, in: scope) }
            }
            group.addTask { await self.deliver(store) }
        }
    }

    // MARK: - Watches

    private func followEvents(of namespace: String) async {
        // No bookmarks come, so silence tells nothing: a watch is kept open shorter, which bounds a dead connection.
        let collection = ListWatch<ClusterEvent>.Collection(
            path: configuration.eventsAPI.path(namespace), name: "events of \(namespace)",
            pageSize: configuration.pageSize, idleTimeout: .seconds(240), watchSeconds: 120...180,
            sendsBookmarks: false, backoff: configuration.backoff)
        await ListWatch(collection, at: configuration.endpoint, http: http).run(
            known: { events[namespace]?.count ?? 0 },
            take: { news in
                note(news, collection.name)
                let now = wallClock()
                let deployment = { (kind: String, name: String) in
                    self.rollouts.deployment(of: kind, name, in: namespace)
                }
                switch news {
                case .listed(let all, let isComplete):
                    emit(
                        events[namespace]?.take(all: all, isComplete: isComplete, now: now, deployment: deployment)
                            ?? [])
                case .changed(let event):
                    emit(events[namespace]?.take(event, now: now, deployment: deployment))
                case .deleted(let event): events[namespace]?.remove(event.uid)
                default: break
                }
            })
    }

    /// Follows one of the collections that rollouts are made of.
    private func follow<Object: RolloutObject>(_ objects: Object.Type, in scope: String?) async {
        let collection = ListWatch<Object>.Collection(
            path: "/apis/apps/v1/" + (scope.map { "namespaces/\(QueryText.escaped($0))/" } ?? "") + Object.resource,
            name: scope.map { "\(Object.resource) of \($0)" } ?? Object.resource, pageSize: configuration.pageSize,
            backoff: configuration.backoff)
        await ListWatch(collection, at: configuration.endpoint, http: http).run(
            known: { rollouts.count },
            take: { news in
                note(news, collection.name)
                let now = wallClock()
                switch news {
                case .listed(let all, let isComplete):
                    emit(Object.take(all, in: scope, isComplete: isComplete, now: now, into: &rollouts))
                case .changed(let object): emit(object.take(now: now, into: &rollouts))
                case .deleted(let object): object.remove(from: &rollouts)
                default: break
                }
            })
    }

    private func note<Object>(_ news: ListWatch<Object>.News, _ name: String) {
        // Answers come in on other executors, and only the compiler's word stands for the way back.
        assertIsolated()
        switch news {
        case .listed: counted.lists += 1
        case .changed, .deleted, .unchanged: counted.lines += 1
        case .garbled:
            counted.lines += 1
            counted.unreadable += 1
        case .unreadable(let count): counted.unreadable += count
        case .asking: counted.watches += 1
        case .watching: standings[name] = Standing(name: name)
        case .broken(let problem):
            let since = standings[name]?.brokenSince ?? wallClock()
            standings[name] = Standing(name: name, problem: problem, brokenSince: since)
        }
    }

    // MARK: - Delivery

    private func emit(_ edge: Edge?) {
        if let edge { emit([edge]) }
    }

    private func emit(_ edges: [Edge]) {
        guard !edges.isEmpty else { return }
        for edge in edges { waiting.append(edge) }
        wake.continuation.yield()
    }

    private func deliver(_ store: @Sendable (EdgeBatch) async -> Bool) async {
        var generator = SystemRandomNumberGenerator()
        var backoff = Backoff(base: .milliseconds(200), cap: .seconds(10))
        for await _ in wake.stream {
            while !Task.isCancelled, let batch = nextBatch() {
                while !Task.isCancelled, await !store(batch) {
                    try? await Task.sleep(for: backoff.next(using: &generator))
                }
                guard !Task.isCancelled else { return }
                backoff.reset()
                counted.edgesStored += batch.edges.count
            }
        }
    }

    private func nextBatch() -> EdgeBatch? {
        var edges: [Edge] = []
        while edges.count < Self.batchMax, let edge = waiting.popFirst() { edges.append(edge) }
        guard !edges.isEmpty else { return nil }
        sequence += 1
        return EdgeBatch(sequence: sequence, edges: edges)
    }
}
