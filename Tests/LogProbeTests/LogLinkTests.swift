import Foundation
import LogText
import Probing
import Telemetry
import Testing

@testable import LogProbe

/// Logs behind symbolic links, as nodes have them.
@Suite struct LogLinkTests {
    private let start = Timestamp(millis: 1_795_562_990_000)
    private let uid = "2afe1723-b5a2-4d34-87e4-dac6072b8f0c"
    private let id = String(repeating: "ab12", count: 16)

    private func link(_ folder: LogFolder, _ name: String, to target: String) throws {
        let path = folder.path(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    private func probe(_ folder: LogFolder, _ directory: String?, roots: [String] = [], files: [LogProbe.Files] = [])
        -> LogProbe
    {
        var configuration = LogProbe.Configuration(
            node: "n", directory: directory.map { folder.path($0) }, interval: .seconds(300), deadline: .seconds(300))
        configuration.linkRoots = roots.map { folder.path($0) }
        configuration.files = files
        return LogProbe(configuration)
    }

    /// Entries by workload or log, over all levels.
    private func entries(_ report: ProbeReport) -> [String: Double] {
        report.samples.filter { $0.series.metric == "log_lines_total" && $0.value > 0 }.reduce(into: [:]) {
            let labels = $1.series.labels
            $0[labels[LabelName.workload] ?? labels["log"] ?? "?", default: 0] += $1.value
        }
    }

    private func unreadable(_ report: ProbeReport) -> Double? {
        report.samples.first { $0.series.metric == "log_files_unreadable" }?.value
    }

    private func line(_ text: String) -> String { "2026-11-24T22:38:00.1Z stdout F \(text)\n" }

    @Test func linksOfContainersLeadToPodsAndFollowTheNextRun() async throws {
        let folder = try LogFolder()
        let pod = "pods/shop_orders-7d9c5b8f6d-x2v9q_\(uid)/app"
        try folder.append(line("old"), to: "\(pod)/0.log")
        try link(
            folder, "containers/orders-7d9c5b8f6d-x2v9q_shop_app-\(id).log", to: folder.path("\(pod)/0.log"))
        let probe = probe(folder, "containers", roots: ["pods"])
        _ = await probe.run(startedAt: start)
        try folder.append(line("ERROR one") + line("two"), to: "\(pod)/0.log")
        let report = await probe.run(startedAt: start + .seconds(10))
        #expect(entries(report) == ["Deployment/orders": 2] && unreadable(report) == 0)
        // The container starts again: another file, another link with another id.
        try folder.append(line("three"), to: "\(pod)/1.log")
        let other = String(id.reversed())
        try link(
            folder, "containers/orders-7d9c5b8f6d-x2v9q_shop_app-\(other).log", to: folder.path("\(pod)/1.log"))
        let next = await probe.run(startedAt: start + .seconds(20))
        #expect(entries(next) == ["Deployment/orders": 3])
        #expect(next.edges.map { $0.attributes["reason"] } == ["container_restarted"])
        #expect(next.edges.first?.labels[LabelName.container] == "app")
    }

    @Test func twoLinksLeadToDockersOwnFiles() async throws {
        let folder = try LogFolder()
        let file = "docker/\(id)/\(id)-json.log"
        try folder.append("", to: file)
        let pod = "pods/shop_nightly-29404801-x2v9q_\(uid)/app"
        try link(folder, "\(pod)/0.log", to: folder.path(file))
        try link(folder, "containers/nightly-29404801-x2v9q_shop_app-\(id).log", to: folder.path("\(pod)/0.log"))
        for directory in ["pods", "containers"] {
            try folder.append("", to: file)
            let probe = probe(folder, directory, roots: ["pods", "docker"])
            _ = await probe.run(startedAt: start)
            try folder.append(
                #"{"log":"2026 ERROR \"Ärger\" \u0041\n","stream":"stderr","time":"2026-11-24T22:38:00.1Z"}"# + "\n"
                    + #"{"log":"\tat Shop.main(Shop.java:1)\n","stream":"stderr","time":"2026-11-24T22:38:00.1Z"}"#
                    + "\n"
                    + "no json\n", to: file)
            let report = await probe.run(startedAt: start + .seconds(10))
            #expect(entries(report) == ["CronJob/nightly": 1], "a trace is one entry, in \(directory)")
            let malformed = report.samples.first { $0.series.metric == "log_malformed_lines_total" }
            #expect(malformed?.value == 1)
        }
    }

    @Test func aLinkOutOfTheFoldersIsNotFollowedAndNamed() async throws {
        let folder = try LogFolder()
        try folder.append("secret\n", to: "elsewhere/shadow")
        let pod = "pods/shop_orders-7d9c5b8f6d-x2v9q_\(uid)/app"
        try link(folder, "\(pod)/0.log", to: folder.path("elsewhere/shadow"))
        try link(folder, "\(pod)/1.log", to: folder.path("docker/gone"))
        let report = await probe(folder, "pods").run(startedAt: start)
        #expect(unreadable(report) == 2)
        #expect(report.remarks.first?.hasSuffix("the symbolic link leads out of the folders that are read.") == true)
        let dangling = await probe(folder, "pods", roots: ["elsewhere"]).run(startedAt: start)
        #expect(unreadable(dangling) == 1)
        #expect(dangling.remarks.first?.contains("leads nowhere here: is the folder that it names mounted?") == true)
    }

    @Test func aServicesLinkToItsFileOfTheDayIsFollowedAndOneOutOfItsFolderIsNot() async throws {
        let folder = try LogFolder()
        try folder.append("old\n", to: "app/app-1.log")
        try folder.append("root\n", to: "etc/secret")
        try link(folder, "app/current", to: "app-1.log")
        try link(folder, "app/evil", to: folder.path("etc/secret"))
        let probe = probe(
            folder, nil,
            files: [
                .init(name: "app", path: folder.path("app/current")),
                .init(name: "evil", path: folder.path("app/evil")),
            ])
        let first = await probe.run(startedAt: start)
        #expect(unreadable(first) == 1)
        try folder.append("one\n", to: "app/app-1.log")
        try folder.append("two\nthree\n", to: "app/app-2.log")
        try FileManager.default.removeItem(atPath: folder.path("app/current"))
        try link(folder, "app/current", to: "app-2.log")
        let second = await probe.run(startedAt: start + .seconds(10))
        #expect(entries(second) == ["app": 3], "the end of the old file, and the new one from its start")
    }

    @Test(arguments: [
        ("orders-7d9c5b8f6d-x2v9q", "Deployment/orders"), ("nightly-29404800-x2v9q", "CronJob/nightly"),
        ("nightly-report-29404801-x2v9q", "CronJob/nightly-report"), ("agent-x2v9q", "DaemonSet/agent"),
        ("db-0", "StatefulSet/db"), ("tool", "Pod/tool"), ("import-12345678-x2v9q", "DaemonSet/import-12345678"),
    ])
    func theWorkloadIsGuessedFromThePodsName(pod: String, workload: String) {
        #expect(PodLogFolder.workload(pod: pod[...]) == workload)
    }
}
