import ClusterWatch
import CurlHTTP
import FlowControl
import Foundation
import KubeletReplay
import KubernetesAPI
import Probing
import Synchronization
import Telemetry
import Testing

/// A running API server replay and a watcher at it, whose edges are collected.
struct TestCluster {
    static let token = "eyJhbGciOi.test-token"
    static let events = "/api/v1/namespaces/oddsmaker/events"
    static let replicaSets = "/apis/apps/v1/replicasets"
    static let deployments = "/apis/apps/v1/deployments"

    let replay: ApiServerReplay
    let watcher: ClusterWatcher
    let tokenFile: String
    let stored: StoredEdges

    static func with(
        stored before: [Edge] = [], pageSize: Int = 250,
        configure: (inout ClusterWatchConfiguration) -> Void = { _ in },
        preparing prepare: (ApiServerReplay) throws -> Void = { _ in }, _ body: (TestCluster) async throws -> Void
    ) async throws {
        let tls = try TestTLS.shared.get()
        let replay = ApiServerReplay(
            tls: .init(certificateFile: tls.certificate, keyFile: tls.key), tokens: [token])
        let port = try await replay.start()
        try prepare(replay)
        let tokenFile = tls.directory + "/token-\(UUID().uuidString)"
        try (token + "\n").write(toFile: tokenFile, atomically: true, encoding: .utf8)
        let endpoint = KubernetesEndpoint(
            url: "https://127.0.0.1:\(port)", tokenFile: tokenFile,
            trust: .roots(file: tls.certificate, serverName: "lab-node-1"), deadline: .seconds(60))
        var configuration = ClusterWatchConfiguration(
            endpoint: endpoint, eventNamespaces: ["oddsmaker"], pageSize: pageSize,
            // Half a minute of jitter after a few refusals is right in a cluster and says nothing here.
            backoff: Backoff(base: .milliseconds(50), cap: .milliseconds(500)))
        configure(&configuration)
        let client = CurlHTTPClient()
        let watcher = ClusterWatcher(configuration, http: client, wallClock: { ClusterCapture.now }, stored: before)
        let collected = StoredEdges()
        let test = TestCluster(replay: replay, watcher: watcher, tokenFile: tokenFile, stored: collected)
        let run = Task { await watcher.run { collected.take($0) } }
        var failure: (any Error)?
        do { try await body(test) } catch { failure = error }
        run.cancel()
        await run.value
        await client.shutdown()
        try await replay.stop()
        if let failure { throw failure }
    }

    /// Waits for a condition; fails the test after a minute, which is the machine's share and not the watcher's.
    func until(_ what: String, _ condition: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while await !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("not within 60 s: \(what); \(await watcher.counters) \(await watcher.watches)")
                Issue.record("\(replay.watchCount) open; \(replay.requests.suffix(12).map { "\($0.verb) \($0.uri)" })")
                throw TestTLSError.openssl(what)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Waits until every watch stands.
    func untilAllStand(_ count: Int = 3) async throws {
        try await until("all watches stand") {
            let watches = await watcher.watches
            return replay.watchCount == count && watches.count == count && watches.allSatisfy { $0.problem == nil }
        }
    }
}

/// What a watcher handed on.
final class StoredEdges: Sendable {
    private struct State {
        var batches: [EdgeBatch] = []
        var isRefusing = false
        var refused: [EdgeBatch] = []
    }

    private let state = Mutex(State())

    var batches: [EdgeBatch] { state.withLock { $0.batches } }
    var refused: [EdgeBatch] { state.withLock { $0.refused } }
    var edges: [Edge] { batches.flatMap(\.edges) }
    /// How often events happened, by all edges of them.
    var occurrences: Int { edges.filter { $0.kind == .kubernetesEvent }.reduce(0) { $0 + $1.count } }

    func refuse(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }

    func take(_ batch: EdgeBatch) -> Bool {
        state.withLock { state in
            if state.isRefusing {
                state.refused.append(batch)
                return false
            }
            state.batches.append(batch)
            return true
        }
    }
}
