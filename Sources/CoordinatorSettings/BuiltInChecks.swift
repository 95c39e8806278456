package import Detection
import Incidents
import Signals
import Telemetry

/// The checks that the coordinator makes itself: no file defines them, but rows of the severity table may name them.
package enum BuiltInChecks {
    /// The checks, with default times and levels.
    package static let all: [Check] = {
        let start = Timestamp(millis: 0)
        let agents = AgentWatch(startedAt: start)
        let nobody = Subject(cluster: "", kind: .target, path: "target/none")
        let logins = LoginWatch(subject: nobody, startedAt: start)
        return [agents.silentCheck, agents.blindCheck, ConfigurationWatch.check]
            + LoginWatch.Pattern.allCases.map(logins.check)
    }()

    /// Their names.
    static let names = all.map(\.name)

    /// Rows that follow those of a file, so that each of these checks has a last row without conditions.
    static let severityRules: [SeverityRule] = [
        rule("agents-blind", .p2, "a part of the fleet is unwatched"),
        rule(LoginWatch.Pattern.success.rawValue, .p2, "a password may have been guessed"),
        rule("login-*", .p3, "somebody tries passwords"),
        rule("agent-silent", .p4, "one agent is silent"),
        rule(ConfigurationWatch.check.name, .p4, "a changed file is not in force"),
    ]

    /// The unit of a signal that only these checks have.
    static func unit(of signal: SignalName) -> SignalUnit? {
        switch signal {
        case AgentWatch.silenceSignal: .seconds
        case AgentWatch.blindSignal: .ratio
        case LoginWatch.failuresSignal, LoginWatch.accountsSignal, ConfigurationWatch.signal: .count
        default: nil
        }
    }

    private static func rule(_ check: String, _ severity: Severity, _ because: String) -> SeverityRule {
        SeverityRule(check: check, severity: severity, because: because, origin: "built in")
    }
}
