import QueryWire
import Telemetry

extension FixtureViews {
    static let replayed: [ReplayedFindingView] = [
        ("opened", 612.0, "8.3 % of 1,204 requests failed over 5m, more than 5 %"),
        ("closed", 100.0, "0.4 % of 1,377 requests\u{1B}[31m failed over 5m, below 2.5 %"),
    ].map { phase, ago, explanation in
        ReplayedFindingView(
            cluster: "prod", subject: "oddsmaker/Deployment/oddsmaker-control", checkGroup: "error-rate",
            family: "error-rate", title: "High error rate",
            finding: FindingView(
                check: "error-rate", phase: phase, at: now - .seconds(ago), onsetAt: now - .seconds(912),
                value: phase == "opened" ? 0.083 : 0.004, worstValue: 0.125,
                threshold: phase == "opened" ? 0.05 : 0.025, affected: phase == "opened" ? 2 : 0, total: 3,
                explanation: explanation, contributors: phase == "opened" ? ["oddsmaker-control-7d9c-abcde"] : []))
    }

    static var replaySummary: ReplaySummaryView {
        var summary = ReplaySummaryView()
        summary.startedAt = now - .seconds(90_000)
        summary.cells = 1_234_567
        summary.gaps = [
            .init(
                from: now - .seconds(4000), to: now - .seconds(3940), cells: 0,
                reason: "the coordinator was not running"),
            .init(
                from: now - .seconds(2000), to: now - .seconds(1990), cells: 512,
                reason: "the store could not keep up"),
        ]
        summary.thresholdsChangedAt = [now - .seconds(1800)]
        return summary
    }
}
