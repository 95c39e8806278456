import ActuatorProbe
import CurlHTTP
import Foundation
import Probing
import PrometheusProbe
import Telemetry
import Testing
import TocsinTestKit

/// Buckets of request times: recorded, of a real JVM, and of an application that has too many.
@Suite(.timeLimit(.minutes(2)))
struct RequestBucketsTests {
    private static let metric = "http_server_requests_seconds_bucket"

    private func samples(_ body: [UInt8]) throws -> [Sample] {
        try #require(
            ActuatorExposition.samples(
                body, labels: ["pod": "shop-1"], at: Timestamp(millis: 0), ownPaths: ["/actuator"]))
    }

    private func counts(_ samples: [Sample]) -> [String: Double] {
        let buckets = samples.filter { $0.series.metric == Self.metric }
        return Dictionary(uniqueKeysWithValues: buckets.map { ($0.series.labels["le"] ?? "", $0.value) })
    }

    @Test func recordedBucketsAreSummedByBoundWithoutOurOwnRequests() throws {
        let samples = try samples(try Capture("15-variants/prometheus-histogram.http").body)
        let counts = counts(samples)
        // 68 of percentiles-histogram, four of slo, and that of all requests: of three paths 27.
        #expect(counts.count == 73)
        #expect(counts["+Inf"] == 27)
        #expect(counts["1.0"] == 23)
        #expect(counts["1.431655765"] == 27)
        #expect(counts["0.001"] == 1)
        let buckets = samples.filter { $0.series.metric == Self.metric }
        let labels = Set(buckets.flatMap { $0.series.labels.labels.map(\.name) })
        #expect(labels == ["le", "pod"])
        let all = samples.filter { $0.series.metric == "http_server_requests_seconds_count" }.map(\.value)
        #expect(all.reduce(0, +) == 27)
        #expect(!samples.contains { $0.series.metric == "actuator_buckets_left_out" })
    }

    @Test func anApplicationWithoutHistogramsHasNone() throws {
        #expect(counts(try samples(try Capture("02-after-traffic/prometheus.http").body)).isEmpty)
    }

    @Test func ofTooManyBoundsEveryOtherIsSentAndTheRestCounted() throws {
        let bounds = (1...300).map { "\(Double($0) / 100)" }
        let lines = (bounds + ["+Inf"]).enumerated().map { place, bound in
            "\(Self.metric){uri=\"/x\",le=\"\(bound)\"} \(place)"
        }
        let samples = try samples(Array((lines.joined(separator: "\n") + "\nbroken{le=\"1\"} 1\n").utf8))
        let counts = counts(samples)
        #expect(counts.count == 101)
        #expect(counts["3.0"] == 299)
        #expect(counts["2.97"] == 296)
        #expect(counts["2.98"] == nil)
        #expect(counts["+Inf"] == 300)
        #expect(samples.first { $0.series.metric == "actuator_buckets_left_out" }?.value == 200)
        let many = (0..<3000).map { "\(Self.metric){le=\"\(Double($0) + 0.5)\"} 1" }
        let bounded = try self.samples(Array(many.joined(separator: "\n").utf8))
        #expect(self.counts(bounded).count == 128)
    }

    @Test func theTestServiceHasTheRecordedBounds() async throws {
        let service = try await JavaService.start(.init(service: ["--histogram"]))
        defer { service.kill() }
        let client = CurlHTTPClient()
        for _ in 0..<20 { await service.get("/ok") }
        for _ in 0..<4 { await service.get("/slow?ms=300") }
        await service.get("/boom")
        let probe = ActuatorProbe(
            .init(name: "live", baseURL: service.actuatorURL, meters: .prometheus), http: client)
        let report = await runOnce(probe)
        #expect(report.outcome == .success)
        let live = counts(report.samples)
        let slo: Set<String> = ["0.1", "0.5", "1.0", "2.0"]
        let recorded = counts(try samples(try Capture("15-variants/prometheus-histogram.http").body))
        #expect(Set(live.keys) == Set(recorded.keys).subtracting(slo))
        #expect(live["+Inf"] == 25)
        #expect(live["0.268435456"] == 21, "four took 300 ms")
        #expect(live["30.0"] == 25)
        await client.shutdown()
    }
}
