import Incidents
import Runbook
import Telemetry

/// Turns recorded pages and messages into what the outbox has to send: a function of the event and the book.
struct NoticePlan: Sendable {
    /// Which channels reach whom.
    var routing: NoticeRouting
    /// Response times, for what pages say.
    var policy: EscalationPolicy

    /// The entries that follow from events which the book has folded already.
    func entries(for events: [IncidentEvent], in book: IncidentBook) -> [OutboxEntry] {
        events.flatMap { event -> [OutboxEntry] in
            guard let incident = book.incidents[event.incident] else { return [] }
            switch event.kind {
            case .paged(let page):
                return routing.entries(for: Notice(page, of: incident, policy: policy, at: event.at))
            case .messageSent(let message):
                return routing.entries(
                    for: Notice(message, of: incident, at: event.at), toCustomers: message.kind == .customer)
            default:
                return []
            }
        }
    }
}
