import FoundationEssentials
package import Probing
package import Telemetry

/// Follows the pods of one node at the API server: edges as they happen, samples at each run, usage from the kubelet.
///
/// `watch()` has to run beside the probe. Edges go out through the runner at once; what comes before it is there
/// waits for a run. While the watch is broken the last state is reported for `staleAfter`; then the target fails with
/// the reason.
package actor WatchingPodProbe: PushingProbe, DiscoveringProbe {
    /// What was counted since the probe was made.
    package struct Counters: Sendable, Hashable {
        /// Lines of the watch that were taken in.
        package var lines = 0
        /// Lists that came to their end.
        package var lists = 0
        /// Watches that were opened.
        package var watches = 0
        /// Pods or lines that could not be read.
        package var unreadable = 0
        /// Pods that were not taken on beyond `podsMax`, counted each time.
        package var podsLeftOut = 0
        /// Containers beyond `containersPerPodMax`, counted each time.
        package var containersLeftOut = 0
        /// Edges dropped since nobody took them.
        package var edgesDropped = 0

        /// Nothing happened.
        package init() {}
    }

    package nonisolated let target: Target
    /// What was counted so far.
    package private(set) var counters = Counters()

    private let configuration: PodWatchConfiguration
    private let http: any HTTPFetching & HTTPStreaming
    private let server: KubeletClient
    private let kubelet: KubeletClient?
    private let wallClock: @Sendable () -> Timestamp
    private let outlet = EdgeOutlet()
    private let discovery = DiscoveryOutlet()
    private var tracker: PodTracker
    private var machine = PodWatchMachine()
    private var pods: [String: KubeletPod] = [:]
    private var waitingEdges: [Edge] = []
    private var isSynced = false
    private var brokenSince: Timestamp?
    private var problem = KubeletClient.Problem(failureClass: .unavailable, message: "the pod list has not come yet")

    /// Makes a probe; `wallClock` dates what the source does not.
    package init(
        _ configuration: PodWatchConfiguration, http: any HTTPFetching & HTTPStreaming,
        wallClock: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.http = http
        self.wallClock = wallClock
        target = configuration.target
        server = KubeletClient(configuration: configuration.server, fetcher: http)
        kubelet = configuration.kubelet.map { KubeletClient(configuration: $0, fetcher: http) }
        tracker = PodTracker(node: configuration.server.node)
    }

    /// Where edges go between two runs; see `PushingProbe`.
    package nonisolated func pushes(to outlet: @escaping @Sendable ([Edge]) -> Void) {
        self.outlet.connect(outlet)
    }

    /// Where annotated endpoints go with each change; see `DiscoveringProbe`.
    package nonisolated func discovers(to outlet: @escaping @Sendable (PodDiscovery) -> Void) {
        discovery.connect(outlet)
    }

    /// Lists and watches until the task is cancelled.
    package func watch() async {
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let isFine: Bool
            switch machine.request {
            case .list(let token): isFine = await list(continuing: token)
            case .watch(let version): isFine = await follow(since: version, using: &generator)
            }
            if isFine { continue }
            try? await Task.sleep(for: machine.pause(using: &generator))
        }
    }

    package func run(startedAt: Timestamp) async -> ProbeReport {
        var usage: KubeletStats?
        var outcome = ProbeOutcome.success
        if let kubelet, isSynced {
            switch await Self.usage(kubelet) {
            case .success(let stats): usage = stats
            case .failure(let problem):
                outcome = .failure(problem.failureClass, "GET /stats/summary of the kubelet: \(problem.message)")
            }
        }
        defer { waitingEdges = [] }
        if let stale = staleness(at: startedAt) { return ProbeReport(outcome: stale, edges: waitingEdges) }
        let usageByUID = Dictionary((usage?.pods ?? []).map { ($0.podRef.uid, $0) }, uniquingKeysWith: { $1 })
        var samples = PodSamples(now: startedAt)
        for pod in pods.values.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            guard let tracked = tracker.pods[pod.uid] else { continue }
            samples.add(pod, tracked, usage: usageByUID[pod.usageUID])
        }
        tracker.sampled(at: startedAt)
        return ProbeReport(outcome: outcome, samples: samples.samples, edges: waitingEdges)
    }

    private func staleness(at now: Timestamp) -> ProbeOutcome? {
        let isStale = brokenSince.map { now - $0 >= configuration.staleAfter } ?? false
        return !isSynced || isStale ? .failure(problem.failureClass, problem.message) : nil
    }

    private static func usage(_ kubelet: KubeletClient) async -> Result<KubeletStats, KubeletClient.Problem> {
        let credentials: [Label]
        do {
            credentials = try kubelet.credentials()
        } catch {
            return .failure(error)
        }
        return await kubelet.get("/stats/summary", credentials: credentials).flatMap { bytes in
            guard let stats = try? JSONDecoder().decode(KubeletStats.self, from: Data(bytes)) else {
                let message = "\(bytes.count) bytes that are not the JSON expected"
                return .failure(KubeletClient.Problem(failureClass: .body, message: message))
            }
            return .success(stats)
        }
    }
}

