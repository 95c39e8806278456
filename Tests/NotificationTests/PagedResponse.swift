import Detection
import Incidents
import Runbook
import Signals
import Telemetry

/// One incident's events, folded as the coordinator does, and the notices that follow from them.
struct PagedResponse {
    private static let incident = IncidentID(rawValue: 7)
    private let plan: NoticePlan
    private var book = IncidentBook(severities: SeverityTable(rules: [], checks: []))
    private var pages = 0
    private(set) var entries: [OutboxEntry] = []

    init() {
        let routes = [NoticeRouting.Route(channel: "pager"), NoticeRouting.Route(channel: "chat")]
        plan = NoticePlan(
            routing: NoticeRouting(roles: ["On-call Engineer": routes], alertChannels: ["pager"]), policy: .runbook)
        record(
            .detected(
                subject: Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart"), family: .errorRate,
                checkGroup: "error-rate", title: "High error rate", episode: 1, onsetAt: Sample.at,
                detectedAt: Sample.at), at: 0)
    }

    mutating func page(_ reason: Page.Reason, at seconds: Int) {
        pages += 1
        record(
            .paged(
                page: Page(
                    key: "INC-7/1/\(pages)/0", episode: 1, reason: reason, severity: .p1, step: 0,
                    roles: ["On-call Engineer"], dueAt: Sample.at + .seconds(seconds))), at: seconds)
    }

    mutating func acknowledge(at seconds: Int) {
        record(.acknowledged(by: "ada", severity: .p1), at: seconds)
    }

    mutating func resolve(at seconds: Int) {
        record(.resolved(by: .person(name: "ada"), cause: "a full disk"), at: seconds)
        page(.resolved, at: seconds)
    }

    private mutating func record(_ kind: IncidentEvent.Kind, at seconds: Int) {
        let events = book.number([.init(incident: Self.incident, at: Sample.at + .seconds(seconds), kind: kind)])
        for event in events { book.apply(event) }
        entries += plan.entries(for: events, in: book)
    }
}
