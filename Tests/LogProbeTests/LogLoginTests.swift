import Foundation
import LogText
import Probing
import Telemetry
import Testing

@testable import LogProbe

/// Logins that lines of logs tell of.
@Suite struct LogLoginTests {
    private let start = Timestamp(millis: 1_795_562_990_000)
    private let pod = "shop_web-7d9c5b8f6d-x2v9q_2afe1723-b5a2-4d34-87e4-dac6072b8f0c"
    private let twin = "shop_web-7d9c5b8f6d-q9v2x_2afe1723-b5a2-4d34-87e4-dac6072b8f0d"
    private let other = "shop_orders-0_2afe1723-b5a2-4d34-87e4-dac6072b8f0e"

    private func values(_ report: ProbeReport) -> [String: Double] {
        Dictionary(report.samples.map { ($0.series.description, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// A line of a container, written so many seconds after the start.
    private func line(_ text: String, at second: Int = 5) -> String {
        "\((start + .seconds(second)).rfc3339) stdout F \(text)\n"
    }

    private func failure(_ account: String, _ address: String = "192.0.2.1", at second: Int = 5) -> String {
        line("WARN denied: \(account) at \(address) token=abc", at: second)
    }

    private func probe(
        _ folder: LogFolder, applies: @escaping @Sendable (LabelSet, String?) -> Bool = { _, _ in true },
        _ change: (inout LogProbe.Configuration) -> Void = { _ in }
    ) throws -> LogProbe {
        var configuration = LogProbe.Configuration(
            node: "n", directory: folder.url.path, interval: .seconds(300), deadline: .seconds(300))
        change(&configuration)
        let patterns = [
            try LoginPattern("denied: (?P<account>[^ ]+) at (?P<address>[^ ]+)", isSuccess: false),
            try LoginPattern("welcome: (?P<account>[^ ]+)", isSuccess: true),
        ]
        return LogProbe(configuration, logins: [.init(patterns: patterns, applies: applies)])
    }

    @Test func loginsBecomeEdgesAndCountsAndNothingElseOfTheirLines() async throws {
        let folder = try LogFolder()
        try folder.append(failure("before"), to: "\(pod)/app/0.log")
        try folder.append("", to: "\(other)/app/0.log")
        let probe = try probe(folder) { labels, _ in labels[LabelName.workload] == "Deployment/web" }
        #expect(await probe.run(startedAt: start).edges.isEmpty, "history")
        let text = failure("ana@example.com", at: 3) + failure("ana@example.com", at: 4) + failure("bo", at: 4)
        try folder.append(text + line("INFO welcome: bo", at: 6), to: "\(pod)/app/0.log")
        try folder.append(text, to: "\(other)/app/0.log")
        let report = await probe.run(startedAt: start + .seconds(10))
        let edges = report.edges
        #expect(edges.map(\.kind) == [.loginFailed, .loginFailed, .loginSucceeded])
        #expect(edges.map(\.count) == [2, 1, 1])
        #expect(
            edges.map(\.attributes) == [
                ["account": "ana@example.com", "address": "192.0.2.1"], ["account": "bo", "address": "192.0.2.1"],
                ["account": "bo", "address": ""],
            ])
        #expect(edges.map(\.at) == [4, 4, 6].map { start + .seconds($0) }, "as the line says")
        #expect(Subject(cluster: "c", labels: edges[0].labels)?.path == "shop/Deployment/web")
        #expect(edges[0].labels[LabelName.pod] == "web-7d9c5b8f6d-x2v9q")
        var values = values(report)
        let owner = #"namespace="shop",node="n",workload="Deployment/web""#
        #expect(values["login_failures_total{\(owner)}"] == 3)
        #expect(values["login_successes_total{\(owner)}"] == 1)
        #expect(values["login_account_failures_total{account=\"ana@example.com\",\(owner)}"] == 2)
        #expect(values["login_address_failures_total{address=\"192.0.2.1\",\(owner)}"] == 3)
        #expect(values["login_tracking_error_max{\(owner)}"] == 0)
        #expect(values[#"log_login_lines_unread_total{node="n"}"#] == 0)
        #expect(
            !report.samples.contains {
                $0.series.description.contains("orders") && $0.series.metric.hasPrefix("login_")
            })
        values = self.values(await probe.run(startedAt: start + .seconds(20)))
        #expect(values["login_failures_total{\(owner)}"] == 3, "counters stay")
    }

    @Test("A rotated log gives each login once, and a new agent takes none again")
    func rotationAndRestart() async throws {
        let folder = try LogFolder()
        try folder.append("", to: "\(pod)/app/0.log")
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        try folder.append(failure("a") + failure("b"), to: "\(pod)/app/0.log")
        #expect(await probe.run(startedAt: start + .seconds(10)).edges.count == 2)
        try folder.append(failure("c"), to: "\(pod)/app/0.log")
        let log = folder.path("\(pod)/app/0.log")
        try #require(rename(log, log + ".20261124-223000") == 0)
        try folder.append(failure("d"), to: "\(pod)/app/0.log")
        let edges = await probe.run(startedAt: start + .seconds(20)).edges
        #expect(edges.map { $0.attributes["account"] } == ["c", "d"])
        #expect(await probe.run(startedAt: start + .seconds(30)).edges.isEmpty)
        let next = try self.probe(folder)
        #expect(await next.run(startedAt: start + .seconds(40)).edges.isEmpty)
        try folder.append(failure("e"), to: "\(pod)/app/0.log")
        #expect(
            await next.run(startedAt: start + .seconds(50)).edges.map { $0.attributes["account"] } == ["e"])
    }

    @Test func whatTwoPodsWriteSideBySideIsInTheOrderOfTime() async throws {
        let folder = try LogFolder()
        for pod in [pod, twin] { try folder.append("", to: "\(pod)/app/0.log") }
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        // The success lies in the log that is read first.
        try folder.append(line("welcome: ana", at: 7), to: "\(twin)/app/0.log")
        try folder.append(failure("ana", at: 6), to: "\(pod)/app/0.log")
        let edges = await probe.run(startedAt: start + .seconds(10)).edges
        #expect(edges.map(\.kind) == [.loginFailed, .loginSucceeded])
    }

    @Test func journalsByUnitAndDockersForm() async throws {
        let folder = try LogFolder()
        let web = folder.path("web-json.log")
        let probe = try probe(
            folder,
            applies: { labels, file in
                file == "docker" || file == "system" && labels["unit"] == "ssh.service"
            }
        ) {
            $0.directory = nil
            $0.files = [
                LogProbe.Files(name: "system", path: folder.path("j.export"), form: .journal),
                LogProbe.Files(name: "docker", path: web), LogProbe.Files(name: "other", path: folder.path("x.log")),
            ]
        }
        _ = await probe.run(startedAt: start)
        func entry(_ unit: String, _ account: String) -> String {
            "_SYSTEMD_UNIT=\(unit)\nMESSAGE=denied: \(account) at 192.0.2.1\n\n"
        }
        try folder.append(
            entry("ssh.service", "a") + entry("app.service", "liar") + entry("ssh.service", "b"), to: "j.export")
        try folder.append("denied: c at 192.0.2.1\n", to: "web-json.log")
        try folder.append("denied: d at 192.0.2.1\n", to: "x.log")
        let edges = await probe.run(startedAt: start + .seconds(10)).edges
        #expect(Set(edges.compactMap { $0.attributes["account"] }) == ["a", "b", "c"])
        #expect(edges.allSatisfy { $0.at == start + .seconds(10) }, "no line says when")
        #expect(Subject(cluster: "c", labels: edges[0].labels)?.path == "node/n")
    }

    @Test func edgesAndWorkAreBounded() async throws {
        let folder = try LogFolder()
        for pod in [pod, other] { try folder.append("", to: "\(pod)/app/0.log") }
        let probe = try probe(folder, applies: { _, _ in true }) { $0.bytesPerLookMax = .max / 2 }
        _ = await probe.run(startedAt: start)
        try folder.append(failure("first"), to: "\(other)/app/0.log")
        _ = await probe.run(startedAt: start + .seconds(1))
        try folder.append((0..<3000).map { failure("a\($0)") }.joined(), to: "\(pod)/app/0.log")
        let report = await probe.run(startedAt: start + .seconds(10))
        #expect(report.edges.count == LoginCollector.edgesMax / 2, "another workload's share is its own")
        let owner = #"namespace="shop",node="n",workload="Deployment/web""#
        var values = values(report)
        #expect(values["login_failures_total{\(owner)}"] == 3000)
        #expect(values["login_events_unreported_total{\(owner)}"] == 2500)
        #expect(values["login_tracking_error_max{\(owner)}"] == Double(3000 / LoginCounts.trackedMax))
        // Long lines that nearly match: each costs more steps than it has characters.
        let long = line("denied: " + String(repeating: "denied: x ", count: 400))
        try folder.append(String(repeating: long, count: 3000), to: "\(pod)/app/0.log")
        values = self.values(await probe.run(startedAt: start + .seconds(20)))
        #expect(try #require(values[#"log_login_lines_unread_total{node="n"}"#]) > 0)
        #expect(values["log_lines_total{level=\"unknown\",\(owner)}"] == 3000, "they are counted all the same")
    }

    @Test func ownersAreBounded() async throws {
        let folder = try LogFolder()
        let names = (0..<40).map { "shop_w\($0)-x-0_2afe1723-b5a2-4d34-87e4-dac6072b8f0e" }
        for name in names { try folder.append("", to: "\(name)/app/0.log") }
        let probe = try probe(folder)
        _ = await probe.run(startedAt: start)
        for name in names { try folder.append(failure("a"), to: "\(name)/app/0.log") }
        let report = await probe.run(startedAt: start + .seconds(10))
        #expect(report.edges.count == LoginCollector.ownersMax)
        #expect(values(report)[#"log_logins_left_out_total{node="n"}"#] == 8)
    }
}