// MARK: - List

extension WatchingPodProbe {
    private var selector: String { "fieldSelector=spec.nodeName%3D" + Self.escaped(configuration.server.node) }

    private func list(continuing token: String?) async -> Bool {
        let path =
            "/api/v1/pods?\(selector)&limit=\(configuration.pageSize)"
            + (token.map { "&continue=" + Self.escaped($0) } ?? "")
        let answer: Result<[UInt8], KubeletClient.Problem>
        do {
            answer = await server.get(path, credentials: try server.credentials())
        } catch {
            answer = .failure(error)
        }
        switch answer {
        case .failure(let problem):
            machine.listFailed()
            broken(problem, doing: "listing pods")
            return false
        case .success(let bytes):
            guard let page = try? JSONDecoder().decode(WatchedPodList.self, from: Data(bytes)) else {
                machine.listFailed()
                let message = "\(bytes.count) bytes that are no pod list"
                broken(KubeletClient.Problem(failureClass: .body, message: message), doing: "listing pods")
                return false
            }
            return take(page)
        }
    }

    /// Whether the next request may go out at once.
    private func take(_ page: WatchedPodList) -> Bool {
        counters.unreadable += page.list.unreadable
        let snapshot = machine.page(page, knownPods: pods.count)
        if let snapshot {
            take(snapshot)
            return true
        }
        return page.next != nil
    }

    private func take(_ snapshot: PodWatchMachine.Snapshot) {
        counters.lists += 1
        let now = wallClock()
        var kept = Array(Dictionary(snapshot.pods.map { ($0.uid, $0) }, uniquingKeysWith: { $1 }).values)
        kept.sort { ($0.namespace, $0.name, $0.uid) < ($1.namespace, $1.name, $1.uid) }
        let limit = configuration.server.podsMax
        if kept.count > limit {
            counters.podsLeftOut += kept.count - limit
            kept = Array((kept.filter { pods[$0.uid] != nil } + kept.filter { pods[$0.uid] == nil }).prefix(limit))
        }
        kept = kept.map(bounded)
        let edges = tracker.replaceAll(
            kept, listed: Set(snapshot.pods.map(\.uid)), isComplete: snapshot.isComplete, now: now)
        pods = Dictionary(kept.map { ($0.uid, $0) }, uniquingKeysWith: { $1 })
        isSynced = true
        brokenSince = nil
        emit(edges)
        discover()
    }

