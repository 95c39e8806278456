import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

/// What the API server says of the node, from captures of one whose kubelet was stopped.
@Suite(.timeLimit(.minutes(2)))
struct NodeConditionTests {
    private static func notReady() throws -> [UInt8] {
        let object = try WatchCapture.text("node-notready.json")
        let line = Data(object.split(separator: "\n").joined().utf8)
        return Array(#"{"type":"MODIFIED","object":"#.utf8) + line + Array("}".utf8)
    }

    private static func ready(_ replay: ApiServerReplay) throws {
        try replay.send(Array(try WatchCapture.text("watch-nodes.ndjson").utf8), to: ApiServerReplay.nodes)
    }

    private func conditions(_ report: ProbeReport) -> [String: Double] {
        let ours = report.samples.filter { $0.series.metric.hasPrefix("kube_node_") }
        #expect(ours.allSatisfy { $0.series.labels[LabelName.node] == "lab-node-1" })
        return Dictionary(
            uniqueKeysWithValues: ours.map { ($0.series.labels["condition"] ?? $0.series.metric, $0.value) })
    }

    @Test func aNodeWhoseKubeletIsSilentIsNotReadyAndItsPressuresUnknown() async throws {
        try await TestApiServer.with(preparing: Self.ready) { test in
            try await test.until("first list") { $0.lists == 1 }
            let start = test.clock.now
            let first = await test.probe.run(startedAt: start)
            let healthy = ["kube_node_ready": 1.0, "MemoryPressure": 0, "DiskPressure": 0, "PIDPressure": 0]
            #expect(conditions(first) == healthy && first.remarks.isEmpty)
            try test.replay.send(try Self.notReady(), to: ApiServerReplay.nodes)
            let between = await test.probe.run(startedAt: start + .seconds(10))
            #expect(conditions(between) == healthy, "asked for every half minute, repeated in between")
            let later = await test.probe.run(startedAt: start + .seconds(30))
            #expect(conditions(later) == ["kube_node_ready": 0])
            let asked = test.replay.requests.filter { $0.verb == .get }
            #expect(asked.map(\.uri) == Array(repeating: "/api/v1/nodes/lab-node-1?resourceVersion=0", count: 2))
        }
    }

    @Test func aMissingRightIsARemarkAndNothingElseIsMissing() async throws {
        try await TestApiServer.with(preparing: Self.ready) { test in
            try await test.until("first list") { $0.lists == 1 }
            let start = test.clock.now
            #expect(conditions(await test.probe.run(startedAt: start))["kube_node_ready"] == 1)
            test.replay.fail(.status(403, #"{"message":"nodes is forbidden"}"#), .get)
            for seconds in [30, 60, 90] {
                let report = await test.probe.run(startedAt: start + .seconds(seconds))
                #expect(report.outcome == .success)
                #expect(report.remarks.first?.hasPrefix("The node's conditions could not be read: 403") == true)
                #expect(conditions(report)["kube_node_ready"] == 1, "the last word, for a minute and a half")
            }
            #expect(conditions(await test.probe.run(startedAt: start + .seconds(120))).isEmpty)
            test.replay.fail(nil, .get)
            let mended = await test.probe.run(startedAt: start + .seconds(150))
            #expect(conditions(mended)["kube_node_ready"] == 1 && mended.remarks.isEmpty)
        }
    }
}
