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
