import QueryWire
import Telemetry
import Testing

@testable import TocsinCLI

struct SubjectReportTests {
    private let context = RenderContext(now: FixtureViews.now, zone: .fixed(0), colour: false, width: nil)

    @Test func aLineShowsIncidentsAndTheFirstSignals() {
        let text = SubjectListReport(subjects: FixtureViews.subjects, omitted: 2).table(context)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[1].contains("oddsmaker/Deployment/oddsmaker-control"))
        #expect(lines[1].contains("P2 INC-7"))
        #expect(lines[1].contains("error 12.4%"))
        #expect(lines[2].contains("postgresql/orders"))
        #expect(lines[3] == "2 more are left out.")
    }

    @Test func oneSubjectShowsEverySignalWithWhoIsWorst() {
        let text = SubjectReport(subject: FixtureViews.subjects[0]).table(context)
        for part in [
            "error_ratio", "12.4%", "2/3", "oddsmaker-control-7d9f-abcde 34%", "latency_mean_seconds", "restarts",
        ] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
    }

    @Test func aQuantileShowsItsError() {
        var subject = FixtureViews.subjects[0]
        var p95 = SignalView(
            name: "latency_p95_seconds", unit: "seconds", at: FixtureViews.now - .seconds(4), step: .seconds(10))
        (p95.value, p95.lower, p95.upper) = (0.625, 0.5, 1)
        var p99 = p95
        p99.name = "latency_p99_seconds"
        (p99.value, p99.lower, p99.upper) = (30, 30, nil)
        subject.signals += [p95, p99]
        let report = SubjectReport(subject: subject)
        let lines = report.table(context).split(separator: "\n")
        #expect(lines.contains { $0.contains("latency_p95_seconds") && $0.contains("0.625s (0.5-1)") })
        #expect(lines.contains { $0.contains("latency_p99_seconds") && $0.contains(">30s") })
        let json = report.value.json
        #expect(json.contains("\"lower\": 0.5"))
        #expect(json.contains("\"upper\": null"))
    }

    @Test func programsGetTheLastCellsAndGapsAreNull() {
        let json = SubjectReport(subject: FixtureViews.subjects[0]).value.json
        #expect(json.contains("\"subject\": \"oddsmaker/Deployment/oddsmaker-control\""))
        #expect(json.contains("null"))
        #expect(json.contains("\"present\": 2"))
    }

    @Test func valuesInForceNameTheirLine() {
        let text = EffectiveChecksReport(
            subject: "oddsmaker/Deployment/oddsmaker-control", checks: FixtureViews.effectiveChecks
        ).table(context)
        #expect(text.contains("error-rate (override oddsmaker/Deployment/*)"))
        #expect(text.contains("thresholds.yaml:340"))
        #expect(text.contains("heap-used off"))
        #expect(text.contains("default"))
    }
}
