import QueryWire
import Runbook
import Telemetry

/// What opened an incident, and what to look at next: a part of `tocsin incident show`.
struct EvidenceReport {
    var detail: IncidentDetailView

    /// The figures of the episode's first level: those that it was opened by.
    private var figures: [LedgerView.Figure] {
        detail.ledger.first { $0.at >= detail.incident.openedAt }?.figures ?? []
    }

    private var queries: [AuditQuery] {
        AuditQuery.queries(for: detail.incident.findings.map { ($0.check, $0.contributors) })
    }

    /// The keys of JSON.
    var entries: [OutputValue.Entry] {
        let queries = self.queries.map { query -> OutputValue in
            ["title": .string(query.title), "text": .string(query.text)]
        }
        return [
            .init(key: "evidence", value: .array(figures.map { ExplanationReport.value(of: $0) })),
            .init(key: "queries", value: .array(queries)),
        ]
    }

    /// A line a figure, with the command that shows its samples, and the statements.
    func lines(_ context: RenderContext) -> String {
        let figures = self.figures.map { figure -> String in
            let samples = figure.selector.map { ", tocsin query '\($0)'" } ?? ""
            let time = figure.at.map { " at \(TimeText.local($0, now: context.now, zone: context.zone))" } ?? ""
            return "  \(Printable.line("\(figure.name): \(figure.text)\(samples)\(time)"))\n"
        }
        let queries = self.queries.map { query -> String in
            "  \(Printable.line(query.title)):\n      \(Printable.line(query.text))\n"
        }
        return (figures + queries).joined()
    }
}
