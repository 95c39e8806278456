import ConfigurationKit
import CoordinatorSettings
import Detection
import Incidents
import Runbook
import Testing

@Suite struct NotificationSettingsTests {
    private func settings(_ name: String = "coordinator/notifications.yaml") throws -> NotificationSettings {
        try CoordinatorSettings.decode(GoldenFiles.source(name), environment: GoldenFiles.environment).value
            .notifications
    }

    @Test func everyKindOfChannelIsRead() throws {
        let channels = try settings().channels
        #expect(channels.map(\.name) == ["pager", "chat", "hook", "mail", "log"])
        #expect(
            channels.filter { $0.name != "mail" }.map(\.kind) == [
                .pagerduty(
                    routingKey: .file("/etc/tocsin/secrets/pagerduty"),
                    endpoint: "https://events.pagerduty.com/v2/enqueue", trustRootsFile: nil),
                .slack(url: .file("/etc/tocsin/secrets/slack"), trustRootsFile: nil),
                .webhook(
                    url: .file("/etc/tocsin/secrets/hook"), token: .file("/etc/tocsin/secrets/hook-token"),
                    trustRootsFile: "/etc/tocsin/ca.crt"),
                .file(path: "/etc/tocsin/notices.jsonl"),
            ])
        guard case .smtp(let mail) = channels[3].kind else {
            Issue.record("mail is no mail channel")
            return
        }
        #expect(mail.server == HostPort(host: "mail.shop.test", port: 587))
        #expect(mail.protection == .startTLS)
        #expect(mail.user == "tocsin")
        #expect(mail.password == .file("/etc/tocsin/secrets/mail"))
        #expect(mail.from == "tocsin@shop.test")
        #expect(channels.map(\.perMinute) == [20, 10, 20, 20, 20])
        #expect(channels.map(\.digestFrom) == [5, 3, 5, 5, 5])
    }

    @Test func rolesLeadToChannelsAndMailToAddresses() throws {
        let settings = try settings()
        #expect(settings.armingIssues(.runbook).isEmpty)
        let routing = settings.routing
        #expect(routing.roles["On-call Engineer"] == [.init(channel: "pager"), .init(channel: "chat")])
        #expect(
            routing.roles["CTO"] == [.init(channel: "mail", recipients: ["joan@shop.test"]), .init(channel: "stdout")])
        #expect(routing.always == [.init(channel: "log")])
        #expect(routing.alertChannels == ["pager"])
        #expect(settings.heartbeat?.interval == .seconds(30))
    }

    @Test func withoutAnythingAllGoesToTheStandardOutput() throws {
        let settings = try settings("coordinator/minimal.yaml")
        #expect(!settings.isArmed)
        #expect(settings.routing == NoticeRouting(always: [.init(channel: "stdout")]))
    }

    @Test func armedContactsThatNobodyNamedAreRefusedWithTheirPlace() throws {
        var settings = try settings()
        settings.contacts.removeAll { $0.role == "Team Lead" }
        let index = try #require(settings.contacts.firstIndex { $0.role == "CTO" })
        settings.contacts[index].channels = []
        let issues = settings.armingIssues(.runbook)
        #expect(
            issues.map(\.reason) == [
                "no channel reaches this contact",
                "the escalation matrix calls 'Team Lead', and 'contacts' has nobody of that role",
            ])
        #expect(issues.map(\.origin.line) == [18, 22])
    }

    @Test func aChangedMatrixThatCallsNobodyIsRefusedAndAnotherIsTaken() throws {
        var reader = ThresholdsReader(step: .seconds(10), environment: [:], notifications: try settings())
        func take(_ role: String) -> ThresholdsReader.Outcome {
            let text = """
                kind: thresholds
                escalation:
                  P1:
                    steps:
                      - {after: 0s, role: On-call Engineer}
                      - {after: 5m, role: \(role)}
                """
            let source = ConfigurationSource(file: "thresholds.yaml", folder: "/etc/tocsin", text: text)
            return reader.take(.success(source), isAsked: true)
        }
        guard case .refused(let issues) = take("CT0") else {
            Issue.record("a role without a contact is refused")
            return
        }
        #expect(issues.filter { $0.level == .error }.map(\.origin.line) == [6])
        #expect(issues.first?.suggestion?.contains("CTO") == true)
        guard case .accepted(let loaded) = take("CTO") else {
            Issue.record("a matrix whose roles are reached is taken")
            return
        }
        #expect(loaded.value.escalation[.p1].steps.map(\.role) == ["On-call Engineer", "CTO"])
    }

    @Test func theShippedEscalationIsTheRunbooks() {
        #expect(ThresholdSettings.shipped.escalation == .runbook)
    }

    @Test func aFileWithoutEscalationHasTheRunbooks() throws {
        let source = try GoldenFiles.source("thresholds/only-kind.yaml")
        #expect(try ThresholdSettings.decode(source, step: nil, environment: [:]).value.escalation == .runbook)
    }

    @Test func whoKnowsAboutAFamilyMayBeAnother() throws {
        let source = ConfigurationSource(
            file: "t.yaml", folder: "/",
            text: """
                kind: thresholds
                escalation:
                  families:
                    database: {role: "-"}
                    memory: {role: Java Desk, from: P4}
                """)
        let settings = try ThresholdSettings.decode(source, step: nil, environment: [:]).value
        #expect(
            settings.escalation.specialists == [
                .memory: .init(role: "Java Desk", from: .p4), .security: .init(role: "Security Lead", from: .p3),
            ])
        #expect(settings.escalation.roles.suffix(2) == ["Java Desk", "Security Lead"])
        #expect(settings.roleOrigins["Java Desk"]?.line == 5)
    }

    @Test func aRowOfTheMatrixMayBeAnother() throws {
        let source = ConfigurationSource(
            file: "t.yaml", folder: "/",
            text: """
                kind: thresholds
                escalation:
                  P4:
                    clock: detected
                    retriggerAfter: 2d
                    steps: [{role: Desk}, {after: 4h, role: "-"}]
                """)
        let row = try ThresholdSettings.decode(source, step: nil, environment: [:]).value.escalation[.p4]
        #expect(row.clock == .detected)
        #expect(row.retriggerAfter == .seconds(2 * 86_400))
        #expect(row.respondWithin == .seconds(86_400), "the runbook's")
        #expect(
            row.steps == [
                EscalationPolicy.Step(after: .zero, role: "Desk"),
                EscalationPolicy.Step(after: .seconds(4 * 3600), role: nil),
            ])
    }
}
