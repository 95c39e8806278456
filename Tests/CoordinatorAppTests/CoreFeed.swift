import ConfigurationKit
import CoordinatorSettings
import Detection
import Incidents
import Runbook
import Signals
import Telemetry

@testable import CoordinatorApp

/// A core with a few checks, and a made-up afternoon of two databases on two agents that it is fed with.
struct CoreFeed {
    static let start = Timestamp(millis: 1_700_000_000_000)
    static let step = Duration.seconds(10)

    /// What an incident log says of findings, without the numbers of events.
    struct Change: Hashable, CustomStringConvertible {
        var subject: String
        var check: String
        var phase: Finding.Phase
        var at: Timestamp
        var onsetAt: Timestamp
        var value: Double

        init(_ finding: Finding, _ phase: Finding.Phase) {
            subject = finding.subject.path
            check = finding.check
            self.phase = phase
            at = finding.at
            onsetAt = finding.onsetAt
            value = finding.value
        }

        var description: String {
            let (seen, onset) = ((at - CoreFeed.start).inSeconds, (onsetAt - CoreFeed.start).inSeconds)
            return "\(phase) \(check) of \(subject) at \(seen) since \(onset): \(value)"
        }
    }

    let thresholds: ThresholdSettings

    /// Checks whose holds and windows are those of production.
    static let checks = """
        kind: thresholds
        checks:
          database-down: {family: database, group: down, title: Down, signal: database_up, below: 0.5, for: 30s, leaveFor: 1m}
          long-query: {family: database, title: Slow, signal: longest_query_seconds, above: 5m, leaveFor: 1m}
          error-rate:
            {family: error-rate, title: Errors, signal: error_ratio, above: 5%, leave: 2.5%, for: 2m, leaveFor: 3m,
             window: 5m, minimumVolume: 50}
        severity: [{check: "*", level: P3, because: degraded}]
        """

    init(_ text: String = Self.checks) throws {
        thresholds = try ThresholdSettings.decode(
            ConfigurationSource(file: "thresholds.yaml", folder: ".", text: text), step: Self.step, environment: [:]
        ).value
    }

    /// A core that starts anew at a time, with incidents of before.
    func core(at time: Timestamp, book: IncidentBook? = nil) -> DetectionCore {
        let watches = Watches(startedAt: time)
        let thresholds = thresholds
        let severities = SeverityTable(thresholds, watches: watches)
        return DetectionCore(
            engine: SignalEngine(configuration: .init(step: Self.step), startedAt: time),
            bank: DetectorBank { thresholds.checks(for: $0) }, watches: watches,
            book: book ?? IncidentBook(severities: severities),
            escalation: EscalationMachine(policy: thresholds.escalation), thresholds: thresholds)
    }

    /// One look of an agent: a database each, and an application on the second node.
    func look(_ node: Int, at time: Timestamp) -> [Sample] {
        let second = (time - Self.start).inSeconds
        let database: LabelSet = ["instance": "db-\(node)"]
        // The first one is away for three minutes, the second has a long query for a while.
        let isUp = node == 0 && (600..<780).contains(second) ? 0.0 : 1
        let query = node == 1 && second > 900 ? min(second - 900, 420) : 1
        var samples = [Sample(Series("pg_up", database), time, isUp)]
        if isUp == 1 {
            samples.append(Sample(Series("pg_longest_query_seconds", database), time, second > 1400 ? 1 : query))
        }
        guard node == 1 else { return samples }
        // Ten requests a second; from 1200 to 1500 a fifth of them fail.
        let failed = min(max(0, second - 1200), 300) * 2
        for (outcome, count) in [("SUCCESS", second * 10 - failed), ("SERVER_ERROR", failed)] {
            let pod: LabelSet = [
                "namespace": "shop", "workload": "Deployment/web", "pod": "web-1", "node": "node-1",
                "outcome": "\(outcome)",
            ]
            samples.append(Sample(Series("http_server_requests_seconds_count", pod), time, count))
        }
        return samples
    }

    /// All looks of a stretch, both ends included: every ten seconds, the second agent four seconds after the first.
    func recording(from: Timestamp, to: Timestamp) -> Recording {
        var found: [Recording.Origin] = []
        for node in 0...1 {
            var time = Self.start + .seconds(3 + 4 * node)
            while time <= to {
                if time >= from {
                    found += look(node, at: time).map { .init(cluster: "c", agent: "node-\(node)", sample: $0) }
                }
                time = time + Self.step
            }
        }
        return Recording(found)
    }

    /// Runs a core live: looks arrive 300 ms after they were taken, ticks come each second.
    func run(_ core: inout DetectionCore, from: Timestamp, to: Timestamp) -> [Change] {
        var changes: [Change] = []
        var arrivals = recording(from: from - .seconds(1), to: to).items[...]
        var now = from
        while now <= to {
            while let next = arrivals.first, next.at + .milliseconds(300) <= now {
                arrivals.removeFirst()
                if case .samples(let samples) = next.content, next.at + .milliseconds(300) > from {
                    core.ingest(samples: samples, cluster: next.cluster, agent: next.agent)
                }
            }
            changes += Self.changes(core.advance(to: now))
            now = now + .seconds(1)
        }
        return changes
    }

    /// The findings that opened and closed among events.
    static func changes(_ events: [IncidentEvent]) -> [Change] {
        events.compactMap { event in
            switch event.kind {
            case .findingOpened(let finding, _): Change(finding, .opened)
            case .findingClosed(let finding): Change(finding, .closed)
            default: nil
            }
        }
    }
}

extension Recording {
    /// A sample with who it is from.
    struct Origin: Sendable {
        var cluster: String
        var agent: String
        var sample: Sample

        fileprivate func isOfSameLook(as other: Origin) -> Bool {
            sample.timestamp == other.sample.timestamp && agent == other.agent && cluster == other.cluster
        }
    }

    /// Makes a recording, in order of time, of samples in any order.
    init(_ samples: [Origin]) {
        self.init()
        let ordered = samples.indices.sorted { left, right in
            let (one, other) = (samples[left], samples[right])
            let (time, later) = (one.sample.timestamp, other.sample.timestamp)
            guard time == later else { return time < later }
            return (one.cluster, one.agent, left) < (other.cluster, other.agent, right)
        }
        var start = 0
        while start < ordered.count {
            let first = samples[ordered[start]]
            var end = start + 1
            while end < ordered.count, samples[ordered[end]].isOfSameLook(as: first) { end += 1 }
            add(
                samples: ordered[start..<end].map { samples[$0].sample }, cluster: first.cluster, agent: first.agent)
            start = end
        }
    }
}
