import ActuatorProbe
import CurlHTTP
import Foundation
import Probing
import PrometheusProbe
import Telemetry
import Testing
import TocsinTestKit

/// The probe against recorded answers, served over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ActuatorCaptureTests {
    private let labels: LabelSet = ["namespace": "shop", "workload": "Deployment/shop", "pod": "shop-1"]

    private func report(
        _ server: CannedHTTPServer, meters: ActuatorProbe.MeterSource = .automatic,
        credentials: HTTPCredentials = .none, deadline: Duration = .seconds(5)
    ) async -> ProbeReport {
        let client = CurlHTTPClient()
        let probe = ActuatorProbe(
            .init(
                name: "shop", baseURL: server.url + "/actuator", labels: labels, deadline: deadline,
                credentials: credentials,
                meters: meters), http: client)
        let report = await runOnce(probe)
        await client.shutdown()
        return report
    }

    private func samples(_ file: String) throws -> ProbeReport {
        let samples = ActuatorExposition.samples(
            try Capture(file).body, labels: labels, at: Timestamp(millis: 0), ownPaths: ["/actuator"])
        return ProbeReport(outcome: .success, samples: try #require(samples))
    }

    @Test func prometheusIsPreferred() async throws {
        let server = try Capture.server("02-after-traffic")
        defer { server.stop() }
        let report = await report(server)
        #expect(report.outcome == .success)
        #expect(Set(server.requests.map(\.path)) == ["/actuator", "/actuator/health", "/actuator/prometheus"])
        #expect(report.sum("actuator_health_up") == 1)
        #expect(report.all("actuator_health_component_up").count == 7)
        #expect(report.sum("http_server_requests_seconds_count", ["outcome": "SERVER_ERROR"]) == 25)
        // 26 + 1 + 47 + 47 + 10: requests to /actuator are not the application's work.
        #expect(report.sum("http_server_requests_seconds_count", ["outcome": "SUCCESS"]) == 131)
        #expect(report.sum("http_server_requests_seconds_count", ["outcome": "CLIENT_ERROR"]) == 46)
        #expect(!report.samples.contains { $0.series.labels["uri"]?.hasPrefix("/actuator") ?? false })
        #expect(report.sum("jvm_memory_max_bytes", ["area": "heap"]) == 134_217_728)
        #expect(report.sum("jvm_gc_pause_seconds_count") == 3)
        #expect(report.sum("hikaricp_connections_max") == 5)
        #expect(report.samples.allSatisfy { $0.series.labels["pod"] == "shop-1" && $0.series.labels["target"] == nil })
        let known = ["error", "application", "name"]
        #expect(report.samples.allSatisfy { sample in known.allSatisfy { sample.series.labels[$0] == nil } })
    }

    @Test func bothPathsGiveTheSameSeries() async throws {
        let server = try Capture.server("02-after-traffic")
        defer { server.stop() }
        let text = await report(server, meters: .prometheus)
        let json = await report(server, meters: .json)
        #expect(json.outcome == .success)
        let names = Set(json.samples.map(\.series.metric))
        #expect(names.isSubset(of: Set(text.samples.map(\.series.metric))))
        let missing = Set(text.samples.map(\.series.metric)).subtracting(names)
        // Zero when idle, or hidden behind our own requests.
        #expect(missing.isEmpty, "\(missing)")
        // Gauges that move between two requests of one recording.
        let moving = ["process_cpu_usage": 1.0, "process_uptime_seconds": 0.01, "jvm_gc_overhead": 0.05]
        for sample in json.samples where !sample.series.metric.hasPrefix("http_server") {
            let labels = Dictionary(uniqueKeysWithValues: sample.series.labels.labels.map { ($0.name, $0.value) })
            let metric = sample.series.metric
            let other =
                metric == "jvm_gc_pause_seconds_max"
                ? text.all(metric).map(\.value).max() : text.sum(metric, labels)
            let value = try #require(other, "\(sample.series) is not on the other path")
            let tolerance = moving[metric] ?? (metric.hasPrefix("jvm_memory") && labels["area"] == "nonheap" ? 0.03 : 0)
            #expect(abs(value - sample.value) <= tolerance * max(value, sample.value) + 1e-9, "\(sample.series)")
        }
        #expect(json.sum("http_server_requests_seconds_count", ["outcome": "SERVER_ERROR"]) == 25)
    }

    @Test func aFreshProcessHasNoErrorsNotNoData() async throws {
        let server = try Capture.server("01-fresh-start")
        defer { server.stop() }
        let json = await report(server, meters: .json)
        #expect(json.outcome == .success)
        #expect(json.sum("http_server_requests_seconds_count", ["outcome": "SERVER_ERROR"]) == 0)
        #expect(json.sum("jvm_gc_concurrent_phase_time_seconds_count") == nil)
        #expect(!server.requests.contains { $0.path.contains("concurrent") }, "a 404 would count as a client error")
    }

    @Test func noCollectionYet() throws {
        let report = try samples("14-no-gc-yet/prometheus.http")
        #expect(report.all("jvm_gc_pause_seconds_count").isEmpty)
        #expect(report.sum("jvm_gc_overhead") == 0)
    }

    @Test func zgcSaysNaNForNotKnown() throws {
        let before = try samples("13-zgc-jdk25/prometheus-NaN.http")
        #expect(before.all("jvm_memory_usage_after_gc").isEmpty)
        #expect(!before.samples.contains { $0.value.isNaN })
        let after = try samples("13-zgc-jdk25/prometheus.http")
        #expect(after.sum("jvm_memory_usage_after_gc") == 0.1875)
        #expect(after.sum("jvm_gc_concurrent_phase_time_seconds_count") == 2)
        #expect(after.all("jvm_memory_max_bytes").filter { $0.series.labels["area"] == "heap" }.count == 2)
        let json = try #require(
            JSONValue.parse(try Capture("13-zgc-jdk25/metrics-jvm.memory.usage.after.gc-NaN.http").body))
        #expect(json["measurements"]?.array?.first?["value"]?.double?.isNaN == true)
    }

    @Test func poolExhausted() throws {
        let report = try samples("04-pool-exhausted/prometheus-during.http")
        #expect(report.sum("hikaricp_connections_active") == 5)
        #expect(report.sum("hikaricp_connections_pending") ?? 0 > 0)
        #expect(report.sum("hikaricp_connections_idle") == 0)
    }

    @Test func databaseDown() async throws {
        let server = try Capture.server(
            "02-after-traffic",
            replacing: [
                "/actuator/health": "05-db-down/health.http", "/actuator/prometheus": "05-db-down/prometheus.http",
            ])
        defer { server.stop() }
        let report = await report(server)
        #expect(report.outcome == .success, "503 with a body is an answer")
        #expect(report.sum("actuator_health_up") == 0)
        #expect(report.sum("actuator_health_component_up", ["component": "db"]) == 0)
        #expect(report.sum("hikaricp_connections") == 0)
    }

    @Test func pressure() throws {
        let report = try samples("10-small-heap/pressure-parallel-jdk17-64m/thrash-prometheus.http")
        #expect(try #require(report.sum("jvm_gc_overhead")) > 0.8)
        #expect(try #require(report.sum("jvm_memory_usage_after_gc")) > 0.99)
    }

    @Test func maximaDecayWhileCountsStay() throws {
        let first = try samples("08-prometheus-over-time/prometheus-1.http")
        let last = try samples("08-prometheus-over-time/prometheus-4-idle210s.http")
        let slow = ["uri": "/slow"]
        #expect(try #require(first.sum("http_server_requests_seconds_max", slow)) > 1)
        #expect(last.sum("http_server_requests_seconds_max", slow) == 0)
        #expect(first.sum("http_server_requests_seconds_count", slow) == 53)
        #expect(last.sum("http_server_requests_seconds_count", slow) == 58)
    }

    @Test(arguments: [
        "health-badauth-accept_any.http", "health-badauth-accept_json_any.http", "health-badauth-accept_json.http",
    ])
    func refusedCredentialsAreAuth(_ file: String) async throws {
        let answer = try Capture("09-security/" + file).answer
        let server = try CannedHTTPServer { _ in .bytes(answer) }
        defer { server.stop() }
        #expect(await report(server).outcome.failureClass == .auth)
    }

    @Test func publicHealthWithMetersBehindALogin() async throws {
        let health = try Capture("09-security/health-noauth-accept_any.http").answer
        let denied = try Capture("09-security/health-badauth-accept_json_any.http").answer
        let server = try CannedHTTPServer { .bytes($0.path == "/actuator/health" ? health : denied) }
        defer { server.stop() }
        let automatic = await report(server)
        #expect(automatic.outcome.failureClass == .auth)
        #expect(automatic.sum("actuator_health_up") == 1)
        #expect(await report(server, meters: ActuatorProbe.MeterSource.none).outcome == .success)
    }

    @Test func onlyHealthExposedIsFine() async throws {
        let health = try Capture("15-variants/health-show-details-never.http").answer
        let links = CannedHTTPServer.answer(200, #"{"_links":{"self":{"href":"x"},"health":{"href":"x"}}}"#)
        let server = try CannedHTTPServer { request in
            switch request.path {
            case "/actuator": .bytes(links)
            case "/actuator/health": .bytes(health)
            default: .bytes(CannedHTTPServer.answer(404, #"{"status":404,"path":"\#(request.path)"}"#))
            }
        }
        defer { server.stop() }
        #expect(await report(server).outcome == .success)
        #expect(server.requests.count == 2)
        #expect(await report(server, meters: .prometheus).outcome.failureClass == .status)
    }

    @Test func anEndpointThatIsMissingIsNotAskedAgain() async throws {
        let files = try Capture.index("02-after-traffic")
        let answers = try files.filter { $0.key != "/actuator" && $0.key != "/actuator/prometheus" }
            .mapValues { try Capture($0).answer }
        let server = try CannedHTTPServer { .bytes(answers[$0.path] ?? CannedHTTPServer.answer(404, "{}")) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let probe = ActuatorProbe(.init(name: "shop", baseURL: server.url + "/actuator/"), http: client)
        for _ in 0..<3 { #expect(await runOnce(probe).outcome == .success) }
        await client.shutdown()
        #expect(server.requests.filter { $0.path == "/actuator/prometheus" }.count == 1)
        #expect(server.requests.filter { $0.path == "/actuator" }.count == 1)
        #expect(server.requests.filter { $0.path == "/actuator/metrics" }.count == 3)
    }

    @Test func nothingThereIsStatus() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(404, "{}")) }
        defer { server.stop() }
        #expect(await report(server).outcome.failureClass == .status)
    }

    @Test(arguments: [(200, FailureClass.body), (500, .status), (406, .status)])
    func answersThatAreNoHealth(_ status: Int, _ expected: FailureClass) async throws {
        let page = try Capture("03-http-variants/health-accept-text-html.http")
        let server = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(status, type: "text/html", String(decoding: page.body, as: UTF8.self)))
        }
        defer { server.stop() }
        #expect(await report(server).outcome.failureClass == expected)
    }

    @Test func aSilentPortIsSilent() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        let report = await report(server, deadline: .milliseconds(800))
        #expect(report.outcome.failureClass == .silent)
        #expect(server.requests.count == 1, "one request is enough to know")
    }

    @Test func credentialsAreReadAtEachUse() async throws {
        let server = try Capture.server("02-after-traffic")
        defer { server.stop() }
        let file = FileManager.default.temporaryDirectory.appending(path: "tocsin-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("first\n".utf8).write(to: file)
        _ = await report(server, credentials: .bearer(file: file.path))
        try Data("second\n".utf8).write(to: file)
        _ = await report(server, credentials: .bearer(file: file.path))
        try Data("probe:second\n".utf8).write(to: file)
        _ = await report(server, credentials: .basic(file: file.path))
        let sent = Set(server.requests.compactMap { $0.headers["authorization"] })
        #expect(sent == ["Bearer first", "Bearer second", "Basic cHJvYmU6c2Vjb25k"])
        let missing = await report(server, credentials: .bearer(file: "/nonexistent/token"))
        #expect(missing.outcome.failureClass == .internal)
    }
}
