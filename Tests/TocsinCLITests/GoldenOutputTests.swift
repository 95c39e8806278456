import Foundation
import QueryWire
import Telemetry
import Testing

@testable import TocsinCLI

/// What people and programs read, byte by byte.
struct GoldenOutputTests {
    enum Look: String, CaseIterable, Sendable {
        case plain, narrow, colour

        var context: RenderContext {
            switch self {
            case .plain: RenderContext(now: FixtureViews.now, zone: .fixed(3600), colour: false, width: nil)
            case .narrow: RenderContext(now: FixtureViews.now, zone: .fixed(0), colour: false, width: 100)
            case .colour: RenderContext(now: FixtureViews.now, zone: .fixed(-18_000), colour: true, width: 200)
            }
        }
    }

    static let reports: [(String, any Report)] = [
        ("status", StatusReport(status: FixtureViews.status, endpoint: "tocsin.example:7443")),
        ("agent-list", AgentListReport(agents: FixtureViews.agents)),
        ("agent-show", AgentReport(agent: FixtureViews.agents[0], targets: Array(FixtureViews.targets[..<2]))),
        ("target-list", TargetListReport(targets: FixtureViews.targets)),
        ("incident-list", IncidentListReport(incidents: [FixtureViews.incident, FixtureViews.resolved], filter: "")),
        ("incident-show", IncidentReport(detail: FixtureViews.detail)),
        (
            "incident-message",
            MessageReport(message: FixtureViews.message, incident: "INC-7", kind: "customer")
        ),
        (
            "incident-message-sent",
            MessageReport(message: FixtureViews.sentMessage, incident: "INC-7", kind: "customer")
        ),
        ("incident-explain", ExplanationReport(detail: FixtureViews.detail)),
        ("silence-list", SilenceListReport(silences: FixtureViews.silences, noun: "silence")),
        ("audit", AuditReport(records: FixtureViews.auditRecords, unreadable: 1)),
        ("replay", ReplayReport(findings: FixtureViews.replayed, summary: FixtureViews.replaySummary)),
        ("cluster-events", ClusterEventReport(edges: FixtureViews.clusterEvents, isCut: true)),
        ("cluster-rollouts", RolloutReport(edges: FixtureViews.rollouts)),
        ("workload-log", LogReport(edges: FixtureViews.logs)),
        ("silence-add", SilenceReport(silence: FixtureViews.silences[1])),
        ("query", SeriesReport(series: FixtureViews.series, detail: .summary)),
        ("query-points", SeriesReport(series: [FixtureViews.series[1]], detail: .points)),
        ("query-plot", SeriesReport(series: FixtureViews.series, detail: .plot)),
    ]

    @Test(arguments: reports.map(\.0), Look.allCases)
    func table(name: String, look: Look) throws {
        let report = try #require(Self.reports.first { $0.0 == name }?.1)
        try expect(report.table(look.context), "\(name).\(look.rawValue).txt")
    }

    @Test(arguments: reports.map(\.0).filter { !$0.hasPrefix("query-") })
    func json(name: String) throws {
        let report = try #require(Self.reports.first { $0.0 == name }?.1)
        try expect(report.value.json, "\(name).json")
        _ = try JSONSerialization.jsonObject(with: Data(report.value.json.utf8))
    }

    @Test(arguments: ["incident-show", "target-list"])
    func yaml(name: String) throws {
        let report = try #require(Self.reports.first { $0.0 == name }?.1)
        try expect(report.value.yaml, "\(name).yaml")
    }

