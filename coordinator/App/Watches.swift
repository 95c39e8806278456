package import Detection
package import Telemetry

/// What is watched beside signals: signs of life of agents, logins, the thresholds file.
///
/// Pure: time comes in with each call. Findings are kept until the next `advance`.
package struct Watches: Sendable {
    /// Signs of life of agents.
    package private(set) var agents: AgentWatch
    /// The thresholds file.
    private var configuration = ConfigurationWatch()
    private var logins: [Subject: LoginWatch] = [:]
    private let loginSettings: LoginWatch.Configuration
    /// Subjects whose logins are followed; events of more are passed over and counted.
    private let loginSubjectsMax: Int
    /// Login events passed over since too many subjects have some; only rises.
    package private(set) var refusedLogins: UInt64 = 0
    private var due: [Finding] = []
    private var advancedAt: Timestamp?
    /// How often agents are judged.
    private let interval: Duration

    /// Makes watches that know nothing.
    package init(
        agents: AgentWatch.Configuration = AgentWatch.Configuration(),
        logins: LoginWatch.Configuration = LoginWatch.Configuration(), loginSubjectsMax: Int = 256,
        startedAt now: Timestamp
    ) {
        self.agents = AgentWatch(configuration: agents, startedAt: now)
        loginSettings = logins
        self.loginSubjectsMax = loginSubjectsMax
        interval = min(.seconds(5), agents.incidentAfter / 4)
    }

    /// The checks that the findings name, for the severity table.
    package var checks: [Check] {
        [agents.silentCheck, agents.blindCheck, ConfigurationWatch.check] + loginChecks
    }

    private var loginChecks: [Check] {
        let any = Subject(cluster: "", kind: .target, path: "target/any")
        let watch = LoginWatch(subject: any, configuration: loginSettings, startedAt: Timestamp(millis: 0))
        return LoginWatch.Pattern.allCases.map(watch.check)
    }

    /// Whether a finding is one of these watches'.
    package func isOwn(_ finding: Finding) -> Bool { checks.contains { $0.name == finding.check } }

    /// Whether `advance` would judge the agents at this time, so that signs of life are wanted before.
    package func isDue(at now: Timestamp) -> Bool {
        advancedAt.map { now - $0 >= interval || now < $0 } ?? true
    }

    /// Takes agents known from before a restart and the findings that stood; call it once, at the start.
    ///
    /// - Returns: findings that are none of these watches'.
    package mutating func restore(
        agents known: [AgentSign], open findings: [DetectorBank.OpenFinding], at now: Timestamp
    ) -> [DetectorBank.OpenFinding] {
        for agent in known { agents.know(cluster: agent.cluster, node: agent.node, at: now) }
        var rest = configuration.restore(open: agents.restore(open: findings, at: now))
        let patterns = Set(LoginWatch.Pattern.allCases.map(\.rawValue))
        for subject in Set(rest.filter { patterns.contains($0.check) }.map(\.subject)) {
            guard var watch = loginWatch(of: subject, at: now) else { continue }
            rest = watch.restore(open: rest, at: now)
            logins[subject] = watch
        }
        return rest
    }

    /// Takes the agents' last signs of life.
    package mutating func seen(_ signs: [AgentSign]) {
        for sign in signs { agents.seen(cluster: sign.cluster, node: sign.node, at: sign.at) }
    }

    /// The agents that were forgotten since the last call.
    package mutating func takeForgotten() -> [AgentWatch.Status] { agents.takeForgotten() }

    /// Takes the logins among edges, in their order; `at` corrects a clock: it is taken off every time.
    package mutating func take(_ edges: [Edge], cluster: String, clockOffset: Duration, now: Timestamp) {
        for edge in edges where edge.kind == .loginFailed || edge.kind == .loginSucceeded {
            guard let subject = Subject(cluster: cluster, labels: edge.labels),
                let account = edge.attributes["account"], var watch = loginWatch(of: subject, at: now)
            else {
                refusedLogins += 1
                continue
            }
            let event = LoginEvent(
                at: min(edge.at - clockOffset, now), account: account, address: edge.attributes["address"] ?? "",
                isSuccess: edge.kind == .loginSucceeded)
            due += watch.take(repeatElement(event, count: min(max(1, edge.count), Self.loginsOfEdgeMax)))
            logins[subject] = watch
        }
    }

    /// Takes what became of the thresholds file; nil: it is in force.
    package mutating func thresholds(file: String, errors: [String], at now: Timestamp) {
        due +=
            errors.isEmpty
            ? configuration.accepted(file: file, at: now)
            : configuration.refused(file: file, errors: errors, at: now)
    }

    /// Sets the time and gives what was found since the last call.
    package mutating func advance(to now: Timestamp) -> [Finding] {
        var findings = due
        due = []
        guard isDue(at: now) else { return findings }
        advancedAt = now
        findings += agents.advance(to: now)
        for subject in logins.keys.sorted() { findings += logins[subject]?.advance(to: now) ?? [] }
        return findings
    }

    /// Events that one edge stands for at most; more add nothing to a burst.
    private static let loginsOfEdgeMax = 1000

    private func loginWatch(of subject: Subject, at now: Timestamp) -> LoginWatch? {
        if let known = logins[subject] { return known }
        guard logins.count < loginSubjectsMax else { return nil }
        return LoginWatch(subject: subject, configuration: loginSettings, startedAt: now)
    }
}

/// An agent and when it was last heard of, by the coordinator's clock.
package struct AgentSign: Sendable, Hashable {
    /// Its cluster.
    package var cluster: String
    /// Its node.
    package var node: String
    /// When.
    package var at: Timestamp

    /// Makes a sign.
    package init(cluster: String, node: String, at: Timestamp) {
        self.cluster = cluster
        self.node = node
        self.at = at
    }
}
