import CurlHTTP
import Foundation
import KubeletReplay
import PodProbe
import Probing
import Synchronization
import Telemetry
import Testing

/// A running API server replay and a probe that watches it, with a clock that the test sets.
struct TestApiServer {
    let replay: ApiServerReplay
    let probe: WatchingPodProbe
    let tokenFile: String
    let clock: TestClock
    let pushed: PushedEdges

    static func with(
        idleTimeout: Duration = .seconds(30), pageSize: Int = 250,
        preparing prepare: (ApiServerReplay) throws -> Void = { _ in },
        _ body: (TestApiServer) async throws -> Void
    ) async throws {
        let tls = try TestTLS.shared.get()
        let replay = ApiServerReplay(
            tls: .init(certificateFile: tls.certificate, keyFile: tls.key), tokens: [TestKubelet.token])
        let port = try await replay.start()
        try prepare(replay)
        let tokenFile = tls.directory + "/token-\(UUID().uuidString)"
        try (TestKubelet.token + "\n").write(toFile: tokenFile, atomically: true, encoding: .utf8)
        let server = PodProbeConfiguration(
            node: TestKubelet.node, endpoint: "https://127.0.0.1:\(port)", tokenFile: tokenFile,
            trust: .clusterCA(file: tls.certificate, serverName: TestKubelet.node), interval: .seconds(60),
            deadline: .seconds(5))
        let clock = TestClock()
        let client = CurlHTTPClient()
        let probe = WatchingPodProbe(
            PodWatchConfiguration(
                server: server, kubelet: nil, pageSize: pageSize, idleTimeout: idleTimeout, staleAfter: .seconds(30)),
            http: client, wallClock: { clock.now })
        let pushed = PushedEdges()
        probe.pushes { edges in pushed.add(edges, at: clock.now) }
        let test = TestApiServer(replay: replay, probe: probe, tokenFile: tokenFile, clock: clock, pushed: pushed)
        let watch = Task { await probe.watch() }
        var failure: (any Error)?
        do { try await body(test) } catch { failure = error }
        watch.cancel()
        await watch.value
        await client.shutdown()
        try await replay.stop()
        if let failure { throw failure }
    }

    /// Waits for a condition on the probe's counters; fails the test after 20 seconds.
    func until(_ what: String, _ condition: (WatchingPodProbe.Counters) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while await !condition(probe.counters) {
            guard ContinuousClock.now < deadline else {
                Issue.record("not within 20 s: \(what); \(await probe.counters)")
                throw TestTLSError.openssl(what)
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

final class TestClock: Sendable {
    private let time = Mutex(Timestamp(millis: 1_795_559_870_000))
    var now: Timestamp { time.withLock { $0 } }
    func set(_ now: Timestamp) { time.withLock { $0 = now } }
}

/// What the probe pushed, with both clocks.
final class PushedEdges: Sendable {
    struct Batch: Sendable {
        var edges: [Edge]
        var at: Timestamp
        var instant: ContinuousClock.Instant
    }

    private let state = Mutex<[Batch]>([])
    var batches: [Batch] { state.withLock { $0 } }
    var edges: [Edge] { batches.flatMap(\.edges) }
    func add(_ edges: [Edge], at time: Timestamp) {
        state.withLock { $0.append(Batch(edges: edges, at: time, instant: .now)) }
    }
}
