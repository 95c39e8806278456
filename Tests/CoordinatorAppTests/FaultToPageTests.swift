import Detection
import Incidents
import Telemetry
import Testing

@testable import CoordinatorApp

/// How long it takes from what a probe has seen to the page, in virtual time: the coordinator's own part of it.
@Suite struct FaultToPageTests {
    /// As sharp as checks can be: what is measured is what they wait for.
    private static let checks = """
        kind: thresholds
        checks:
          error-rate:
            {family: error-rate, title: Errors, signal: error_ratio, above: 5%, leave: 2.5%, for: 0, leaveFor: 10s,
             window: 10s, minimumVolume: 10}
          oom-kill:
            {family: memory, group: memory, title: Killed, signal: oom_kills, above: 1, leave: 1, for: 0, window: 30m}
        severity: [{check: "*", level: P2, because: broken}]
        """
    private static let pod: LabelSet = [
        "namespace": "shop", "workload": "Deployment/web", "pod": "web-1", "node": "node-1",
    ]
    /// From a look to its arrival.
    private let way = Duration.milliseconds(300)
    private let start = Timestamp(millis: 1_700_000_000_000)

    private func requests(_ second: Double, failingFrom fault: Double, at time: Timestamp) -> [Sample] {
        let failed = max(0, second - fault) * 6
        return [("SUCCESS", second * 20 - failed), ("SERVER_ERROR", failed)].map { outcome, count in
            Sample(
                Series("http_server_requests_seconds_count", Self.pod.merging(["outcome": "\(outcome)"])), time,
                count.rounded())
        }
    }

    private func openings(_ events: [IncidentEvent]) -> [(at: Timestamp, finding: Finding)] {
        events.compactMap { event in
            if case .findingOpened(let finding, _) = event.kind { (event.at, finding) } else { nil }
        }
    }

    private func isNothingOfTheFuture(_ events: [IncidentEvent]) -> Bool {
        events.allSatisfy { event in
            switch event.kind {
            case .findingOpened(let finding, _), .findingUpdated(let finding, _), .findingClosed(let finding):
                finding.at <= event.at && finding.onsetAt <= finding.at
            case .detected(_, _, _, _, _, let onsetAt, let detectedAt):
                detectedAt <= event.at && onsetAt <= detectedAt
            default: true
            }
        }
    }

    @Test("A burst opens with the arrival of the look that shows it, wherever looks lie on the grid", arguments: 0..<10)
    func burst(phase: Int) throws {
        let feed = try CoreFeed(Self.checks)
        var core = feed.core(at: start)
        var events: [IncidentEvent] = []
        let fault = 132.0
        for second in 0..<200 {
            let now = start + .seconds(second)
            events += core.advance(to: now)
            guard second % 10 == phase else { continue }
            let samples = requests(Double(second), failingFrom: fault, at: now)
            core.ingest(samples: samples, cluster: "c", agent: "node-1")
            events += core.advance(to: now + way)
        }
        let opened = try #require(openings(events).first)
        // The first look at least 1.7 s after the fault: 30 % of that part of 10 s are 5 %.
        let seen = start + .seconds((134 - phase + 9) / 10 * 10 + phase)
        #expect(opened.at == seen + way)
        #expect(opened.finding.onsetAt == seen)
        #expect(openings(events).count == 1)
        #expect(isNothingOfTheFuture(events))
    }

    @Test("An OOM kill opens with the arrival of its edge, and once", arguments: 0..<10)
    func kill(phase: Int) throws {
        let feed = try CoreFeed(Self.checks)
        var core = feed.core(at: start)
        var events: [IncidentEvent] = []
        let labels = Self.pod.merging(["container": "app"])
        let killedAt = start + .milliseconds(100_000 + Int64(phase) * 1000 + 350)
        for second in 0..<150 {
            let now = start + .seconds(second)
            events += core.advance(to: now)
            if second % 10 == 4 {
                let kills = now > killedAt ? 1.0 : 0
                let samples = ["kube_pod_container_oom_kills_total", "kube_pod_container_restarts_total"].map {
                    Sample(Series($0, labels), now, kills)
                }
                core.ingest(samples: samples, cluster: "c", agent: "node-1")
                events += core.advance(to: now + way)
            }
            if second == 100 + phase {
                let edge = Edge(.containerOOMKilled, at: killedAt, labels: labels)
                core.ingest(edges: [edge], cluster: "c", agent: "node-1", now: killedAt + way)
                events += core.advance(to: killedAt + way)
            }
        }
        let opened = openings(events)
        #expect(opened.map(\.at) == [killedAt + way])
        #expect(opened.map(\.finding.onsetAt) == [killedAt])
        #expect(opened.map(\.finding.value) == [1])
        #expect(core.book.openIncidents.count == 1)
        #expect(isNothingOfTheFuture(events))
    }
}
