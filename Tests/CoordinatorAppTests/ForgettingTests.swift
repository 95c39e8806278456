import Detection
import Incidents
import Signals
import Telemetry
import Testing

@testable import CoordinatorApp
@testable import Incidents

/// What is held for an agent goes with it.
struct ForgettingTests {
    private let start = CoreFeed.start

    private func batch(node: String, at time: Timestamp) -> SampleBatch {
        let series = Series(
            "kube_pod_ready", ["namespace": "a", "workload": "Deployment/b", "pod": node, "node": node])
        return SampleBatch(
            numbering: .init(stream: 1, frame: 1), series: [series], numbers: [0], times: [time.millis],
            bits: [Double(1).bitPattern])
    }

    @Test("An agent that is taken for gone is forgotten by signals and dependencies too")
    func core() throws {
        let settings = AgentWatch.Configuration(forgetAfter: .seconds(3600))
        let feed = try CoreFeed()
        let usual = feed.core(at: start)
        var core = DetectionCore(
            engine: SignalEngine(configuration: .init(step: CoreFeed.step), startedAt: start), bank: usual.bank,
            watches: Watches(agents: settings, startedAt: start), book: usual.book, escalation: usual.escalation,
            thresholds: feed.thresholds)
        for node in ["stays", "goes"] {
            core.ingest(batch(node: node, at: start), cluster: "c", agent: node)
            core.seen([AgentSign(cluster: "c", node: node, at: start)])
        }
        #expect(core.signalStatistics.agents == 2 && core.dependencies.numbered.count == 2)
        var gone: [String] = []
        for second in stride(from: 5, through: 3610, by: 5) {
            let now = start + .seconds(second)
            core.ingest(batch(node: "stays", at: now), cluster: "c", agent: "stays")
            core.seen([AgentSign(cluster: "c", node: "stays", at: now)])
            _ = core.advance(to: now)
            gone += core.takeForgotten().map(\.node)
        }
        #expect(gone == ["goes"])
        #expect(core.signalStatistics.agents == 1 && core.dependencies.numbered.count == 1)
        #expect(core.signalStatistics.series == 1)
    }

    @Test("The quota forgets an agent whose hour is over, and none before")
    func quota() {
        let quota = SeriesQuota(seriesMax: 1)
        let agent = FleetRegistry.AgentKey(cluster: "c", node: "n")
        #expect(quota.refused([Series("a")], of: agent, now: start) == nil)
        quota.forget(now: start + .seconds(3599))
        #expect(quota.agents == 1)
        #expect(quota.refused([Series("b")], of: agent, now: start + .seconds(3599)) == [0])
        quota.forget(now: start + .seconds(3600))
        #expect(quota.agents == 0)
        #expect(quota.refused([Series("b")], of: agent, now: start + .seconds(3600)) == nil)
    }
}
