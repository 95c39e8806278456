import Probing
import Telemetry

/// The agent's look at itself: what it uses, holds, found and lost, as series with the label `node`.
final class SelfProbe: Probe {
    let target: Target
    private let labels: LabelSet
    private let figures: @Sendable () async -> AgentFigures

    init(node: String, interval: Duration, figures: @escaping @Sendable () async -> AgentFigures) {
        labels = [LabelName.node: node]
        self.figures = figures
        target = Target(
            kind: .agent, name: node, address: "self", labels: [LabelName.node: node], interval: interval,
            deadline: min(interval, .seconds(5)))
    }

    func run(startedAt: Timestamp) async -> ProbeReport {
        let samples = await figures().all.map { Sample(Series($0.name, labels), startedAt, $0.value) }
        return ProbeReport(outcome: .success, samples: samples)
    }
}
