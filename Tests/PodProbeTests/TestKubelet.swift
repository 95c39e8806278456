import CurlHTTP
import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

/// A running kubelet replay with certificate, token file and probes that speak to it.
struct TestKubelet {
    static let node = "lab-node-1"
    /// One client for all tests, as in an agent.
    static let client = CurlHTTPClient()
    static let token = "eyJhbGciOi.test-token"

    let replay: KubeletReplay
    let port: Int
    let tls: TestTLS
    let tokenFile: String

    /// Runs `body` with a started kubelet and stops it.
    static func with(
        _ state: KubeletState, movesUsage: Bool = false, _ body: (TestKubelet) async throws -> Void
    ) async throws {
        let tls = try TestTLS.shared.get()
        let replay = KubeletReplay(
            state, tls: .init(certificateFile: tls.certificate, keyFile: tls.key), tokens: [token],
            movesUsage: movesUsage)
        let port = try await replay.start()
        let tokenFile = tls.directory + "/token-\(UUID().uuidString)"
        try (token + "\n").write(toFile: tokenFile, atomically: true, encoding: .utf8)
        do {
            try await body(TestKubelet(replay: replay, port: port, tls: tls, tokenFile: tokenFile))
        } catch {
            try await replay.stop()
            throw error
        }
        try await replay.stop()
    }

    var endpoint: String { "https://127.0.0.1:\(port)" }

    /// A configuration that works; tests break one thing of it.
    var configuration: PodProbeConfiguration {
        PodProbeConfiguration(
            node: Self.node, endpoint: endpoint, tokenFile: tokenFile,
            trust: .clusterCA(file: tls.certificate, serverName: Self.node),
            interval: .seconds(60), deadline: .seconds(30))
    }

    func probe(_ change: (inout PodProbeConfiguration) -> Void = { _ in }) -> PodProbe {
        var configuration = configuration
        change(&configuration)
        return PodProbe(configuration, fetcher: Self.client)
    }
}

/// Captures in `Tests/Fixtures/k8s`.
enum Captures {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/k8s").path

    /// When the two big captures were taken.
    static let first = Timestamp(millis: 1_795_560_226_000)
    static let second = Timestamp(millis: 1_795_560_256_000)

    static func state(_ number: Int) throws -> KubeletState {
        try (number == 1 ? firstState : secondState).get()
    }

    private static let firstState = Result { try load(1) }
    private static let secondState = Result { try load(2) }

    private static func load(_ number: Int) throws -> KubeletState {
        try KubeletState(
            podsFile: "\(directory)/kubelet/pods.\(number).json.gz",
            statsFile: "\(directory)/kubelet/stats-summary.\(number).json.gz",
            probesFile: "\(directory)/kubelet/metrics-probes.1.txt")
    }

    /// One of the 33 looks of the replay.
    static func frame(_ number: Int, in directory: String = "\(directory)/replay") throws -> KubeletState {
        let name = (number < 10 ? "0" : "") + String(number)
        return try KubeletState(
            podsFile: "\(directory)/pods.\(name).json.gz", statsFile: "\(directory)/stats.\(name).json.gz")
    }

    static let frames = 33

    static func frameTime(_ number: Int) -> Timestamp { Timestamp(millis: 1_795_559_874_680 + Int64(number) * 10_000) }
}

extension ProbeReport {
    /// The value of the one sample of `metric` for a pod and container.
    func value(_ metric: String, pod: String, container: String? = nil) -> Double? {
        samples.last { sample in
            sample.series.metric == metric && sample.series.labels[LabelName.pod] == pod
                && (container == nil || sample.series.labels[LabelName.container] == container)
        }?.value
    }

    func edges(of pod: String, _ kind: Edge.Kind? = nil) -> [Edge] {
        edges.filter { $0.labels[LabelName.pod] == pod && (kind == nil || $0.kind == kind) }
    }
}
