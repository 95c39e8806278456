import Detection
import Foundation
import Incidents
import Messages
import Runbook
import Signals
import Telemetry
import Testing
import TocsinTestKit

/// The runbook's "Communication Templates", filled in.
@Suite struct MessageTemplatesTests {
    private static let start = Timestamp(millis: 1_764_292_800_000)

    /// A P1 of a database: opened, acknowledged by ada, resolved after 90 minutes when `cause` is given.
    private func incident(_ severity: Severity = .p1, cause: String? = nil) throws -> Incident {
        let check = Check(
            name: "database-down", group: "down", family: .database, title: "Database down", signal: .databaseUp,
            direction: .below, enter: 0.5, leave: 0.5, holdFor: .zero, leaveFor: .zero)
        let rule = SeverityRule(check: "*", severity: severity, because: "it does not answer", origin: "t.yaml:1")
        var book = IncidentBook(severities: SeverityTable(rules: [rule], checks: [check]))
        let subject = Subject(cluster: "alpha", kind: .postgresql, path: "postgresql/orders-db")
        let finding = Finding(
            subject: subject, check: check, phase: .opened, at: Self.start, onsetAt: Self.start, value: 0,
            worstValue: 0, threshold: 0.5, volume: 0, affected: 1, total: 1,
            coverage: Coverage(present: 1, expected: 1), contributors: [], explanation: "The database does not answer.")
        func record(_ drafts: [IncidentEvent.Draft]) { for event in book.number(drafts) { book.apply(event) } }
        record(book.decide(finding, now: Self.start).drafts)
        let id = try #require(book.openIncidents.first).id
        record(try book.decide(.acknowledge(id, by: "ada"), now: Self.start + .seconds(60)))
        if let cause {
            record(try book.decide(.resolve(id, by: "ada", cause: cause), now: Self.start + .seconds(5400)))
        }
        return try #require(book.incidents[id])
    }

    private func text(
        _ kind: SentMessage.Kind, _ incident: Incident, _ given: [MessageFacts.Field: String] = [:],
        templates: MessageTemplates? = nil
    ) throws -> String {
        let facts = MessageFacts(kind, of: incident, given: given, policy: .runbook, at: Self.start + .seconds(600))
        return try (templates ?? MessageTemplates()).render(facts)
    }

    @Test func initialNotification() throws {
        #expect(
            try text(.initial, incident()) == """
                🚨 Incident Alert - P1

                Service: postgresql/orders-db
                Impact: The database does not answer.
                Status: Investigating
                ETA: unknown

                Updates will follow every 15 minutes.
                """)
    }

    @Test func statusUpdate() throws {
        #expect(
            try text(.update, incident(.p3), [.progress: "failing over", .nextSteps: "check the replica"]) == """
                📊 Incident Update - P3

                Service: postgresql/orders-db
                Status: Investigating
                Impact: The database does not answer.
                Progress: failing over
                Next Steps: check the replica

                Next update in 60 minutes.
                """)
    }

    @Test func resolutionNotification() throws {
        #expect(
            try text(
                .resolution, incident(cause: "the disk was full"), [.resolution: "room made", .review: "Monday 10:00"])
                    == """
                    ✅ Incident Resolved - P1

                    Service: postgresql/orders-db
                    Duration: 1h30m
                    Root Cause: the disk was full
                    Resolution: room made

                    Post-incident review scheduled for Monday 10:00.
                    """)
    }

    @Test func customerNotification() throws {
        #expect(
            try text(.customer, incident(), [.service: "checkout"]) == """
                We are currently experiencing issues with checkout.
                Our team is actively working on resolving this.
                We will provide updates every 30 minutes.

                We apologize for any inconvenience.
                """)
    }

    @Test func aP4PromisesNoTime() throws {
        let facts = MessageFacts(.update, of: try incident(.p4), given: [:], policy: .runbook, at: Self.start)
        #expect(facts.nextUpdateAt == nil)
        #expect(try MessageTemplates().render(facts).hasSuffix("The next update comes when something changes."))
    }

    @Test func nothingIsEscapedAndNothingIsRead() throws {
        let text = try text(.initial, incident(), [.impact: "a < b & \"c\" {{severity}}"])
        #expect(text.contains("Impact: a < b & \"c\" {{severity}}"))
    }

    @Test func whatGoesToCustomersByItselfPassesTheLinter() throws {
        let incident = try incident()
        let linter = MessageLinter(innerNames: MessageFacts.innerNames(of: incident), isCauseProven: false)
        #expect(linter.problems(in: try text(.customer, incident)).isEmpty)
        let careless = try text(.customer, incident, [.service: "the orders-db on 10.0.0.7"])
        #expect(linter.problems(in: careless).map(\.words) == ["orders-db", "10.0.0.7"])
    }

    @Test func aFileReplacesTheShippedTemplate() throws {
        let folder = try TemporaryDirectory("tocsin-templates")
        _ = try folder.write("{{severity}}! {{service}}\n\n", to: "initial.mustache")
        let templates = try MessageTemplates(directory: folder.path)
        #expect(try text(.initial, incident(), templates: templates) == "P1! postgresql/orders-db")
        #expect(try text(.customer, incident(), templates: templates).hasPrefix("We are currently"))
        _ = try folder.write("{{#open}} never closed", to: "update.mustache")
        let problem = #expect(throws: TemplateProblem.self) { try MessageTemplates(directory: folder.path) }
        #expect(problem?.description.contains("update.mustache") == true)
        #expect(throws: TemplateProblem.self) { try MessageTemplates(directory: "/nowhere") }
    }

    /// `TOCSIN_REWRITE_GOLDEN=1` writes the Swift file.
    @Test func theProgramHasTheShippedTemplates() throws {
        let root = TocsinLab.packageRoot
        var source = """
            import Incidents

            /// The texts of `deploy/templates`, so that the program has them wherever it runs.
            ///
            /// A test compares the two and, told so, writes this file.
            enum ShippedTemplates {
                /// The template of a kind.
                static func text(of kind: SentMessage.Kind) -> String {
                    switch kind {

            """
        let kinds = SentMessage.Kind.allCases.map(\.rawValue)
        for kind in kinds { source += "        case .\(kind): \(kind)\n" }
        source += "        }\n    }\n"
        for kind in kinds {
            let text = try String(contentsOfFile: "\(root)/deploy/templates/\(kind).mustache", encoding: .utf8)
            let body = text.components(separatedBy: "\n").map { $0.isEmpty ? "" : "        \($0)" }
            source += "\n    private static let \(kind) = #\"\"\"\n\(body.joined(separator: "\n"))\n        \"\"\"#\n"
        }
        source += "}\n"
        let file = "\(root)/Sources/Messages/ShippedTemplates.swift"
        if ProcessInfo.processInfo.environment["TOCSIN_REWRITE_GOLDEN"] == "1" {
            try source.write(toFile: file, atomically: true, encoding: .utf8)
        }
        #expect(
            try String(contentsOfFile: file, encoding: .utf8) == source, "run this test with TOCSIN_REWRITE_GOLDEN=1")
    }
}
