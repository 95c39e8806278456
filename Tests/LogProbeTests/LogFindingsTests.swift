import Foundation
import LogText
import Probing
import Selectors
import Telemetry
import Testing

@testable import LogProbe

/// What the probe tells of the texts of logs.
@Suite struct LogFindingsTests {
    private let start = Timestamp(millis: 1_795_562_990_000)
    private let pod = "shop_orders-7d9c5b8f6d-x2v9q_2afe1723-b5a2-4d34-87e4-dac6072b8f0c"

    private func values(_ report: ProbeReport) -> [String: Double] {
        Dictionary(report.samples.map { ($0.series.description, $0.value) }, uniquingKeysWith: { $1 })
    }

    private func line(_ text: String, _ tag: String = "F") -> String {
        "2026-11-24T22:38:00.1Z stdout \(tag) \(text)\n"
    }

    private func probe(_ folder: LogFolder, _ change: (inout LogProbe.Configuration) -> Void = { _ in }) throws
        -> LogProbe
    {
        var configuration = LogProbe.Configuration(
            node: "n", directory: folder.url.path, interval: .seconds(300), deadline: .seconds(300))
        change(&configuration)
        return LogProbe(configuration, redactor: Redactor(patterns: [try SearchPattern("SE-[0-9]+")]))
    }

