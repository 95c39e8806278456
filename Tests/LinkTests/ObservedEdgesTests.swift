import Foundation
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// What agents and the cluster told, from the wire through the store to the command line.
@Suite(.serialized)
struct ObservedEdgesTests {
    private struct LogPiece: Decodable {
        var subject: String
        var kind: String
        var pod: String?
        var lines: [String]
    }

    private struct Rollout: Decodable {
        var subject: String
        var phase: String
        var images: [String: String]
    }

    private static func edge(_ kind: Edge.Kind, _ labels: LabelSet, _ attributes: LabelSet) -> Tocsin_V1_Edge {
        func protos(_ set: LabelSet) -> [Tocsin_V1_Label] {
            set.labels.map { label in
                .with {
                    $0.name = label.name
                    $0.value = label.value
                }
            }
        }
        return .with {
            $0.kind = kind.rawValue
            $0.atMillis = Int64(Date().timeIntervalSince1970 * 1000) - 5000
            $0.labels = protos(labels)
            $0.attributes = protos(attributes)
            $0.count = 1
        }
    }

    @Test func lastLinesEventsAndRolloutsAreSeenByTheUser() async throws {
        let lab = try await FeedLab()
        let coordinator = try await lab.lab.startCoordinator()
        let agent = RawAgent(lab: lab.lab, node: "node-a")
        let orders: LabelSet = [
            "namespace": "shop", "workload": "Deployment/orders", "pod": "orders-1", "node": "node-a",
        ]
        let other: LabelSet = ["namespace": "shop", "workload": "Deployment/bets", "node": "node-a"]
        let batch = Tocsin_V1_EdgeBatch.with {
            $0.edges = [
                Self.edge(
                    .logTail, orders, ["reason": "error_burst", "errors": "21", "lines": "ERROR one\nERROR two"]),
                Self.edge(.logTail, other, ["reason": "container_restarted", "lines": "Killed"]),
                Self.edge(
                    .kubernetesEvent, ["namespace": "shop", "pod": "orders-1"],
                    ["uid": "e1", "type": "Warning", "reason": "Unhealthy", "object": "Pod/orders-1", "total": "1"]),
                Self.edge(
                    .rolloutStarted, ["namespace": "shop", "workload": "Deployment/orders"],
                    ["uid": "d1", "revision": "2", "hash": "h2", "images": "web=shop:2"]),
            ]
        }
        let message = Tocsin_V1_AgentMessage.with {
            $0.frame = .with {
                $0.sequence = 1
                $0.lane = .fresh
                $0.edgeBatch = batch
            }
        }
        _ = try await agent.exchange([agent.hello(last: 1), message]) { $0.durable == 1 }
        let logs = try await lab.lab.json([LogPiece].self, ["workload", "log", "orders"])
        #expect(logs.map(\.subject) == ["shop/Deployment/orders"] && logs.map(\.kind) == ["tail"])
        #expect(logs.first?.lines == ["ERROR one", "ERROR two"] && logs.first?.pod == "orders-1")
        let table = try await lab.lab.tocsin(["workload", "log", "shop/Deployment/bets"])
        #expect(table.text.contains("last lines before it started again") && table.text.contains("Killed"))
        let events = try await lab.lab.tocsin(["cluster", "events", "-n", "shop", "-o", "json"])
        #expect(events.exit == .code(0) && events.text.contains(#""reason": "Unhealthy""#))
        let none = try await lab.lab.tocsin(["cluster", "events", "-n", "bets"])
        #expect(none.text == "No events.")
        let rollouts = try await lab.lab.json([Rollout].self, ["cluster", "rollouts", "--since", "1h"])
        #expect(rollouts.map(\.phase) == ["started"] && rollouts.first?.images == ["web": "shop:2"])
        #expect(rollouts.first?.subject == "shop/Deployment/orders")
        try await coordinator.terminate()
    }
}
