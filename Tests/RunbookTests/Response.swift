import Detection
import Incidents
import Runbook
import Signals
import Telemetry

/// One incident's response on a virtual clock: events go in by minute, pages come out and are recorded, as the
/// coordinator does it.
struct Response {
    static let incident = IncidentID(rawValue: 7)
    static let start = Timestamp(millis: 1_700_000_000_000)
    static let subject = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart")

    var machine: EscalationMachine
    private(set) var log: [IncidentEvent] = []
    private(set) var pages: [Page] = []

    init(policy: EscalationPolicy = .runbook) {
        machine = EscalationMachine(policy: policy)
    }

    static func minute(_ minutes: Double) -> Timestamp { start + .milliseconds(Int64(minutes * 60_000)) }

    mutating func record(_ kind: IncidentEvent.Kind, at minutes: Double) {
        let event = IncidentEvent(
            sequence: UInt64(log.count + 1), incident: Self.incident, at: Self.minute(minutes), kind: kind)
        log.append(event)
        machine.apply(event)
    }

    /// Lets the time come; what is due is paged and recorded.
    ///
    /// Returns the new pages.
    @discardableResult
    mutating func run(until minutes: Double, isHeld: Bool = false) -> [Page] {
        let due = machine.due(at: Self.minute(minutes)) { _ in isHeld }.map(\.1)
        for page in due { record(.paged(page: page), at: minutes) }
        pages += due
        return due
    }

    mutating func open(_ severity: Severity, family: Family = .errorRate, at minutes: Double = 0) {
        record(
            .detected(
                subject: Self.subject, family: family, checkGroup: "error-rate", title: "High error rate",
                episode: 1, onsetAt: Self.minute(minutes), detectedAt: Self.minute(minutes)), at: minutes)
        rise(to: severity, from: nil, at: minutes)
        run(until: minutes)
    }

    mutating func reopen(_ severity: Severity, episode: Int, at minutes: Double) {
        record(
            .reopened(
                title: "High error rate", episode: episode, onsetAt: Self.minute(minutes),
                detectedAt: Self.minute(minutes)), at: minutes)
        rise(to: severity, from: nil, at: minutes)
        run(until: minutes)
    }

    mutating func rise(to severity: Severity, from: Severity?, at minutes: Double) {
        let entry = LedgerEntry(
            at: Self.minute(minutes), severity: severity, check: "error-rate", rule: "thresholds.yaml:230",
            because: "many requests fail", sentence: "\(severity) because many requests fail")
        record(.severityChanged(from: from, to: severity, entry: entry), at: minutes)
    }

    mutating func acknowledge(_ severity: Severity, at minutes: Double) {
        record(.acknowledged(by: "ada", severity: severity), at: minutes)
    }

    mutating func send(_ kind: SentMessage.Kind, at minutes: Double, nextUpdateAfter: Double?) {
        let next = nextUpdateAfter.map { Self.minute(minutes + $0) }
        record(
            .messageSent(
                message: SentMessage(
                    key: "m/\(log.count)", kind: kind, author: "ada", text: "…", nextUpdateAt: next)), at: minutes)
    }

    mutating func resolve(at minutes: Double) {
        record(.resolved(by: .system, cause: nil), at: minutes)
    }

    /// The log folded anew, as after a restart.
    var restarted: Response {
        var copy = Response(policy: machine.policy)
        for event in log { copy.machine.apply(event) }
        copy.log = log
        return copy
    }

    /// What is pending: minute, role (or "-"), reason.
    var pending: [String] { machine.pending(of: Self.incident).map(Self.line) }

    static func line(_ page: Page) -> String {
        let minutes = Int((page.dueAt - start).inSeconds / 60)
        return "\(minutes) \(page.reason.rawValue) \(page.roles.isEmpty ? "-" : page.roles.joined(separator: "+"))"
    }
}
