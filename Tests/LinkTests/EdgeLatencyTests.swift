import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import IngestWire
import KubeletReplay
import SwiftProtobuf
import Synchronization
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// How long it takes from a line of the pod watch to the block that carries its edge, through a started agent.
@Suite(.timeLimit(.minutes(5)), .serialized)
struct EdgeLatencyTests {
    /// Edges that are timed.
    private static let edges = 240
    /// Between two lines, so that each has a block of its own.
    private static let pause: Duration = .milliseconds(40)

    @Test func aLineOfTheWatchIsABlockOnTheWireAtOnce() async throws {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let api = ApiServerReplay(
            tls: .init(certificateFile: lab.path("tls/coordinator.crt"), keyFile: lab.path("tls/coordinator.key")),
            tokens: ["api-token"])
        let apiPort = try await api.start()
        _ = try lab.folder.write("api-token\n", to: "token")
        for index in 0..<Self.edges { try api.send(Self.line(index, isReady: true, type: "ADDED")) }
        let receiver = StampingReceiver()
        let sent = try await receiver.run(in: lab) { port in
            _ = try lab.writeAgent(
                node: "node-a", interval: "10s", probes: "kubernetes: {tokenFile: token, caFile: tls/ca.crt}",
                coordinatorPort: port)
            let agent = try lab.startAgent(
                node: "node-a",
                variables: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "\(apiPort)"])
            let isUp = try await lab.eventually(within: .seconds(60)) {
                api.watchCount == 1 && receiver.hasStream ? true : nil
            }
            #expect(isUp == true)
            var sent: [Int: ContinuousClock.Instant] = [:]
            for index in 0..<Self.edges {
                sent[index] = .now
                try api.send(Self.line(index, isReady: false, type: "MODIFIED"))
                try await Task.sleep(for: Self.pause)
            }
            let isComplete = try await lab.eventually(within: .seconds(60)) {
                receiver.stamps.count == Self.edges ? true : nil
            }
            #expect(isComplete == true, "\(receiver.stamps.count) of \(Self.edges) edges came")
            try await agent.terminate()
            return sent
        }
        try await api.stop()
        let stamps = receiver.stamps
        let latencies = sent.compactMap { index, time in stamps["pod-\(index)"].map { $0 - time } }.sorted()
        try #require(latencies.count == Self.edges)
        let (median, p99) = (latencies[Self.edges / 2], latencies[Self.edges * 99 / 100])
        let worst = latencies[Self.edges - 1]
        FileHandle.standardError.write(
            Data("edge latency: median \(median), p99 \(p99), worst \(worst) of \(Self.edges)\n".utf8))
        // Milliseconds on a machine of its own; what waits for a flush of samples (a second) or for the interval (ten
        // here) shows even on a busy one.
        #expect(p99 < .seconds(1))
    }

    private static func line(_ index: Int, isReady: Bool, type: String) -> [UInt8] {
        let version = 100 + index + (isReady ? 0 : edges)
        return Array(
            """
            {"type":"\(type)","object":{"kind":"Pod","metadata":{"namespace":"shop","name":"pod-\(index)",\
            "uid":"uid-\(index)","resourceVersion":"\(version)"},\
            "spec":{"nodeName":"node-a","containers":[{"name":"app"}]},\
            "status":{"phase":"Running","conditions":[{"type":"Ready","status":"\(isReady ? "True" : "False")"}],\
            "containerStatuses":[{"name":"app","ready":\(isReady),"restartCount":0,"image":"app:1",\
            "containerID":"containerd://\(index)","state":{"running":{"startedAt":"2026-11-01T00:00:00Z"}}}]}}}
            """.utf8)
    }
}

/// The receiving end of agents' streams: acknowledges all frames, and notes when the first edge of each pod came.
private final class StampingReceiver: Tocsin_V1_Ingest.SimpleServiceProtocol, TestCoordinator {
    private struct State {
        var stamps: [String: ContinuousClock.Instant] = [:]
        var hasStream = false
    }

    private let state = Mutex(State())

    var stamps: [String: ContinuousClock.Instant] { state.withLock { $0.stamps } }
    var hasStream: Bool { state.withLock { $0.hasStream } }

    func connect(
        request: RPCAsyncSequence<Tocsin_V1_AgentMessage, any Error>,
        response: RPCWriter<Tocsin_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        for try await message in request {
            let now = ContinuousClock.now
            switch message.message {
            case .hello:
                try await response.write(
                    .with {
                        $0.welcome = .with {
                            $0.ackWindow = 64
                            $0.capabilities = LinkCapability.names(of: LinkCapability.supported)
                        }
                    })
                state.withLock { $0.hasStream = true }
            case .frame(let frame):
                if case .edgeBatch(let batch) = frame.payload {
                    state.withLock { state in
                        for edge in batch.edges where edge.kind == Edge.Kind.readinessChanged.rawValue {
                            guard let pod = edge.labels.first(where: { $0.name == LabelName.pod })?.value else {
                                continue
                            }
                            if state.stamps[pod] == nil { state.stamps[pod] = now }
                        }
                    }
                }
                try await response.write(.with { $0.ack = .with { $0.durableSequence = frame.sequence } })
            case .heartbeat, .targetReport, nil: break
            }
        }
    }
}
