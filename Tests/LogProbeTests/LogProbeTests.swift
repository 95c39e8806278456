import Foundation
import Probing
import Telemetry
import Testing

@testable import LogProbe

@Suite struct LogProbeTests {
    private let at = Timestamp(millis: 1_795_562_990_000)
    private let pod = "shop_orders-7d9c5b8f6d-x2v9q_2afe1723-b5a2-4d34-87e4-dac6072b8f0c"

    private func values(_ report: ProbeReport) -> [String: Double] {
        Dictionary(report.samples.map { ($0.series.description, $0.value) }, uniquingKeysWith: { $1 })
    }

    private func line(_ level: String) -> String { "2026-11-24T22:38:00.1Z stdout F \(level) x\n" }

    private func series(_ level: String, workload: String = "Deployment/orders") -> String {
        #"log_lines_total{level="\#(level)",namespace="shop",node="n",workload="\#(workload)"}"#
    }

    @Test func countsByWorkloadAndLevel() async throws {
        let folder = try LogFolder()
        try folder.append(line("ERROR"), to: "\(pod)/app/0.log")
        let probe = LogProbe(
            LogProbe.Configuration(
                node: "n", directory: folder.url.path, interval: .seconds(300), deadline: .seconds(300)))
        let first = await probe.run(startedAt: at)
        #expect(first.outcome == .success)
        #expect(values(first)[series("error")] == 0, "what was there before the agent is not counted")
        try folder.append(line("ERROR") + line("WARN") + "junk\n", to: "\(pod)/app/0.log")
        // A restarted container and a second pod of the workload: files that are new are counted from their start.
        try folder.append(line("ERROR"), to: "\(pod)/app/1.log")
        let second = pod.replacingOccurrences(of: "x2v9q", with: "b4c5d")
        try folder.append(line("INFO") + line("ERROR"), to: "\(second)/app/0.log")
        try folder.append(line("ERROR"), to: "shop_ledger-0_uid/app/0.log")
        try folder.append(line("ERROR"), to: "\(second)/app/0.log.20261124-223800.gz")
        let report = values(await probe.run(startedAt: at))
        #expect(report[series("error")] == 3)
        #expect(report[series("warn")] == 1)
        #expect(report[series("info")] == 1)
        #expect(report[series("error", workload: "StatefulSet/ledger")] == 1)
        #expect(report[#"log_malformed_lines_total{node="n"}"#] == 1)
        #expect(report[#"log_files{node="n"}"#] == 4)
        try FileManager.default.removeItem(atPath: folder.path("\(second)"))
        let later = values(await probe.run(startedAt: at))
        #expect(later[#"log_files{node="n"}"#] == 3)
        #expect(later[series("error")] == 3, "a counter stays when a pod goes")
    }

    @Test func limits() async throws {
        let folder = try LogFolder()
        let probe = LogProbe(
            LogProbe.Configuration(
                node: "n", directory: folder.url.path, interval: .seconds(300), deadline: .seconds(300), filesMax: 2,
                workloadsMax: 1))
        _ = await probe.run(startedAt: at)
        for name in ["a-0", "b-0", "c-0"] { try folder.append(line("INFO"), to: "shop_\(name)_uid/app/0.log") }
        let report = values(await probe.run(startedAt: at))
        #expect(report[#"log_files_left_out{node="n"}"#] == 1)
        let counted = report.filter { $0.key.hasPrefix("log_lines_total") }.values.reduce(0, +)
        let dropped = try #require(report[#"log_lines_dropped_total{node="n"}"#])
        #expect(counted + dropped == 2)
        #expect(report.keys.filter { $0.hasPrefix("log_lines_total") }.count == 5)
    }

    @Test func noFolder() async {
        let probe = LogProbe(LogProbe.Configuration(node: "n", directory: "/nonexistent"))
        #expect(await probe.run(startedAt: at).outcome.failureClass == .internal)
    }

    @Test(arguments: [
        ("orders-7d9c5b8f6d-x2v9q", "Deployment/orders"), ("my-shop-7d9c5b8f6d-x2v9q", "Deployment/my-shop"),
        ("ledger-0", "StatefulSet/ledger"), ("fluent-x2v9q", "DaemonSet/fluent"), ("debug", "Pod/debug"),
        ("a-bare-pod", "Pod/a-bare-pod"), ("log-flood", "Pod/log-flood"),
    ])
    func workloads(pod: String, workload: String) {
        #expect(PodLogFolder(folder: "shop_\(pod)_uid")?.owner.labels[LabelName.workload] == workload)
    }

    @Test func otherFolders() {
        #expect(PodLogFolder(folder: "lost+found") == nil)
        #expect(PodLogFolder(folder: "_a_b") == nil)
    }
}
