import Foundation
import Testing
import TocsinTestKit

/// People at work on one incident of a real database that is down, through the built binaries.
@Suite(.serialized)
struct IncidentWorkTests {
    private struct Detail: Decodable, Sendable {
        struct Line: Decodable, Sendable {
            var kind: String
            var author: String?
            var text: String
        }

        struct Reason: Decodable, Sendable {
            struct Number: Decodable, Sendable {
                var name: String
                var selector: String?
            }

            var rule: String
            var cause: String?
            var numbers: [Number]
        }

        var state: String
        var version: UInt64
        var acknowledgedBy: String?
        var silencedBy: String?
        var timeline: [Line]
        var ledger: [Reason]
    }

    private struct Explanation: Decodable, Sendable {
        var severity: String
        var sentences: [String]
    }

    private struct AuditRecord: Decodable, Sendable {
        var user: String
        var role: String
        var peer: String
        var call: String
        var subject: String?
        var outcome: String
        var reason: String?
        var before: String?
        var after: String?
        var intact: Bool
    }

    private struct Silence: Decodable, Sendable {
        var id: String
        var match: [String]
    }

    /// The one incident of a database that was killed.
    private func incident(of fleet: DatabaseFleet) async throws -> TocsinLab.Incident {
        try #require(try await fleet.waitUntilProbed(within: .seconds(60)))
        try await fleet.database.kill9()
        let opened = try await fleet.lab.eventually(within: .seconds(60)) {
            try await fleet.lab.incidents().first { $0.checkGroup == "down" }
        }
        return try #require(opened)
    }

    private func detail(_ lab: TocsinLab, _ id: String) async throws -> Detail {
        try await lab.json(Detail.self, ["incident", "show", id])
    }

    @Test("Changes from two terminals at once are applied in order or refused clearly, and none is lost")
    func twoTerminals() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        let id = try await incident(of: fleet).id

