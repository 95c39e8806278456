import Foundation
import Synchronization
import Testing
import TocsinTestKit

/// From a fault to the page and to its end, with real processes and a real receiver.
@Suite(.serialized)
struct PagingTests {
    /// What a webhook got.
    private struct Got: Decodable, Sendable {
        struct Item: Decodable, Sendable {
            var key: String
            var incident: String
            var purpose: String
            var severity: String
            var roles: [String]
            var text: String
        }

        var key: String
        var notices: [Item]
    }

    /// `tocsin incident show -o json`, the parts that matter here.
    private struct Shown: Decodable, Sendable {
        struct Page: Decodable, Sendable {
            var reason: String
            var roles: [String]
            var dueAt: String
        }

        struct Check: Decodable, Sendable {
            var step: String
            var doneAt: String?
            var evidence: String?
            var late: Bool
        }

        struct Entry: Decodable, Sendable {
            var kind: String
            var text: String
        }

        var escalation: [Page]
        var checklist: [Check]
        var timeline: [Entry]
    }

    /// A database under watch, every contact on one webhook, escalation after seconds rather than minutes.
    private func fleet(hook: String, manager: Int, cto: Int) async throws -> DatabaseFleet {
        let fleet = try await DatabaseFleet()
        _ = try fleet.lab.folder.write("\(hook)/page?token=s3cret\n", to: "hook-url")
        let roles = ["On-call Engineer", "Engineering Manager", "CTO", "Team Lead", "DBA", "Security Lead"]
        let contacts = roles.map {
            "  \($0): {name: Somebody, channels: [hook]}"
        }
        try append(
            """

            channels:
              hook: {type: webhook, urlFile: hook-url}
            contacts:
            \(contacts.joined(separator: "\n"))
            notifications: {armed: true, internalMessages: [hook]}
            """, to: fleet.lab.path("coordinator.yaml"))
        try append(
            """

            escalation:
              P1:
                retriggerAfter: 1h
                steps:
                  - {after: 0s, role: On-call Engineer}
                  - {after: \(manager)s, role: Engineering Manager}
                  - {after: \(cto)s, role: CTO}
            """, to: fleet.lab.path("thresholds.yaml"))
        return fleet
    }

