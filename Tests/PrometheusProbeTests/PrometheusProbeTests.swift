import CurlHTTP
import Probing
import PrometheusProbe
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

@Suite(.timeLimit(.minutes(1)))
struct PrometheusProbeTests {
    private func with<Result>(
        _ answers: [[UInt8]], seriesMax: Int = 10, labels: LabelSet = LabelSet(),
        allows: @escaping @Sendable (String) -> Bool = { _ in true },
        _ body: (PrometheusProbe) async throws -> Result
    ) async throws -> Result {
        let index = Mutex(0)
        let server = try CannedHTTPServer { _ in
            .bytes(
                index.withLock { index in
                    defer { index += 1 }
                    return answers[min(index, answers.count - 1)]
                })
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let probe = PrometheusProbe(
            .init(
                name: "x", url: server.url + "/metrics", labels: labels, interval: .seconds(30), deadline: .seconds(20),
                seriesMax: seriesMax, allows: allows), http: client)
        let result = try await body(probe)
        await client.shutdown()
        return result
    }

    private func text(_ text: String) -> [UInt8] {
        CannedHTTPServer.answer(200, type: "text/plain; version=0.0.4", text)
    }

    private func values(_ report: ProbeReport) -> [String: Double] {
        Dictionary(
            uniqueKeysWithValues: report.samples.filter { !$0.series.metric.hasPrefix("prometheus_") }
                .map { ($0.series.description, $0.value) })
    }

    private func dropped(_ report: ProbeReport) -> Double? {
        report.samples.first { $0.series.metric == "prometheus_samples_dropped_total" }?.value
    }

    @Test func takesTheNamesThatAreAllowedAndGivesThemTheTargetsIdentity() async throws {
        let report = try await with(
            [text("# TYPE a counter\na{x=\"1\",pod=\"theirs\",instance=\"db\"} 4\nb 5\n")],
            labels: ["namespace": "shop", "workload": "Deployment/shop", "pod": "shop-1"], allows: { $0 == "a" }
        ) { await $0.run(startedAt: Timestamp(millis: 7)) }
        #expect(report.outcome == .success)
        #expect(
            values(report) == [
                #"a{exported_instance="db",exported_pod="theirs",namespace="shop",pod="shop-1",workload="Deployment/shop",x="1"}"#:
                    4
            ])
        #expect(report.samples.allSatisfy { $0.timestamp == Timestamp(millis: 7) })
    }

    @Test func beyondTheLimitKnownSeriesStayAndNewOnesAreCounted() async throws {
        let first = (0..<3).map { "a{n=\"\($0)\"} 1\n" }.joined()
        let second = (0..<9).reversed().map { "a{n=\"\($0)\"} 2\n" }.joined()
        let reports = try await with([text(first), text(second), text("a{n=\"8\"} 3\n")], seriesMax: 4) { probe in
            [
                await probe.run(startedAt: Timestamp(millis: 1)), await probe.run(startedAt: Timestamp(millis: 2)),
                await probe.run(startedAt: Timestamp(millis: 3)),
            ]
        }
        func numbers(_ report: ProbeReport) -> [String] {
            report.samples.compactMap { $0.series.labels["n"] }.sorted()
        }
        #expect(numbers(reports[0]) == ["0", "1", "2"])
        #expect(numbers(reports[1]) == ["0", "1", "2", "8"], "the first of the new ones fills the room")
        #expect(reports.map { dropped($0) } == [0, 5, 5])
        #expect(numbers(reports[2]) == ["8"])
    }

    @Test(arguments: [
        (401, "", FailureClass.auth), (302, "", .auth), (500, "", .status), (200, "<html>hello</html>", .body),
    ])
    func failuresHaveTheirClass(status: Int, body: String, expected: FailureClass) async throws {
        let report = try await with([CannedHTTPServer.answer(status, type: "text/html", body)]) {
            await $0.run(startedAt: Timestamp(millis: 1))
        }
        #expect(report.outcome.failureClass == expected)
        #expect(report.samples.isEmpty)
    }
}
