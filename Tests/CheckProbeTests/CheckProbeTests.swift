import CheckProbe
import CurlHTTP
import Foundation
import Probing
import Telemetry
import Testing
import TocsinTestKit

@Suite(.timeLimit(.minutes(2)))
struct CheckProbeTests {
    private let at = Timestamp(millis: 1_795_562_990_000)

    private func report(
        _ subject: CheckProbe.Subject, trust: HTTPRequest.Trust = .system, labels: LabelSet = LabelSet(),
        deadline: Duration = .seconds(5)
    ) async -> ProbeReport {
        let client = CurlHTTPClient()
        let probe = CheckProbe(
            CheckProbe.Configuration(name: "shop", subject: subject, labels: labels, trust: trust, deadline: deadline),
            http: client)
        let report = await probe.run(startedAt: at)
        await client.shutdown()
        return report
    }

    private func values(_ report: ProbeReport, _ metric: String) -> [String: Double] {
        let samples = report.samples.filter { $0.series.metric == metric }
        return Dictionary(samples.map { ($0.series.labels["phase"] ?? "", $0.value) }, uniquingKeysWith: { $1 })
    }

    private func http(_ url: String, _ statuses: [ClosedRange<Int>] = [200...299], _ body: BodyExpectation? = nil)
        -> CheckProbe.Subject
    {
        .http(url: url, statuses: statuses, body: body)
    }

    @Test func anAnswerAsExpected() async throws {
        let server = try CannedHTTPServer { _ in
            .late(.milliseconds(60), CannedHTTPServer.answer(200, #"{"status":"UP"}"#))
        }
        defer { server.stop() }
        let labels: LabelSet = ["namespace": "shop", "workload": "Deployment/shop"]
        let report = await report(
            http(server.url + "/health?token=s3cret", [200...299], .contains(#""status":"UP""#)), labels: labels)
        #expect(report.outcome == .success)
        let phases = values(report, "probe_http_duration_seconds")
        #expect(Set(phases.keys) == ["dns", "connect", "first_byte", "total"])
        let firstByte = try #require(phases["first_byte"])
        let total = try #require(phases["total"])
        #expect(firstByte >= 0.05 && firstByte <= total)
        #expect((phases["connect"] ?? 9) < firstByte)
        #expect(values(report, "probe_http_status_code") == ["": 200])
        #expect(values(report, "probe_http_body_bytes") == ["": 15])
        for sample in report.samples {
            #expect(sample.series.labels.removing(["phase"]) == labels.merging(["target": "http/shop"]))
            #expect(sample.timestamp == at)
        }
        #expect(server.requests.map(\.path) == ["/health?token=s3cret"])
    }

    @Test func eachRunMakesItsOwnConnection() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200, "x")) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let probe = CheckProbe(.init(name: "shop", subject: http(server.url)), http: client)
        for _ in 0..<3 { #expect(await probe.run(startedAt: at).outcome == .success) }
        await client.shutdown()
        #expect(server.connectionCount == 3)
    }

    @Test(
        arguments: [
            (200, [200...299], nil), (301, [200...299], .status), (301, [301...301, 302...302], nil),
            (401, [200...299], .auth),
            (403, [200...299], .auth), (401, [401...401], nil), (503, [200...299], .status),
        ] as [(Int, [ClosedRange<Int>], FailureClass?)])
    func statuses(status: Int, expected: [ClosedRange<Int>], failure: FailureClass?) async throws {
        let server = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(status, headers: ["Location: http://127.0.0.1:1/"], "x"))
        }
        defer { server.stop() }
        let report = await report(http(server.url, expected))
        #expect(report.outcome.failureClass == failure)
        #expect(values(report, "probe_http_status_code") == ["": Double(status)])
        #expect(server.requests.count == 1, "redirects are not followed")
    }

    @Test(
        arguments: [
            (.contains("ready"), nil), (.contains("Ready"), .body), (.contains(""), nil),
            (.matches("^lag: [0-9]+ ms$"), nil),
            (.matches("^lag: [0-9]+ s$"), .body), (.matches("nul.byte"), nil), (.matches("(unclosed"), .internal),
        ] as [(BodyExpectation, FailureClass?)])
    func bodies(expectation: BodyExpectation, failure: FailureClass?) async throws {
        let server = try CannedHTTPServer { _ in
            .bytes(CannedHTTPServer.answer(200, "ready\nlag: 12 ms\nnul\0byte"))
        }
        defer { server.stop() }
        #expect(await report(http(server.url, [200...299], expectation)).outcome.failureClass == failure)
    }

    @Test func noAnswer() async throws {
        let closed = try FreePort.next()
        #expect(await report(http("http://127.0.0.1:\(closed)/")).outcome.failureClass == .refused)
        #expect(await report(http("http://no-such-host.invalid/")).outcome.failureClass == .dns)
        let silent = try CannedHTTPServer { _ in .silence }
        defer { silent.stop() }
        let slow = await report(http(silent.url), deadline: .milliseconds(200))
        #expect(slow.outcome.failureClass == .timeout)
        #expect(slow.samples.isEmpty)
    }

    @Test(arguments: [1, 400]) func certificateExpiry(days: Int) async throws {
        let server = try await OpenSSLServer(days: days)
        defer { server.stop() }
        let trust = HTTPRequest.Trust.roots(file: server.certificateFile, serverName: "shop.example")
        let report = await report(http("https://127.0.0.1:\(server.port)/"), trust: trust)
        #expect(report.outcome == .success)
        #expect(server.notAfter > 0)
        #expect(values(report, "probe_tls_certificate_expiry_seconds") == ["": server.notAfter])
        #expect((values(report, "probe_http_duration_seconds")["tls"] ?? 0) > 0)
        let untrusted = await self.report(http("https://127.0.0.1:\(server.port)/"))
        #expect(untrusted.outcome.failureClass == .tls)
        #expect(untrusted.samples.isEmpty)
    }

    @Test func version6Address() async throws {
        let server = try await OpenSSLServer(days: 3, address: "[::1]")
        defer { server.stop() }
        let report = await report(http("https://[::1]:\(server.port)/"), trust: .insecure)
        #expect(report.outcome == .success)
        #expect(values(report, "probe_tls_certificate_expiry_seconds") == ["": server.notAfter])
        #expect(await self.report(.tcp(host: "::1", port: server.port)).outcome == .success)
    }

    @Test func connections() async throws {
        let server = try CannedHTTPServer { _ in .silence }
        defer { server.stop() }
        let open = await report(.tcp(host: "127.0.0.1", port: server.port))
        #expect(open.outcome == .success)
        #expect(Set(values(open, "probe_tcp_duration_seconds").keys) == ["dns", "connect"])
        #expect(server.requests.isEmpty, "nothing is sent")
        let closed = await report(.tcp(host: "127.0.0.1", port: try FreePort.next()))
        #expect(closed.outcome.failureClass == .refused)
    }
}