    private func append(_ text: String, to path: String) throws {
        let old = try String(contentsOfFile: path, encoding: .utf8)
        try (old + text + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func notices(_ server: CannedHTTPServer) throws -> [Got.Item] {
        try server.requests.flatMap { try JSONDecoder().decode(Got.self, from: Data($0.body)).notices }
    }

    @Test("A fault pages, escalates until it is acknowledged, and ends with one word that it is over")
    func fromFaultToEnd() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200)) }
        defer { server.stop() }
        let fleet = try await fleet(hook: server.url, manager: 3, cto: 20)
        let coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        try await fleet.database.kill9()
        let first = try await fleet.lab.eventually(within: .seconds(60)) {
            try notices(server).first { $0.severity == "P1" }
        }
        let page = try #require(first)
        #expect(page.roles == ["On-call Engineer", "DBA"])
        #expect(page.text.contains("Database down"))
        #expect(server.requests.first?.path == "/page?token=s3cret")

        let second = try await fleet.lab.eventually(within: .seconds(60)) {
            try notices(server).first { $0.roles == ["Engineering Manager"] }
        }
        #expect(try #require(second).incident == page.incident)
        let before = try await fleet.lab.json(Shown.self, ["incident", "show", page.incident])
        #expect(before.escalation.map(\.roles) == [["CTO"]], "every pending page is listed")

        let ack = try await fleet.lab.tocsin(["incident", "ack", page.incident])
        try #require(ack.exit == .code(0), "\(ack.text)")
        let acknowledgedAt = Date()
        let after = try await fleet.lab.json(Shown.self, ["incident", "show", page.incident])
        #expect(after.escalation.map(\.reason) == ["retriggered"])
        let notified = try await fleet.lab.eventually(within: .seconds(20)) {
            try await fleet.lab.json(Shown.self, ["incident", "show", page.incident]).checklist
                .first { $0.step == "notifyOnCall" && $0.doneAt != nil }
        }
        #expect(try #require(notified).evidence?.contains("hook took \(page.key)") == true)
        #expect(after.timeline.contains { $0.kind == "paged" && $0.text.contains("Engineering Manager") })

        let careless = try await fleet.lab.tocsin(
            ["incident", "message", page.incident, "--kind", "customer", "--service", "10.0.0.7", "--send"])
        #expect(careless.exit == .code(2))
        #expect(careless.text.contains("'10.0.0.7' is a network address"), "\(careless.text)")
        let told = try await fleet.lab.tocsin(["incident", "message", page.incident, "--kind", "initial", "--send"])
        #expect(told.exit == .code(0), "\(told.text)")
        let message = try await fleet.lab.eventually(within: .seconds(20)) {
            try notices(server).first { $0.purpose == "message" }
        }
        #expect(try #require(message).text.contains("Updates will follow every 15 minutes."))
        let promised = try await fleet.lab.json(Shown.self, ["incident", "show", page.incident])
        #expect(promised.escalation.first?.reason == "promiseMissed", "a promise is a timer")
        #expect(promised.timeline.contains { $0.kind == "message_sent" })
        #expect(promised.checklist.first { $0.step == "tellStakeholders" }?.doneAt != nil)

        // The CTO's time passes, and nobody calls.
        _ = try await fleet.lab.eventually(within: .seconds(60)) {
            Date().timeIntervalSince(acknowledgedAt) > 22 ? true : nil
        }
        #expect(try notices(server).allSatisfy { !$0.roles.contains("CTO") })

        try await fleet.database.start()
        let end = try await fleet.lab.eventually(within: .seconds(90)) {
            try notices(server).first { $0.purpose == "resolved" && $0.incident == page.incident }
        }
        #expect(try #require(end).roles == ["On-call Engineer", "DBA", "Engineering Manager"])
        #expect(
            try notices(server).filter { $0.incident == page.incident }.map(\.purpose)
                == ["page", "page", "message", "resolved"])
        try await expectReport(of: page.incident, fleet)
        for process in [agent, coordinator] { try await process.terminate() }
        #expect(!coordinator.lines.contains { $0.contains("s3cret") }, "no secret in the log")
    }

    /// The post-incident report is filled in from what happened.
    private func expectReport(of incident: String, _ fleet: DatabaseFleet) async throws {
        let report = try await fleet.lab.tocsin(["incident", "report", incident])
        #expect(report.exit == .code(0), "\(report.text)")
        #expect(report.text.contains("# Incident Report: Database down"))
        #expect(report.text.contains("Sent the initial message"))
        #expect(report.text.contains("- [ ] [to fill in: an action"), "what nobody wrote stays a blank")
    }

    @Test("A matrix that is changed while an incident is open counts at once; one that calls nobody is refused")
    func changedMatrix() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(200)) }
        defer { server.stop() }
        let fleet = try await fleet(hook: server.url, manager: 3600, cto: 7200)
        let coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        try await fleet.database.kill9()
        let first = try await fleet.lab.eventually(within: .seconds(60)) { try notices(server).first }
        #expect(try #require(first).roles == ["On-call Engineer", "DBA"])

        let path = fleet.lab.path("thresholds.yaml")
        let before = try String(contentsOfFile: path, encoding: .utf8)
        let wrong = before.replacing("{after: 7200s, role: CTO}", with: "{after: 7200s, role: Chief of Nothing}")
        try wrong.write(toFile: path, atomically: true, encoding: .utf8)
        let refusal = try await fleet.lab.eventually(within: .seconds(20)) {
            coordinator.lines.first { $0.contains("thresholds refused") }
        }
        #expect(try #require(refusal).contains("Chief of Nothing"))
        #expect(try notices(server).allSatisfy { !$0.roles.contains("Engineering Manager") })

        try before.replacing("{after: 3600s,", with: "{after: 4s,").write(
            toFile: path, atomically: true, encoding: .utf8)
        let second = try await fleet.lab.eventually(within: .seconds(30)) {
            try notices(server).first { $0.roles == ["Engineering Manager"] }
        }
        #expect(second?.incident == first?.incident, "\(coordinator.lines.suffix(5))")
        for process in [agent, coordinator] { try await process.terminate() }
    }

    @Test("kill -9 between send and commit: at most one duplicate with the same key, never none")
    func killedBetweenSendAndCommit() async throws {
        let isFirst = Mutex(true)
        let server = try CannedHTTPServer { _ in
            let silent = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            // The first send is taken and never answered: the coordinator dies before it can know.
            return silent ? .silence : .bytes(CannedHTTPServer.answer(200))
        }
        defer { server.stop() }
        let fleet = try await fleet(hook: server.url, manager: 3600, cto: 7200)
        var coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())
        try await fleet.database.kill9()
        _ = try #require(
            try await fleet.lab.eventually(within: .seconds(60)) { server.requests.first?.path })
        coordinator.kill()
        _ = try await coordinator.waitForExit()

        coordinator = try await fleet.lab.startCoordinator()
        _ = try #require(
            try await fleet.lab.eventually(within: .seconds(60)) { server.requests.dropFirst().first?.path })
        let key = try #require(try notices(server).first?.key)
        // Delivered and committed: neither time nor a further kill brings it again.
        _ = try await fleet.lab.eventually(within: .seconds(20)) {
            try await fleet.lab.json(Shown.self, ["incident", "show", "INC-1"]).timeline
                .first { $0.kind == "delivered" }
        }
        coordinator.kill()
        _ = try await coordinator.waitForExit()
        coordinator = try await fleet.lab.startCoordinator()
        try await fleet.database.start()
        _ = try #require(
            try await fleet.lab.eventually(within: .seconds(90)) {
                try notices(server).first { $0.purpose == "resolved" }
            })
        #expect(try notices(server).filter { $0.purpose == "page" }.map(\.key) == [key, key])
        #expect(try notices(server).filter { $0.purpose == "resolved" }.count == 1)
        for process in [agent, coordinator] { try await process.terminate() }
    }

    @Test("Placeholder contacts refuse to arm, with file and line")
    func placeholdersRefuseToArm() async throws {
        let fleet = try await fleet(hook: "http://127.0.0.1:9", manager: 3, cto: 6)
        let path = fleet.lab.path("coordinator.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("CTO: {name: Somebody", with: "CTO: {name: \"[Name]\"")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let line = try #require(
            text.components(separatedBy: "\n").firstIndex { $0.contains("CTO: {name") }
        ).advanced(by: 1)
        let process = try ChildProcess(
            "\(fleet.lab.binaries)/tocsin-coordinator", ["--config", path], directory: fleet.lab.folder.path)
        let exit = try await process.waitForExit()
        #expect(exit == .code(2))
        let output = process.lines.joined(separator: "\n")
        #expect(output.contains("coordinator.yaml:\(line):"), "\(output)")
        #expect(output.contains("'[Name]'"), "\(output)")
    }
}
