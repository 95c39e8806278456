package import Probing
package import Telemetry

/// Reads other people's metrics in Prometheus' text format: the names that were asked for, and no more of them than
/// agreed.
///
/// A target decides what it sends, and how much of it; so nothing is taken by default, and a label that takes ever new
/// values costs the target its newest series, not the agent its memory.
package actor PrometheusProbe: Probe {
    /// What is read and how.
    package struct Configuration: Sendable {
        /// Name of the target; its id is `prometheus/NAME`.
        package var name: String
        /// URL of the text.
        package var url: String
        /// Identity labels of every series; they win over labels of the text.
        package var labels: LabelSet
        /// Time between two runs.
        package var interval: Duration
        /// Time for one run; at most the interval.
        package var deadline: Duration
        /// How to log in.
        package var credentials: HTTPCredentials
        /// Whom to trust behind `https`.
        package var trust: HTTPRequest.Trust
        /// Series of one text beyond this are dropped and counted: those that are known stay.
        package var seriesMax: Int
        /// Which metric names are taken.
        package var allows: @Sendable (String) -> Bool

        /// Makes a configuration.
        package init(
            name: String, url: String, labels: LabelSet = LabelSet(), interval: Duration = .seconds(10),
            deadline: Duration = .seconds(5), credentials: HTTPCredentials = .none,
            trust: HTTPRequest.Trust = .system, seriesMax: Int = 500, allows: @escaping @Sendable (String) -> Bool
        ) {
            self.name = name
            self.url = url
            self.labels = labels
            self.interval = interval
            self.deadline = min(deadline, interval)
            self.credentials = credentials
            self.trust = trust
            self.seriesMax = seriesMax
            self.allows = allows
        }
    }

    /// Longest text; an application with histograms sends 200 KB.
    static let bodyBytesMax = 8 << 20
    /// Lines of allowed names that are looked at in one text, beyond which not even known series are found.
    static let linesMax = 50_000

    package nonisolated let target: Target
    /// A pod that goes is asked nothing more.
    package nonisolated var breaksOff: Bool { true }
    private let configuration: Configuration
    private let http: any HTTPFetching
    private let identity: LabelSet
    private var known: Set<Series> = []
    private var droppedCount: UInt64 = 0
    private var malformedCount: UInt64 = 0

    /// Makes a probe.
    package init(_ configuration: Configuration, http: any HTTPFetching) {
        self.configuration = configuration
        self.http = http
        let target = Target(
            kind: .prometheus, name: configuration.name, address: String(configuration.url.prefix { $0 != "?" }),
            labels: configuration.labels, interval: configuration.interval, deadline: configuration.deadline)
        self.target = target
        let isWorkload = configuration.labels[LabelName.workload] != nil
        identity = isWorkload ? target.labels : target.labels.merging([LabelName.target: target.id])
    }

    /// Reads the text once; see `Probe`.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        let headers: [Label]
        do throws(HTTPCredentials.Failure) {
            headers = try configuration.credentials.headers()
        } catch {
            return ProbeReport(outcome: .failure(.internal, error.message))
        }
        let request = HTTPRequest(
            url: configuration.url, headers: [Label("Accept", "text/plain;version=0.0.4,*/*;q=0.1")] + headers,
            connectTimeout: target.deadline / 2, totalTimeout: target.deadline, bodyBytesMax: Self.bodyBytesMax,
            trust: configuration.trust)
        switch await http.fetch(request) {
        case .failure(let failure):
            return ProbeReport(outcome: .failure(failure.failureClass, failure.message))
        case .response(let response):
            return report(response, at: startedAt)
        }
    }

    private func report(_ response: HTTPResponse, at time: Timestamp) -> ProbeReport {
        switch response.status {
        case 200: break
        case 401, 403: return ProbeReport(outcome: .failure(.auth, "The answer is \(response.status)."))
        case 300...399:
            return ProbeReport(outcome: .failure(.auth, "The answer is a redirect, which is not followed."))
        default: return ProbeReport(outcome: .failure(.status, "The answer is \(response.status)."))
        }
        let text = PrometheusText(response.body, linesMax: Self.linesMax, isWanted: configuration.allows)
        guard text.hasSamples || response.body.allSatisfy({ $0 == 10 || $0 == 32 }) else {
            return ProbeReport(outcome: .failure(.body, "The answer is no Prometheus text."))
        }
        malformedCount += UInt64(text.malformedCount)
        droppedCount += UInt64(text.droppedCount)
        let samples = admitted(text.lines, at: time)
        return ProbeReport(outcome: .success, samples: samples + counters(at: time))
    }

    /// The known series first, then as many new ones as there is room for; each series once.
    private func admitted(_ lines: [PrometheusText.Line], at time: Timestamp) -> [Sample] {
        var values: [(series: Series, value: Double)] = []
        var present: Set<Series> = []
        for line in lines {
            let series = Series(line.name, Self.foreign(line.labels).merging(identity))
            if present.insert(series).inserted { values.append((series, line.value)) }
        }
        known.formIntersection(present)
        for entry in values where known.count < configuration.seriesMax { known.insert(entry.series) }
        let kept = values.filter { known.contains($0.series) }
        droppedCount += UInt64(values.count - kept.count)
        return kept.map { Sample($0.series, time, $0.value) }
    }

    /// Labels that say whose a series is are ours to give; a text's own go on as `exported_NAME`, as in Prometheus.
    private static func foreign(_ labels: LabelSet) -> LabelSet {
        guard reservedLabels.contains(where: { labels[$0] != nil }) else { return labels }
        return LabelSet(
            labels.labels.map { reservedLabels.contains($0.name) ? Label("exported_" + $0.name, $0.value) : $0 })
    }

    private static let reservedLabels: Set<String> = [
        LabelName.namespace, LabelName.workload, LabelName.pod, LabelName.container, LabelName.node,
        LabelName.instance, LabelName.target,
    ]

    private func counters(at time: Timestamp) -> [Sample] {
        let labels = target.labels.merging([LabelName.target: target.id])
        return [
            Sample(Series("prometheus_samples_dropped_total", labels), time, Double(droppedCount)),
            Sample(Series("prometheus_lines_malformed_total", labels), time, Double(malformedCount)),
        ]
    }
}