    private func bounded(_ pod: KubeletPod) -> KubeletPod {
        let excess = pod.containers.count - configuration.server.containersPerPodMax
        guard excess > 0 else { return pod }
        counters.containersLeftOut += excess
        var pod = pod
        pod.containers.removeLast(excess)
        return pod
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: bytes.append(byte)
            default: bytes += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// MARK: - Watch

extension WatchingPodProbe {
    private func follow(since version: String, using generator: inout SystemRandomNumberGenerator) async -> Bool {
        // Ends spread over two minutes, so that a fleet does not come back at one moment.
        let seconds = Int.random(in: 240...360, using: &generator)
        let credentials: [Label]
        do {
            credentials = try server.credentials()
        } catch {
            broken(error, doing: "watching pods")
            return false
        }
        let path =
            "/api/v1/pods?watch=1&allowWatchBookmarks=true&\(selector)&resourceVersion=\(Self.escaped(version))"
            + "&timeoutSeconds=\(seconds)"
        let request = HTTPRequest(
            url: configuration.server.endpoint + path, headers: [Label("Accept", "application/json")] + credentials,
            connectTimeout: configuration.server.deadline / 2, totalTimeout: .seconds(seconds + 30),
            trust: server.trust)
        counters.watches += 1
        var reader = WatchReader()
        let failure = await http.stream(request, limits: HTTPStreamLimits(idleTimeout: configuration.idleTimeout)) {
            part in
            for line in reader.take(part) where !Task.isCancelled {
                counters.lines += 1
                guard take(WatchMessage(line), &reader) else { return false }
            }
            if reader.isOpen { brokenSince = nil }
            return !reader.isGarbled
        }
        guard !Task.isCancelled else { return true }
        end(reader, failure)
        // An orderly end is the server's timeout: no trouble, yet the pause spreads the fleet.
        return false
    }

    private func take(_ message: WatchMessage, _ reader: inout WatchReader) -> Bool {
        let now = wallClock()
        switch message {
        case .changed(var pod, let version):
            machine.advanced(to: version)
            pod = bounded(pod)
            guard pods[pod.uid] != nil || pods.count < configuration.server.podsMax else {
                counters.podsLeftOut += 1
                return true
            }
            pods[pod.uid] = pod
            emit(tracker.update(pod, now: now))
            discover()
        case .deleted(let pod, let version):
            machine.advanced(to: version)
            pods[pod.uid] = nil
            emit(tracker.remove(bounded(pod), now: now))
            discover()
        case .bookmark(let version):
            machine.advanced(to: version)
            tracker.touched(at: now)
        case .failed(let code, let message):
            reader.error = (code, message)
            return false
        case .unreadable(let version):
            counters.unreadable += 1
            machine.advanced(to: version)
        }
        return true
    }

    private func end(_ reader: WatchReader, _ failure: HTTPFailure?) {
        let doing = "watching pods"
        if let (code, message) = reader.error {
            machine.ended(.refused(status: code, inLine: true))
            broken(KubeletClient.Problem(failureClass: .status, message: "\(code) \(message)"), doing: doing)
        } else if reader.isGarbled {
            machine.ended(.garbled)
            broken(KubeletClient.Problem(failureClass: .body, message: "a line is too long"), doing: doing)
        } else if let status = reader.refusal {
            machine.ended(.refused(status: status, inLine: false))
            let response = HTTPResponse(status: status, headers: [], body: reader.refusalBody, duration: .zero)
            broken(server.refusal(response), doing: doing)
        } else if let failure {
            machine.ended(failure.failureClass == .timeout && failure.connected ? .silent : .cut)
            broken(KubeletClient.Problem(failureClass: failure.failureClass, message: failure.message), doing: doing)
        } else {
            machine.ended(.closed)
            broken(
                KubeletClient.Problem(failureClass: .unavailable, message: "the API server ended the watch"),
                doing: doing)
        }
    }

    private func broken(_ problem: KubeletClient.Problem, doing: String) {
        self.problem = problem
        self.problem.message = "\(doing): \(problem.message)"
        if brokenSince == nil { brokenSince = wallClock() }
    }

    /// Linear in the pods of one node, and cheap beside the line of JSON that led to it.
    private func discover() {
        discovery.send(PodDiscovery(pods.values) { tracker.pods[$0.uid]?.labels })
    }

    private func emit(_ edges: [Edge]) {
        guard !edges.isEmpty, !outlet.send(edges) else { return }
        waitingEdges += edges
        let excess = waitingEdges.count - configuration.edgesMax
        guard excess > 0 else { return }
        counters.edgesDropped += excess
        waitingEdges.removeFirst(excess)
    }
}
