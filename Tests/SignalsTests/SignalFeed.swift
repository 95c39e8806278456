import Foundation
import Signals
import Telemetry

/// 2026-11-25T00:00:00Z, on the grid of 10 s and of a minute.
let origin = Timestamp(millis: 1_795_564_800_000)

/// `origin` and some seconds.
func at(_ seconds: Double) -> Timestamp { origin + .milliseconds(Int64(seconds * 1000)) }

/// The identity labels of a pod of the workload under test.
func podLabels(_ pod: String, node: String = "node-1", workload: String = "Deployment/orders") -> LabelSet {
    ["namespace": "shop", "workload": workload, "pod": pod, "node": node]
}

let orders = Subject(cluster: "test", kind: .workload, path: "shop/Deployment/orders")
let database = Subject(cluster: "test", kind: .postgresql, path: "postgresql/orders-db")

extension SignalEngine {
    /// An engine whose time is a step before `origin`.
    init(_ configuration: Configuration = Configuration()) {
        self.init(configuration: configuration, startedAt: at(-10))
    }

    /// Takes one sample of one pod's series.
    mutating func feed(
        _ metric: String, _ labels: LabelSet, _ seconds: Double, _ value: Double, agent: String = "node-1"
    ) {
        ingest([Sample(Series(metric, labels), at(seconds), value)], cluster: "test", agent: agent)
    }

    /// Takes one look at an application: requests so far, server errors so far, start of its process.
    mutating func feedRequests(
        _ pod: String, _ seconds: Double, ok: Double, failed: Double? = nil, started: Double = 1_795_000_000,
        agent: String = "node-1"
    ) {
        let labels = podLabels(pod, node: agent)
        var samples = [
            Sample(Series("process_start_time_seconds", labels), at(seconds), started),
            Sample(Self.requests(labels, "SUCCESS"), at(seconds), ok),
            Sample(
                Series("http_server_requests_seconds_sum", labels.merging(["outcome": "SUCCESS"])), at(seconds), ok / 10
            ),
        ]
        if let failed { samples.append(Sample(Self.requests(labels, "SERVER_ERROR"), at(seconds), failed)) }
        ingest(samples, cluster: "test", agent: agent)
    }

    private static func requests(_ labels: LabelSet, _ outcome: String) -> Series {
        Series("http_server_requests_seconds_count", labels.merging(["outcome": outcome]))
    }

    /// The points of one signal until a time.
    mutating func points(_ signal: SignalName, until seconds: Double) -> [SignalPoint] {
        advance(to: at(seconds)).filter { $0.signal == signal }
    }
}

/// Lines of a Prometheus text in Tests/Fixtures/signals as samples of a pod, negative maxima dropped as the probe does.
func fixture(_ name: String, pod: String, _ seconds: Double) throws -> [Sample] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = folder.appendingPathComponent("Fixtures/signals/\(name).prom")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return nil
        }
        let identity = line[..<space]
        let metric = identity.prefix { $0 != "{" }
        var labels = podLabels(pod)
        for pair in identity.dropFirst(metric.count + 1).dropLast().components(separatedBy: "\",") where !pair.isEmpty {
            let parts = pair.components(separatedBy: "=\"")
            labels[parts[0]] = parts[1].trimmingCharacters(in: ["\""])
        }
        if metric.hasSuffix("_max_bytes"), value < 0 { return nil }
        return Sample(Series(String(metric), labels), at(seconds), value)
    }
}
