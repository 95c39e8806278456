import CoordinatorSettings
import Detection
import Incidents
import Runbook
import Signals
import Telemetry

/// The runbook's service and its database, watched with the shipped checks: series every ten seconds in, incidents out.
///
/// The cores are called as the coordinator's `DetectionCore` calls them.
struct ControlService {
    static let cluster = "prod"
    static let service = Subject(cluster: cluster, kind: .workload, path: "oddsmaker/Deployment/oddsmaker-control")
    static let database = Subject(cluster: cluster, kind: .postgresql, path: "postgresql/oddsmaker")
    static let pods = ["oddsmaker-control-1", "oddsmaker-control-2", "oddsmaker-control-3"]
    /// A minute of probing.
    static let minute = 6

    private(set) var book: IncidentBook
    private(set) var dependencies = DependencyGraph()
    private(set) var escalation: EscalationMachine
    private var engine: SignalEngine
    private var bank: DetectorBank
    private var now = Timestamp(millis: 1_795_564_800_000)
    private var counters: [Series: Double] = [:]
    private var events: [IncidentEvent] = []

    init() {
        let thresholds = ThresholdSettings.shipped
        engine = SignalEngine(configuration: .init(), startedAt: now)
        escalation = EscalationMachine(policy: thresholds.escalation)
        bank = DetectorBank(checks: { thresholds.checks(for: $0) })
        book = IncidentBook(
            severities: SeverityTable(rules: thresholds.severityRules, checks: thresholds.baseChecks))
    }

    // MARK: - What the probes say

    /// Labels of a pod's series, more of them on top.
    static func labels(_ pod: String, _ more: LabelSet = [:]) -> LabelSet {
        let identity: LabelSet = [
            "namespace": "oddsmaker", "workload": "Deployment/oddsmaker-control", "pod": pod, "node": "node-1",
        ]
        return identity.merging(more)
    }

    /// A gauge of every pod.
    static func gauge(_ metric: String, _ value: Double, _ more: LabelSet = [:]) -> [Sample] {
        pods.map { Sample(Series(metric, labels($0, more)), Timestamp(millis: 0), value) }
    }

    /// A gauge of the database.
    static func databaseGauge(_ metric: String, _ value: Double) -> Sample {
        Sample(Series(metric, ["instance": "oddsmaker"]), Timestamp(millis: 0), value)
    }

    /// Requests a look answered by every pod, so many of a hundred with an error.
    mutating func requests(failing percent: Double, perPod count: Double = 100) -> [Sample] {
        var samples = Self.gauge("process_start_time_seconds", 1_795_000_000)
        for pod in Self.pods {
            for (outcome, share) in [("SUCCESS", 100 - percent), ("SERVER_ERROR", percent)] {
                let series = Series("http_server_requests_seconds_count", Self.labels(pod, ["outcome": outcome]))
                samples.append(raise(series, by: count * share / 100))
                let sum = Series("http_server_requests_seconds_sum", Self.labels(pod, ["outcome": outcome]))
                samples.append(raise(sum, by: count * share / 1000))
            }
        }
        return samples
    }

    /// A counter that rises.
    mutating func raise(_ series: Series, by increase: Double) -> Sample {
        counters[series, default: 0] += increase
        return Sample(series, Timestamp(millis: 0), counters[series, default: 0])
    }

    // MARK: - Time

    /// Probes `looks` times, every ten seconds.
    mutating func probe(_ looks: Int, _ samples: (inout ControlService) -> [Sample]) {
        for _ in 0..<looks {
            let taken = samples(&self).map { Sample($0.series, now, $0.value) }
            dependencies.take(taken, cluster: Self.cluster)
            engine.ingest(taken, cluster: Self.cluster, agent: "node-1")
            now = now + .seconds(10)
            dependencies.advance(to: now)
            judge(bank.process(engine.advance(to: now)) + bank.advance(to: now))
            record(book.settle(now: now))
            page()
        }
    }

    /// A person acts.
    mutating func perform(_ command: IncidentCommand) throws {
        record(try book.decide(command, now: now))
    }

    /// A channel took the pages that are on their way.
    mutating func deliver(_ channel: String) {
        let waiting = events.suffix(20).compactMap { event -> IncidentEvent.Draft? in
            guard case .paged(let page) = event.kind else { return nil }
            return .init(incident: event.incident, at: now, kind: .delivered(key: page.key, channel: channel))
        }
        record(waiting)
    }

    mutating func judge(_ findings: [Finding]) {
        for finding in findings {
            let dependents = dependencies.dependents(of: finding.subject).count
            record(book.decide(finding, dependents: dependents, now: now).drafts)
        }
    }

    private mutating func page() {
        let due = escalation.due(at: now) { book.incidents[$0]?.root != nil }
        record(due.map { .init(incident: $0.0, at: now, kind: .paged(page: $0.1)) })
    }

    private mutating func record(_ drafts: [IncidentEvent.Draft]) {
        let new = book.complete(drafts, over: dependencies, now: now)
        for event in new {
            book.apply(event)
            escalation.apply(event)
        }
        events += new
    }

    /// The moment that the next look is taken at.
    var moment: Timestamp { now }

    // MARK: - Questions

    /// The open incidents as `CHECKGROUP LEVEL`, the worst first.
    var open: [String] { book.openIncidents.map { "\($0.checkGroup) \($0.severity)" } }

    /// The open incident of a group.
    func incident(_ group: String) -> Incident? { book.openIncidents.first { $0.checkGroup == group } }

    /// Whether the log alone gives the book back.
    var isFoldOfItsLog: Bool {
        var copy = IncidentBook(severities: book.severities, configuration: book.configuration)
        for event in events { copy.apply(event) }
        return copy == book
    }
}
