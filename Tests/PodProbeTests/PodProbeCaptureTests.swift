import Foundation
import KubeletReplay
import PodProbe
import Probing
import Telemetry
import Testing

@Suite struct PodProbeCaptureTests {
    /// `TOCSIN_UPDATE_GOLDEN=1` writes the files anew.
    private static let updates = ProcessInfo.processInfo.environment["TOCSIN_UPDATE_GOLDEN"] == "1"

    @Test func `a look at a real node yields the series of the contract`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let report = await kubelet.probe().run(startedAt: Captures.first)
            #expect(report.outcome == .success)
            #expect(report.edges.isEmpty, "the first look is the base line")
            #expect(Set(report.samples.map(\.series)).count == report.samples.count)
            try Self.compare(
                report.samples.map { "\($0.series) \($0.value) \($0.timestamp.millis)" }.sorted(), "look.1.txt")
        }
    }

    @Test func `two looks half a minute apart yield what changed`() async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let probe = kubelet.probe()
            _ = await probe.run(startedAt: Captures.first)
            kubelet.replay.show(try Captures.state(2))
            let report = await probe.run(startedAt: Captures.second)
            #expect(report.outcome == .success)
            try Self.compare(report.edges.map(\.line), "edges.1-2.txt")
        }
    }

    @Test func `series names and labels are those of the contract`() async throws {
        let perPod: Set = [
            "kube_pod_ready", "container_network_receive_bytes_total", "container_network_transmit_bytes_total",
        ]
        let perContainer: Set = [
            "kube_pod_container_restarts_total", "kube_pod_container_oom_kills_total", "kube_pod_container_ready",
            "container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_memory_rss_bytes",
            "container_spec_memory_limit_bytes", "container_ephemeral_storage_used_bytes",
        ]
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let report = await kubelet.probe().run(startedAt: Captures.first)
            #expect(Set(report.samples.map(\.series.metric)) == perPod.union(perContainer).union(["kube_pod_info"]))
            for sample in report.samples {
                let names = sample.series.labels.labels.map(\.name)
                let expected = ["namespace", "node", "pod", "workload"]
                switch sample.series.metric {
                case "kube_pod_info": #expect(names.filter { !["pod_ip", "revision"].contains($0) } == expected)
                case let metric: #expect(names == (perPod.contains(metric) ? expected : ["container"] + expected))
                }
                #expect(sample.series.labels[LabelName.node] == TestKubelet.node)
                #expect(sample.timestamp <= Captures.first && sample.timestamp > Captures.first - .seconds(60))
            }
        }
    }

    @Test(arguments: [
        ("oddsmaker-control-77f67f84db-hzwrp", "Deployment/oddsmaker-control"), ("ledger-0", "StatefulSet/ledger"),
        ("node-exporterish-785q2", "DaemonSet/node-exporterish"), ("settle-ok-vzf6w", "Job/settle-ok"),
        ("recount-29926000-wfcg4", "CronJob/recount"), ("crash-loop", "Pod/crash-loop"),
        ("static-relay-lab-node-1", "StaticPod/static-relay"),
    ])
    func `pods belong to their workloads`(pod: String, workload: String) async throws {
        try await TestKubelet.with(try Captures.state(1)) { kubelet in
            let report = await kubelet.probe().run(startedAt: Captures.first)
            let workloads = Set(
                report.samples.filter { $0.series.labels[LabelName.pod] == pod }.map {
                    $0.series.labels[LabelName.workload]
                })
            #expect(workloads == [workload])
        }
    }

    @Test func `usage moves in a replay, so that counters advance`() async throws {
        let state = try KubeletState(
            podsFile: "\(Captures.directory)/kubelet/pods.1.json.gz",
            statsFile: "\(Captures.directory)/kubelet/stats-summary.1.json.gz", shiftedTo: .now - 60)
        let now = Timestamp(seconds: Date.now.timeIntervalSince1970)
        try await TestKubelet.with(state, movesUsage: true) { kubelet in
            let probe = kubelet.probe()
            let cpu = "container_cpu_usage_seconds_total"
            let first = await probe.run(startedAt: now).value(cpu, pod: "throttled")
            var second = first
            while second == first { second = await probe.run(startedAt: now).value(cpu, pod: "throttled") }
            let (before, after) = (try #require(first), try #require(second))
            #expect(after > before)
        }
    }

    private static func compare(_ lines: [String], _ file: String) throws {
        let path = "\(Captures.directory)/golden/\(file)"
        let text = lines.joined(separator: "\n") + "\n"
        if updates { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        let golden = try String(contentsOfFile: path, encoding: .utf8)
        let expected = golden.split(separator: "\n").map(String.init)
        #expect(Set(lines).subtracting(expected).sorted() == [], "not in \(file)")
        #expect(Set(expected).subtracting(lines).sorted() == [], "missing, in \(file)")
        #expect(lines.count == expected.count)
    }
}

extension Edge {
    /// One line for golden files.
    var line: String { "\(at.millis) \(kind.rawValue) x\(count) \(labels) \(attributes)" }
}