    @Test func aNewPatternIsToldWithoutSecrets() async throws {
        let folder = try LogFolder()
        try folder.append("", to: "\(pod)/app/0.log")
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        let known = (0..<5).map { line("ERROR Order \($0) failed") }.joined()
        try folder.append(known, to: "\(pod)/app/0.log")
        #expect(
            await probe.run(startedAt: start + .seconds(10)).edges.isEmpty, "what comes soon after a start is learned")
        let later = start + .seconds(1000)
        let new = (0..<12).map { line("ERROR Login of ana@example.com with password=hunter\($0) for SE-\($0) refused") }
        try folder.append(known + new.joined(), to: "\(pod)/app/0.log")
        let report = await probe.run(startedAt: later)
        let edge = try #require(report.edges.first)
        #expect(report.edges.count == 1)
        #expect(edge.kind == .logPatternNew)
        #expect(Subject(cluster: "c", labels: edge.labels)?.path == "shop/Deployment/orders")
        #expect(edge.labels[LabelName.pod] == "orders-7d9c5b8f6d-x2v9q")
        #expect(edge.labels[LabelName.container] == "app")
        #expect(
            edge.attributes == [
                "level": "error", "lines": "10",
                "template": "ERROR Login of <email> with password=<password> for <pattern> refused",
                "sample": "ERROR Login of <email> with password=<password> for <pattern> refused",
            ])
        let values = values(report)
        let owner = #"namespace="shop",node="n",workload="Deployment/orders""#
        #expect(values["log_new_patterns_total{level=\"error\",\(owner)}"] == 1)
        #expect(values["log_new_patterns_total{level=\"warn\",\(owner)}"] == 0)
        #expect(values[#"log_patterns{node="n"}"#] == 2)
        #expect(values[#"log_redactions_total{kind="password",node="n"}"#] == 12)
        #expect(values[#"log_redactions_total{kind="email",node="n"}"#] == 12)
        #expect(values[#"log_redactions_total{kind="pattern",node="n"}"#] == 12)
    }

    @Test func anErrorBurstHasTheLastLines() async throws {
        let folder = try LogFolder()
        try folder.append("", to: "\(pod)/app/0.log")
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        var text = (0..<100).map { line("ERROR Order \($0) failed") }.joined()
        text +=
            line("java.lang.IllegalStateException: token=abc") + line("\tat a.B(C.java:1)")
            + line("-----BEGIN PRIVATE KEY-----")
        text += line("abcd") + line("-----END PRIVATE KEY-----") + line("part of a secr", "P") + line("et", "F")
        try folder.append(text, to: "\(pod)/app/0.log")
        let edges = await probe.run(startedAt: start + .seconds(10)).edges
        let edge = try #require(edges.first)
        #expect(edges.count == 1)
        #expect(edge.kind == .logTail)
        #expect(edge.attributes["reason"] == "error_burst")
        #expect(edge.attributes["errors"] == "100")
        let lines = try #require(edge.attributes["lines"]).split(separator: "\n").map(String.init)
        #expect(lines.count == 20)
        #expect(
            lines.suffix(7) == [
                "ERROR Order 99 failed", "java.lang.IllegalStateException: token=<password>", " at a.B(C.java:1)",
                "<key>",
                "<key>", "<key>", "part of a secr",
            ])
        try folder.append(text, to: "\(pod)/app/0.log")
        #expect(await probe.run(startedAt: start + .seconds(20)).edges.isEmpty, "not again so soon")
        try folder.append(text, to: "\(pod)/app/0.log")
        #expect(await probe.run(startedAt: start + .seconds(620)).edges.count == 1)
    }

    @Test func aContainerThatCameBackHasItsLastLinesTold() async throws {
        let folder = try LogFolder()
        try folder.append(line("before the agent"), to: "\(pod)/app/0.log")
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        try folder.append(line("INFO last words, password: x"), to: "\(pod)/app/0.log")
        try folder.append(line("INFO first words"), to: "\(pod)/app/1.log")
        let edges = await probe.run(startedAt: start + .seconds(10)).edges
        #expect(edges.map(\.kind) == [.logTail])
        #expect(
            edges.first?.attributes == [
                "reason": "container_restarted", "lines": "INFO last words, password: <password>",
            ])
        #expect(edges.first?.labels[LabelName.container] == "app")
        #expect(await probe.run(startedAt: start + .seconds(20)).edges.isEmpty)
    }

    @Test func edgesAreBounded() async throws {
        let folder = try LogFolder()
        let probe = try probe(folder) {
            $0.edgesMax = 3
            $0.patterns.enough = 1
            $0.patterns.warmUp = .zero
        }
        _ = await probe.run(startedAt: start)
        let words = ["alpha", "beta", "gamma", "delta", "epsilon"]
        try folder.append(words.map { line("\($0): ERROR is broken") }.joined(), to: "\(pod)/app/0.log")
        let report = await probe.run(startedAt: start + .seconds(10))
        #expect(report.edges.count == 3)
        #expect(values(report)[#"log_edges_left_out_total{node="n"}"#] == 2)
    }

    @Test func plainFilesAndPipes() async throws {
        let folder = try LogFolder()
        try folder.append("old\n", to: "app.log")
        let pipe = folder.path("journal")
        try #require(mkfifo(pipe, 0o600) == 0)
        let shop: LabelSet = [LabelName.namespace: "shop", LabelName.workload: "Deployment/shop"]
        let probe = try probe(folder) {
            $0.directory = nil
            $0.files = [
                LogProbe.Files(name: "app", path: folder.path("*.log"), labels: shop),
                LogProbe.Files(name: "system", path: pipe, form: .journal),
            ]
        }
        #expect(await probe.run(startedAt: start).outcome == .success)
        try folder.append("2026-11-24 ERROR x\n  at y\nWARN z\n", to: "app.log")
        let writer = open(pipe, O_WRONLY | O_NONBLOCK)
        let entry = "PRIORITY=3\n_SYSTEMD_UNIT=a.service\nMESSAGE=broken, secret=x\n\nPRIORITY=6\nMESSAGE=fine\n\n"
        try #require(write(writer, entry, entry.utf8.count) == entry.utf8.count)
        close(writer)
        var values = values(await probe.run(startedAt: start + .seconds(10)))
        let app = #"namespace="shop",node="n",workload="Deployment/shop""#
        #expect(values["log_lines_total{level=\"error\",\(app)}"] == 1)
        #expect(values["log_lines_total{level=\"warn\",\(app)}"] == 1)
        #expect(values["log_lines_total{level=\"unknown\",\(app)}"] == 0)
        #expect(values[#"log_lines_total{level="error",log="system",node="n",unit="a.service"}"#] == 1)
        #expect(values[#"log_lines_total{level="info",log="system",node="n"}"#] == 1)
        #expect(values[#"log_files{node="n"}"#] == 2)
        // Rotated by rename, once to a name that the pattern has as well.
        try #require(rename(folder.path("app.log"), folder.path("app.2026-11-24.log")) == 0)
        try folder.append("ERROR of the new file\n", to: "app.log")
        for second in [20, 30] {
            values = self.values(await probe.run(startedAt: start + .seconds(second)))
            #expect(values["log_lines_total{level=\"error\",\(app)}"] == 2)
        }
        #expect(values[#"log_missed_files_total{node="n"}"#] == 0)
    }

    @Test func logsThatCannotBeReadAreNamed() async throws {
        let folder = try LogFolder()
        try FileManager.default.createDirectory(atPath: folder.path("folder.log"), withIntermediateDirectories: true)
        let probe = try probe(folder) {
            $0.directory = nil
            $0.files = [
                LogProbe.Files(name: "a", path: folder.path("*.log")),
                LogProbe.Files(name: "b", path: folder.path("b")),
            ]
        }
        let report = await probe.run(startedAt: start)
        #expect(report.outcome == .success)
        #expect(
            report.remarks == [
                "No file matches \(folder.path("b")) of 'b'.",
                "1 log cannot be read, such as \(folder.path("folder.log")): it is neither a file nor a named pipe.",
            ])
        #expect(values(report)[#"log_files_unreadable{node="n"}"#] == 1)
        try folder.append("x", to: "b")
        #expect(await probe.run(startedAt: start).remarks.count == 1)
    }

    @Test func journalFiles() async throws {
        let folder = try LogFolder()
        let probe = try probe(folder) {
            $0.directory = nil
            $0.files = [LogProbe.Files(name: "j", path: folder.path("j.export"), form: .journal)]
        }
        #expect(await probe.run(startedAt: start).outcome == .success, "a file may come later")
        try folder.append("PRIORITY=4\nMESSAGE=a\n\nPRIORITY=4\nMESS", to: "j.export")
        _ = await probe.run(startedAt: start)
        try folder.append("AGE=b\n\n", to: "j.export")
        let values = values(await probe.run(startedAt: start))
        #expect(values[#"log_lines_total{level="warn",log="j",node="n"}"#] == 2)
        #expect(values[#"log_malformed_lines_total{node="n"}"#] == 0)
    }
}
