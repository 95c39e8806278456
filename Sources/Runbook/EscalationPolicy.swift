package import Detection
package import Incidents

/// Who is called when: the runbook's escalation matrix, with the choices that it leaves open.
package struct EscalationPolicy: Hashable, Sendable {
    /// From when the clock of a level's steps runs.
    package enum Clock: String, Sendable, CaseIterable {
        /// From the detection of the level: the moment its first page was put on its way.
        case detected
        /// From the end of the level's response time: nobody is late before.
        case responseDeadline
    }

    /// One column of the matrix.
    package struct Step: Hashable, Sendable {
        /// Time on the level's clock; the first step is always due at once.
        package var after: Duration
        /// Who is called; nil is the runbook's "-": nobody further, and that is said.
        package var role: String?

        /// Makes a step.
        package init(after: Duration, role: String?) {
            self.after = after
            self.role = role
        }
    }

    /// One row of the matrix.
    package struct Level: Hashable, Sendable {
        /// The runbook's response time.
        package var respondWithin: Duration
        /// From when the steps' clock runs.
        package var clock: Clock
        /// The steps, the initial responder first; never empty, times rising.
        package var steps: [Step]
        /// Silence after an acknowledgement that calls again; nil never does.
        package var retriggerAfter: Duration?
        /// How often internal updates are promised; nil: when something changes.
        package var updateEvery: Duration?
        /// How often customers are promised an update; nil: when something changes.
        package var customerUpdateEvery: Duration?

        /// Makes a row.
        package init(
            respondWithin: Duration, clock: Clock, steps: [Step], retriggerAfter: Duration?, updateEvery: Duration?,
            customerUpdateEvery: Duration?
        ) {
            precondition(!steps.isEmpty, "a level without an initial responder")
            self.respondWithin = respondWithin
            self.clock = clock
            self.steps = steps
            self.retriggerAfter = retriggerAfter
            self.updateEvery = updateEvery
            self.customerUpdateEvery = customerUpdateEvery
        }
    }

    /// Who knows about a family, and is called with the initial responder.
    package struct Specialist: Hashable, Sendable {
        /// The role, as in `contacts`.
        package var role: String
        /// The mildest level that it is called for.
        package var from: Severity

        /// Makes a specialist.
        package init(role: String, from: Severity) {
            self.role = role
            self.from = from
        }
    }

    private var levels: [Severity: Level]
    /// Who is called beside the initial responder, by family.
    package var specialists: [Family: Specialist]

    /// Makes a policy from its four rows.
    package init(p1: Level, p2: Level, p3: Level, p4: Level, specialists: [Family: Specialist] = [:]) {
        levels = [.p1: p1, .p2: p2, .p3: p3, .p4: p4]
        self.specialists = specialists
    }

    /// Whom the first call for an incident of a family goes to; never empty.
    package func responders(of family: Family, at severity: Severity) -> [String?] {
        let first = self[severity].steps[0].role
        guard let specialist = specialists[family], severity >= specialist.from, specialist.role != first else {
            return [first]
        }
        return [first, specialist.role]
    }

    /// The row of a level.
    package subscript(severity: Severity) -> Level {
        get {
            guard let level = levels[severity] else { preconditionFailure("no row for \(severity)") }
            return level
        }
        set { levels[severity] = newValue }
    }

    /// Every role that is called, in the order of the rows, then of the families, each once.
    package var roles: [String] {
        var seen: [String] = []
        for severity in Severity.allCases.sorted(by: >) {
            for case let role? in self[severity].steps.map(\.role) where !seen.contains(role) { seen.append(role) }
        }
        for family in Family.allCases {
            if let role = specialists[family]?.role, !seen.contains(role) { seen.append(role) }
        }
        return seen
    }

    /// The runbook's response times and matrix.
    ///
    /// The matrix says 30 minutes and 1 hour for every level although a P4 has 24 hours to be answered, so P3 and P4
    /// run from the missed response deadline. It names three update intervals (15, 30, 60 minutes) and no levels for
    /// them: the faster for the worse, and of a P4 changes alone are told. The times after which silence calls again
    /// are ours. Its contacts have a DBA and a Security Lead whom no row calls, and a security breach says "Notify
    /// security team": they are called with the on-call engineer, the DBA from P2 on, so that nobody is woken for what
    /// may wait.
    package static let runbook: EscalationPolicy = {
        func row(
            _ respond: Duration, _ clock: Clock, _ second: String, _ third: String?, retrigger: Duration?,
            update: Duration?, customer: Duration?
        ) -> Level {
            Level(
                respondWithin: respond, clock: clock,
                steps: [
                    Step(after: .zero, role: "On-call Engineer"), Step(after: .seconds(1800), role: second),
                    Step(after: .seconds(3600), role: third),
                ], retriggerAfter: retrigger, updateEvery: update, customerUpdateEvery: customer)
        }
        return EscalationPolicy(
            p1: row(
                .seconds(900), .detected, "Engineering Manager", "CTO", retrigger: .seconds(1800),
                update: .seconds(900), customer: .seconds(1800)),
            p2: row(
                .seconds(1800), .detected, "Engineering Manager", "CTO", retrigger: .seconds(3600),
                update: .seconds(1800), customer: .seconds(3600)),
            p3: row(
                .seconds(7200), .responseDeadline, "Team Lead", "Engineering Manager", retrigger: .seconds(8 * 3600),
                update: .seconds(3600), customer: .seconds(3600)),
            p4: row(
                .seconds(86_400), .responseDeadline, "Team Lead", nil, retrigger: nil, update: nil, customer: nil),
            specialists: [
                .database: Specialist(role: "DBA", from: .p2), .security: Specialist(role: "Security Lead", from: .p3),
            ])
    }()
}