        // Notes from both sides: all are there, each once.
        let texts = (0..<12).map { "note \($0)" }
        try await withThrowingTaskGroup(of: ChildProcess.Exit.self) { group in
            for text in texts {
                group.addTask { try await lab.tocsin(["incident", "note", id, text], timeout: .seconds(60)).exit }
            }
            for try await exit in group { #expect(exit == .code(0)) }
        }
        let noted = try await detail(lab, id).timeline.filter { $0.kind == "noted" }.map(\.text)
        #expect(noted.sorted() == texts.sorted())

        // Both have seen the same version and want different things: one gets it, the other is told why not.
        let seen = try await detail(lab, id).version
        let wanted = ["identified", "monitoring"]
        let outputs = try await withThrowingTaskGroup(of: TocsinLab.Output.self) { group in
            for state in wanted {
                group.addTask {
                    try await lab.tocsin(
                        ["incident", "state", id, state, "--if-version", "\(seen)"], timeout: .seconds(60))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outputs.filter { $0.exit == .code(0) }.count == 1)
        let refused = try #require(outputs.first { $0.exit != .code(0) })
        #expect(refused.exit == .code(1))
        #expect(refused.text.contains("has changed since version \(seen)"), "\(refused.text)")
        let after = try await detail(lab, id)
        #expect(wanted.contains(after.state))
        #expect(after.timeline.filter { $0.kind == "state_changed" }.count == 1)

        // Whoever holds it may say so again, and the record shows it.
        let again = try await lab.tocsin(["incident", "ack", id])
        #expect(again.exit == .code(0))
        #expect(try await detail(lab, id).timeline.last?.text.hasPrefix("Acknowledged again at P") == true)
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("Who changed what is in the audit log, with what was refused and denied, and survives a kill")
    func audit() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        var coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        let id = try await incident(of: fleet).id
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "issue", "user", lab.path("tls"), "--name", "guest", "--role", "viewer"])

        #expect(try await lab.tocsin(["incident", "ack", id]).exit == .code(0))
        #expect(try await lab.tocsin(["incident", "note", id, "seen"], as: "guest").exit == .code(5))
        #expect(try await lab.tocsin(["incident", "ack", "INC-99"]).exit == .code(3))
        let silence = ["silence", "add", "--match", "subject=shop/*", "--for", "1h", "--reason", "noise"]
        #expect(try await lab.tocsin(silence).exit == .code(0))
        #expect(try await lab.tocsin(["silence", "expire", "SIL-1"]).exit == .code(0))

        coordinator.kill()
        try await coordinator.waitForExit()
        coordinator = try await lab.startCoordinator()
        let records = try await lab.json([AuditRecord].self, ["audit"])
        #expect(
            records.map { "\($0.call) \($0.subject ?? "-") \($0.outcome)" } == [
                "AcknowledgeIncident \(id) done", "NoteIncident \(id) denied", "AcknowledgeIncident INC-99 refused",
                "AddSilence SIL-1 done", "ExpireSilence SIL-1 done",
            ])
        try #require(records.count == 5)
        #expect(records.allSatisfy { $0.intact && $0.peer.contains("127.0.0.1") })
        #expect(records[0].before?.hasPrefix("detected P1 version ") == true, "\(records[0])")
        #expect(records[0].after?.contains(", held by ") == true, "\(records[0])")
        #expect(records[1].user == "guest" && records[1].role == "viewer" && records[1].after == nil)
        #expect(records[1].reason == "guest is a viewer; this needs a responder")
        #expect(records[3].before == nil && records[3].after?.hasPrefix("silence subject=shop/* until ") == true)
        #expect(records[4].before == records[3].after)
        let ofGuest = try await lab.json([AuditRecord].self, ["audit", "--user", "guest", "--limit", "5"])
        #expect(ofGuest.map(\.call) == ["NoteIncident"])
        let recent = try await lab.json([AuditRecord].self, ["audit", "--subject", "sil-1", "--since", "1h"])
        #expect(recent.count == 2)
        try await agent.terminate()
        try await coordinator.terminate()
    }

    @Test("An incident explains its level in sentences, and a silence hides pages, survives a kill and ends by hand")
    func explanationAndSilence() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        var coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        let id = try await incident(of: fleet).id

        let explanation = try await lab.json(Explanation.self, ["incident", "explain", id])
        #expect(explanation.severity == "P1")
        #expect(explanation.sentences.first?.hasPrefix("\(id) is P1 since ") == true)
        let sentence = try #require(explanation.sentences.first)
        #expect(sentence.contains("because the database does not answer ("), "\(sentence)")
        #expect(sentence.contains("/thresholds.yaml:"), "the row that gave the level: \(sentence)")
        let number = try #require(try await detail(lab, id).ledger.first?.numbers.first)
        let selector = try #require(number.selector)
        #expect(try await !fleet.samples(selector).isEmpty, "the number can be looked up: \(selector)")

        let reason = ["--for", "1h", "--reason", "moving the database"]
        #expect(try await lab.tocsin(["silence", "add"] + reason).exit == .code(2))
        #expect(try await lab.tocsin(["silence", "add", "--match", "family=nonsense"] + reason).exit == .code(2))
        let silence = try await lab.json(
            Silence.self, ["maintenance", "add", "--match", "subject=postgresql/*", "--match", "level=p1"] + reason)
        #expect(silence.match == ["subject=postgresql/*", "level=P1"])
        #expect(try await detail(lab, id).silencedBy == silence.id)

        coordinator.kill()
        _ = try await coordinator.waitForExit()
        coordinator = try await lab.startCoordinator()
        #expect(try await detail(lab, id).silencedBy == silence.id)
        #expect(try await lab.json([Silence].self, ["maintenance", "list"]).map(\.id) == [silence.id])
        #expect(try await lab.json([Silence].self, ["silence", "list"]).isEmpty)
        #expect(try await lab.tocsin(["maintenance", "expire", silence.id]).exit == .code(0))
        #expect(try await detail(lab, id).silencedBy == nil)
        #expect(try await lab.tocsin(["maintenance", "expire", silence.id]).exit == .code(1))
        #expect(try await lab.tocsin(["maintenance", "expire", "SIL-99"]).exit == .code(3))
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