    @Test func keysAreThoseOfTheDesign() {
        #expect(
            Self.keys(AgentListReport(agents: FixtureViews.agents).value) == [
                "node", "cluster", "version", "state", "lastSeenAt", "series", "samplesTotal", "lostSamplesTotal",
                "spoolBytes", "rssBytes",
                "cpuSeconds", "targets",
            ])
        #expect(
            Self.keys(TargetListReport(targets: FixtureViews.targets).value) == [
                "id", "kind", "address", "node", "subject", "outcome", "message", "lastProbeAt", "lastDurationSeconds",
                "lastSampleCount",
                "since", "intervalSeconds",
            ])
        let incident = Set(Self.keys(IncidentListReport(incidents: [FixtureViews.incident], filter: "").value))
        #expect(
            incident.isSuperset(of: [
                "id", "title", "family", "checkGroup", "severity", "state", "subject", "openedAt", "detectedAt",
                "onsetAt",
                "acknowledgedAt", "resolvedAt", "root", "findings",
            ]))
        let detail = Set(Self.keys(IncidentReport(detail: FixtureViews.detail).value))
        #expect(
            detail
                == incident.union([
                    "ledger", "timeline", "respondBy", "escalation", "checklist", "evidence", "queries", "logs",
                ]))
    }

    @Test func evidenceIsTheFiguresOfTheOpeningAndStatementsToRun() {
        var detail = FixtureViews.detail
        detail.ledger.removeFirst()
        detail.incident.findings = [
            FindingView(
                check: "login-failures", phase: "opened", at: FixtureViews.now, onsetAt: FixtureViews.now, value: 40,
                worstValue: 40, threshold: 20, affected: 1, total: 1, explanation: "40 failed logins",
                contributors: ["203.0.113.9", "O'Brien"])
        ]
        let text = IncidentReport(detail: detail).table(Look.plain.context)
        #expect(text.contains("\nEvidence\n  error ratio: 8.3 %, tocsin query 'http_server_requests_seconds_count{"))
        #expect(text.contains("(username = 'O''Brien' OR client_ip = '203.0.113.9')"))
        let json = IncidentReport(detail: detail).value.json
        #expect(json.contains("\"title\": \"Check suspicious IPs"))
    }

    @Test func emptyAnswersSaySo() {
        let context = Look.plain.context
        #expect(AgentListReport(agents: []).table(context) == "No agent has reported yet.\n")
        #expect(TargetListReport(targets: []).table(context) == "No targets.\n")
        #expect(IncidentListReport(incidents: [], filter: "open").table(context) == "No open incidents.\n")
        #expect(SilenceListReport(silences: [], noun: "silence").table(context) == "No silences.\n")
        #expect(SubjectListReport(subjects: []).table(context) == "Nothing is measured yet.\n")
        #expect(ClusterEventReport(edges: []).table(context) == "No events.\n")
        #expect(RolloutReport(edges: []).table(context) == "No rollouts.\n")
        #expect(LogReport(edges: []).table(context).hasPrefix("No lines are stored. "))
        #expect(SeriesReport(series: [], detail: .plot).table(context) == "No series.\n")
        #expect(IncidentListReport(incidents: [], filter: "open").value.json == "[]\n")
        #expect(IncidentListReport(incidents: [], filter: "open").value.yaml == "[]\n")
    }

    @Test func foreignTextNeverReachesTheTerminalRaw() {
        let list = IncidentListReport(incidents: [FixtureViews.resolved], filter: "")
        for text in [list.table(Look.plain.context), list.value.json, list.value.yaml] {
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        }
    }

    @Test(
        arguments: reports.map(\.0).filter {
            !["incident-show", "incident-explain", "query-points", "agent-show", "status", "silence-add"].contains($0)
        })
    func narrowTablesFit(name: String) throws {
        let report = try #require(Self.reports.first { $0.0 == name }?.1)
        var context = Look.narrow.context
        context.width = 160
        for line in report.table(context).split(separator: "\n") { #expect(line.count <= 160, "\(line)") }
    }

    private static func keys(_ value: OutputValue) -> [String] {
        switch value {
        case .array(let values): values.first.map(keys) ?? []
        case .object(let entries): entries.map(\.key)
        default: []
        }
    }

    private func expect(_ text: String, _ file: String, filePath: String = #filePath) throws {
        let folder = URL(fileURLWithPath: filePath).deletingLastPathComponent().deletingLastPathComponent()
        let url = folder.appendingPathComponent("Fixtures/cli/\(file)")
        if ProcessInfo.processInfo.environment["TOCSIN_UPDATE_FIXTURES"] == "1" {
            try Data(text.utf8).write(to: url)
        }
        let expected = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        #expect(text == expected, "\(file) differs:\n\(text)")
        let trailing = text.split(separator: "\n").filter { $0.last == " " }
        #expect(trailing.isEmpty)
    }
}
