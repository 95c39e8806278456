import Detection
import Foundation
import Incidents
import Messages
import Runbook
import Signals
import Telemetry
import Testing
import TocsinTestKit

/// The runbook's "Post-Incident Template", filled in from the log of a database that was down.
@Suite("Post-Incident Template") struct PostIncidentReportTests {
    private typealias Control = ControlService

    /// The database of the runbook's service goes down, somebody works on it, and it comes back.
    private static func outage() throws -> (control: ControlService, id: IncidentID) {
        var control = Control()
        let info = Control.pods.enumerated().map { index, pod in
            Sample(
                Series("kube_pod_info", Control.labels(pod, ["pod_ip": "10.1.0.\(index)"])), Timestamp(millis: 0), 1)
        }
        let sessions = Sample(
            Series("pg_client_sessions", ["instance": "oddsmaker", "client": "10.1.0.1"]), Timestamp(millis: 0), 10)
        control.probe(30) { info + [sessions, Control.databaseGauge("pg_up", 1)] + $0.requests(failing: 0) }
        let outage = { (control: inout Control) in
            info + [Control.databaseGauge("pg_up", 0)] + control.requests(failing: 70)
        }
        control.probe(12, outage)
        let id = try #require(control.incident("down")).id
        control.deliver("pager")
        try control.perform(.acknowledge(id, by: "ada"))
        control.probe(6, outage)
        try control.perform(
            .sendMessage(
                id, by: "ada", kind: .initial, text: "🚨 Incident Alert - P1\n\nService: control",
                nextUpdateAt: control.moment + .seconds(900)))
        try control.perform(.note(id, by: "ada", text: "The disk of db-1 is full.\n## Action Items\n- [x] none"))
        try control.perform(.setState(id, to: .identified, by: "ada"))
        control.probe(30, outage)
        try control.perform(.setState(id, to: .monitoring, by: "bob"))
        control.probe(3) { info + [sessions, Control.databaseGauge("pg_up", 1)] + $0.requests(failing: 0) }
        return (control, id)
    }

    private func report(
        _ control: ControlService, _ id: IncidentID, _ given: [MessageFacts.Field: String] = [:]
    ) throws -> String {
        let incident = try #require(control.book.incidents[id])
        let facts = MessageFacts(
            .report, of: incident, given: given, policy: control.escalation.policy,
            surroundings: .init(
                checklist: control.escalation.checklist(of: id, at: control.moment),
                consequences: control.book.consequences[id] ?? []), at: control.moment)
        return try MessageTemplates().render(facts)
    }

    /// `TOCSIN_REWRITE_GOLDEN=1` writes the file.
    @Test("The report of an outage is filled in from its events, and what nobody said is a marked blank")
    func outageIsReported() throws {
        var (control, id) = try Self.outage()
        try control.perform(.resolve(id, by: "bob", cause: "The disk of db-1 was full."))
        let text = try report(control, id, [.resolution: "Old WAL was removed."])
        let file = "\(TocsinLab.packageRoot)/Tests/Fixtures/messages/report.md"
        // The line of a rule moves with every line that is added before it.
        let stable = text.replacing(/\(shipped\):[0-9]+/, with: "(shipped):LINE") + "\n"
        if ProcessInfo.processInfo.environment["TOCSIN_REWRITE_GOLDEN"] == "1" {
            try stable.write(toFile: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == stable)
        try control.perform(.sendMessage(id, by: "bob", kind: .report, text: text, nextUpdateAt: nil))
        #expect(control.book.incidents[id]?.timeline.last?.text == "Sent the post-incident report.")
    }

    @Test("The sections are the runbook's, in its order")
    func sections() throws {
        let (control, id) = try Self.outage()
        let headings = try report(control, id).split(separator: "\n").filter { $0.hasPrefix("## ") }
        #expect(
            headings == [
                "## Summary", "## Timeline", "## Root Cause", "## Contributing Factors", "## Resolution",
                "## Action Items", "## Lessons Learned",
            ])
    }

    @Test("Before the end it is preliminary, names no cause, and is not sent")
    func preliminary() throws {
        var (control, id) = try Self.outage()
        let text = try report(control, id)
        #expect(text.contains("> Preliminary: \(id) is not resolved, it is monitoring."))
        #expect(text.contains("Unknown: nobody has given one.\n[to fill in: the root cause]"))
        let refusal = #expect(throws: IncidentError.self) {
            try control.perform(.sendMessage(id, by: "bob", kind: .report, text: text, nextUpdateAt: nil))
        }
        #expect(refusal?.code == .notOver)
    }

    @Test("However much happened, the report may be sent, and says what it leaves out")
    func longest() throws {
        var (control, id) = try Self.outage()
        for number in 0..<600 {
            try control.perform(.note(id, by: "ada", text: "\(number) " + String(repeating: "é", count: 4000)))
        }
        for _ in 0..<40 {
            try control.perform(
                .sendMessage(id, by: "ada", kind: .update, text: String(repeating: "x", count: 4000), nextUpdateAt: nil)
            )
        }
        try control.perform(.resolve(id, by: "bob", cause: String(repeating: "y", count: 4000)))
        let text = try report(control, id)
        #expect(text.count <= IncidentCommand.reportCharactersMax)
        #expect(text.contains("more: `tocsin incident show \(id)`"))
        try control.perform(.sendMessage(id, by: "bob", kind: .report, text: text, nextUpdateAt: nil))
    }

    @Test("Every name that the facts have is one that a template may use, and the reverse")
    func names() throws {
        var (control, id) = try Self.outage()
        try control.perform(.resolve(id, by: "bob", cause: "The disk of db-1 was full."))
        let incident = try #require(control.book.incidents[id])
        let facts = MessageFacts(
            .report, of: incident, given: [:], policy: control.escalation.policy,
            surroundings: .init(
                checklist: control.escalation.checklist(of: id, at: control.moment),
                consequences: control.book.consequences[id] ?? []), at: control.moment)
        let known = MessageFacts.names(of: .report)
        for (name, value) in facts.values {
            switch value {
            case .text: #expect(known.texts.contains(name))
            case .rows(let rows):
                for row in rows { #expect(known.rows[name]?.isSuperset(of: row.keys) == true) }
            }
        }
        // What this incident has none of.
        let absent = known.texts.subtracting(facts.values.keys)
        #expect(
            absent == [
                "updateMinutes", "worstSeverity", "episode", "preliminary", "root", "eventsOmitted", "levelsOmitted",
                "workloadsOmitted", "messagesOmitted",
            ])
        #expect(Set(known.rows.keys).subtracting(facts.values.keys) == ["queries"])
    }
}
