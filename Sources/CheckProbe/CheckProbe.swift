package import Probing
package import Telemetry

/// Asks one URL, or connects to one port, and compares the answer with what is expected.
///
/// Every run makes a connection of its own, so that name, connection, TLS and certificate are looked at each time.
/// Redirects are
/// answers, not followed; no proxy is used.
package final class CheckProbe: Probe {
    /// What is checked.
    package enum Subject: Sendable, Hashable {
        /// GET of a URL; the status must be in one of the ranges, and the body as expected.
        case http(url: String, statuses: [ClosedRange<Int>], body: BodyExpectation?)
        /// A TCP connection; nothing is sent.
        case tcp(host: String, port: Int)
    }

    /// What is checked and how.
    package struct Configuration: Sendable, Hashable {
        /// Name of the target; its id is `http/NAME` or `tcp/NAME`.
        package var name: String
        /// What is checked.
        package var subject: Subject
        /// Identity labels of every series.
        package var labels: LabelSet
        /// Whom to trust behind `https`.
        package var trust: HTTPRequest.Trust
        /// Time between two runs.
        package var interval: Duration
        /// Time for one run; at most the interval.
        package var deadline: Duration

        /// Makes a configuration.
        package init(
            name: String, subject: Subject, labels: LabelSet = LabelSet(), trust: HTTPRequest.Trust = .system,
            interval: Duration = .seconds(10), deadline: Duration = .seconds(5)
        ) {
            self.name = name
            self.subject = subject
            self.labels = labels
            self.trust = trust
            self.interval = interval
            self.deadline = min(deadline, interval)
        }
    }

    /// The target that is looked at, with the labels of its series.
    package let target: Target
    private let configuration: Configuration
    private let labels: LabelSet
    private let http: any HTTPFetching

    /// Makes a probe.
    package init(_ configuration: Configuration, http: any HTTPFetching) {
        self.configuration = configuration
        self.http = http
        let (kind, address): (Target.Kind, String) =
            switch configuration.subject {
            case .http(let url, _, _): (.http, String(url.prefix { $0 != "?" }))
            case .tcp(let host, let port): (.tcp, Self.address(host, port))
            }
        target = Target(
            kind: kind, name: configuration.name, address: address, labels: configuration.labels,
            interval: configuration.interval, deadline: configuration.deadline)
        labels = configuration.labels.merging([LabelName.target: target.id])
    }

    /// Looks once within the deadline; a failure is a report too.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        switch await http.fetch(request) {
        case .failure(let failure):
            return ProbeReport(outcome: .failure(failure.failureClass, failure.message))
        case .response(let response):
            return ProbeReport(outcome: outcome(of: response), samples: samples(of: response, at: startedAt))
        }
    }

    private var request: HTTPRequest {
        var request = HTTPRequest(
            url: "", connectTimeout: configuration.deadline, totalTimeout: configuration.deadline,
            trust: configuration.trust, usesFreshConnection: true)
        switch configuration.subject {
        case .http(let url, _, _): request.url = url
        case .tcp:
            request.url = "http://\(target.address)/"
            request.connectsOnly = true
        }
        return request
    }

    private static func address(_ host: String, _ port: Int) -> String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func outcome(of response: HTTPResponse) -> ProbeOutcome {
        guard case .http(_, let statuses, let body) = configuration.subject else { return .success }
        guard statuses.contains(where: { $0.contains(response.status) }) else {
            let isAuth = response.status == 401 || response.status == 403
            let wanted = statuses.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
            return .failure(
                isAuth ? .auth : .status,
                "The status is \(response.status), expected \(wanted.joined(separator: ", ")).")
        }
        switch body?.isMet(by: response.body) {
        case true?,
            nil where body == nil:
            return .success
        case false?: return .failure(.body, "The body does not have what is expected.")
        default: return .failure(.internal, "The expected body's expression is malformed.")
        }
    }

    private func samples(of response: HTTPResponse, at time: Timestamp) -> [Sample] {
        var samples: [Sample] = []
        func add(_ metric: String, _ value: Double, _ extra: LabelSet = LabelSet()) {
            samples.append(Sample(Series(metric, labels.merging(extra)), time, value))
        }
        let timing = response.timing
        if case .tcp = configuration.subject {
            add("probe_tcp_duration_seconds", timing.nameLookup.inSeconds, ["phase": "dns"])
            add("probe_tcp_duration_seconds", timing.connect.inSeconds, ["phase": "connect"])
            return samples
        }
        var phases = [("dns", timing.nameLookup), ("connect", timing.connect), ("first_byte", timing.firstByte)]
        if timing.handshake > .zero { phases.append(("tls", timing.handshake)) }
        phases.append(("total", response.duration))
        for (phase, duration) in phases { add("probe_http_duration_seconds", duration.inSeconds, ["phase": phase]) }
        add("probe_http_status_code", Double(response.status))
        add("probe_http_body_bytes", Double(response.body.count))
        if let end = response.certificateNotAfter { add("probe_tls_certificate_expiry_seconds", end.seconds) }
        return samples
    }
}
