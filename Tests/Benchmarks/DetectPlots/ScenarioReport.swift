import Detection
import Foundation
import Scenarios
import Signals
import Telemetry

/// What the learned check adds on scenarios.
struct ScenarioReport {
    /// Where pictures go.
    let folder: URL

    private static let seeds: [UInt64] = [601, 602, 603, 604, 605]

    /// Plays the scenarios of latency with and without the learned check, and draws one that only it finds.
    func tell(picture: String) throws {
        let noise = try QuietNoise.recorded()
        var counts = (played: 0, byThreshold: 0, byAll: 0)
        for seed in Self.seeds {
            for scenario in ScenarioCatalog.all(seed: seed)
            where scenario.family == .latency && scenario.kind != .quiet {
                counts.played += 1
                var plain = ScenarioWorld(
                    scenario, seed: seed, noise: noise, checks: ShippedChecks.all.filter { !$0.measure.isAdaptive })
                if plain.run().isDetected { counts.byThreshold += 1 }
                var whole = ScenarioWorld(scenario, seed: seed, noise: noise)
                if whole.run().isDetected { counts.byAll += 1 }
                if seed == Self.seeds[0], scenario.name == "latency-unusual-clear" {
                    try draw(scenario, whole, picture)
                }
            }
        }
        DetectPlots.say("")
        DetectPlots.say(
            "Scenarios of latency, seeds \(Self.seeds[0]) to \(Self.seeds[0] + UInt64(Self.seeds.count) - 1): "
                + "\(counts.played) faults, \(counts.byThreshold) found by thresholds, \(counts.byAll) with what is learned."
        )
    }

    private func draw(_ scenario: Scenario, _ world: ScenarioWorld, _ picture: String) throws {
        let points = world.points(of: .latencyMeanSeconds).filter { $0.second > scenario.faultAt - 7200 }
        let marks =
            [Plot.Mark(x: scenario.faultAt, text: "fault", isFault: true)]
            + world.openings(of: FaultReport.learned).map { Plot.Mark(x: $0, text: "opened", isFault: false) }
        let plot = Plot(
            title: "scenario \(scenario.name)", values: points.map { ($0.second, $0.value) },
            level: (1, "threshold: 1 s"), marks: marks, format: { String(format: "%.2f s", $0) },
            span: String(format: "%.1f hours", ((points.last?.second ?? 0) - (points.first?.second ?? 0)) / 3600))
        try plot.svg.write(to: folder.appendingPathComponent(picture + ".svg"), atomically: true, encoding: .utf8)
    }
}
