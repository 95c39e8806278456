import Detection
import Incidents
import Signals
import Telemetry

/// A book with its log, worked as the coordinator does: decide, number, record, apply.
struct Desk {
    var book: IncidentBook
    var graph = DependencyGraph()
    private(set) var log: [IncidentEvent] = []
    private(set) var refused = 0

    init(configuration: IncidentBook.Configuration = .init(), table: SeverityTable = Example.table) {
        book = IncidentBook(severities: table, configuration: configuration)
    }

    @discardableResult
    mutating func see(_ finding: Finding, at now: Timestamp? = nil) -> [IncidentEvent] {
        let now = now ?? finding.at
        let dependents = graph.dependents(of: finding.subject).count
        let decision = book.decide(finding, dependents: dependents, now: now)
        refused += decision.refused ? 1 : 0
        return record(decision.drafts, at: now)
    }

    @discardableResult
    mutating func run(
        _ command: IncidentCommand, expecting version: UInt64? = nil, at seconds: Int64
    ) throws(IncidentError) -> [IncidentEvent] {
        let now = Example.time(seconds)
        return record(try book.decide(command, expecting: version, now: now), at: now)
    }

    @discardableResult
    mutating func run(_ command: SilenceCommand, at seconds: Int64) throws(IncidentError) -> [IncidentEvent] {
        let now = Example.time(seconds)
        return record(try book.decide(command, now: now), at: now)
    }

    /// What the clock alone leads to.
    @discardableResult
    mutating func settle(at seconds: Int64) -> [IncidentEvent] {
        record(book.settle(now: Example.time(seconds)), at: Example.time(seconds))
    }

    private mutating func record(_ drafts: [IncidentEvent.Draft], at now: Timestamp) -> [IncidentEvent] {
        let events = book.complete(drafts, over: graph, now: now)
        for event in events { book.apply(event) }
        log += events
        return events
    }

    func folded() -> IncidentBook {
        var copy = IncidentBook(severities: book.severities, configuration: book.configuration)
        for event in log { copy.apply(event) }
        return copy
    }
}

/// Checks, rules and findings of a small shop.
enum Example {
    static let subject = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart")
    static let start: Int64 = 1_700_000_000

    static func check(
        _ name: String, group: String, signal: SignalName, direction: Check.Direction = .above, enter: Double
    ) -> Check {
        Check(
            name: name, group: group, family: .errorRate, title: "Trouble of \(group)", signal: signal,
            direction: direction, enter: enter, leave: enter, holdFor: .zero, leaveFor: .zero)
    }

    static let errorRatio = check("error-rate", group: "error-rate", signal: .errorRatio, enter: 0.05)
    static let errorBurst = check("error-burst", group: "error-rate", signal: .errorRatio, enter: 0.2)
    static let ready = check("not-ready", group: "availability", signal: .readyRatio, direction: .below, enter: 0.5)
    static let query = check("long-query", group: "long-query", signal: .longestQuerySeconds, enter: 300)

    static let table = SeverityTable(
        rules: [
            SeverityRule(
                check: "error-*", value: 0.5, severity: .p1, because: "half of all requests fail", origin: "t.yaml:39"),
            SeverityRule(
                check: "error-*", value: 0.1, scopeAtLeast: 0.5, severity: .p2,
                because: "many requests fail on most pods",
                origin: "t.yaml:40"),
            SeverityRule(check: "error-*", severity: .p3, because: "some requests fail", origin: "t.yaml:41"),
            SeverityRule(
                check: "not-ready", value: 0, severity: .p1, because: "every replica is out", origin: "t.yaml:42"),
            SeverityRule(
                check: "not-ready", durationAtLeast: .seconds(300), severity: .p2, because: "it lasts",
                origin: "t.yaml:43"),
        ], checks: [errorRatio, errorBurst, ready, query], fallback: .p4)

    static func time(_ seconds: Int64) -> Timestamp { Timestamp(millis: (start + seconds) * 1000) }

    static func finding(
        _ check: Check = errorRatio, _ phase: Finding.Phase = .opened, at seconds: Int64, onset: Int64 = 0,
        value: Double = 0.06, worst: Double? = nil, affected: Int = 2, total: Int = 3, subject: Subject = subject,
        contributors: [Contribution] = []
    ) -> Finding {
        Finding(
            subject: subject, check: check, phase: phase, at: time(seconds), onsetAt: time(onset), value: value,
            worstValue: worst ?? value, threshold: check.enter, volume: 1000, affected: affected, total: total,
            coverage: Coverage(present: total, expected: total), contributors: contributors,
            explanation: "\(check.name) is \(value)")
    }
}
