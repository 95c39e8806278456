import Detection
import Incidents
import Messages
import Runbook
import Signals
import Telemetry
import Testing

/// The runbook's "Incident: Security Breach": its `audit_logs` table as the login watch reads it.
@Suite("Incident: Security Breach") struct SecurityBreachTests {
    private let logins = Subject(cluster: ControlService.cluster, kind: .target, path: "target/audit/oddsmaker")

    @Test("Unauthorized access attempts")
    func unauthorizedAttempts() throws {
        var control = ControlService()
        var watch = LoginWatch(subject: logins, startedAt: control.moment)
        control.judge(watch.take((0..<40).map { login(at: control.moment + .seconds($0), success: false) }))
        let incident = try #require(control.book.openIncidents.first)
        #expect(incident.family == .security)
        #expect(incident.subject == logins)
        #expect(incident.findings.first?.finding.explanation.contains("203.0.113.9") == true)
    }

    @Test("Suspicious audit logs: a success after many failures")
    func successAfterFailures() throws {
        var control = ControlService()
        var watch = LoginWatch(subject: logins, startedAt: control.moment)
        control.judge(
            watch.take((0...40).map { login(at: control.moment + .seconds($0), success: $0 == 40) }))
        let checks = control.book.openIncidents.flatMap { $0.findings.map(\.finding.check) }
        #expect(checks.contains(LoginWatch.Pattern.success.rawValue))
    }

    @Test("Check failed login attempts, check suspicious IPs: the statements stand in the report")
    func statements() throws {
        var control = ControlService()
        var watch = LoginWatch(subject: logins, startedAt: control.moment)
        control.judge(watch.take((0..<40).map { login(at: control.moment + .seconds($0), success: false) }))
        let incident = try #require(control.book.openIncidents.first)
        let facts = MessageFacts(.report, of: incident, given: [:], policy: .runbook, at: control.moment)
        let report = try MessageTemplates().render(facts)
        #expect(report.contains("\n- value: 40\n"), "the figures that opened it")
        let named = "(username = 'admin' OR client_ip = '203.0.113.9')"
        #expect(
            report.contains(
                "\n      SELECT * FROM audit_logs WHERE action = 'LOGIN' AND result = 'FAILURE' AND \(named) ORDER BY"))
        #expect(
            report.contains("\n      SELECT client_ip, count(*) FROM audit_logs WHERE result = 'FAILURE' AND \(named)"))
    }

    private func login(at time: Timestamp, success: Bool) -> LoginEvent {
        LoginEvent(at: time, account: "admin", address: "203.0.113.9", isSuccess: success)
    }
}
