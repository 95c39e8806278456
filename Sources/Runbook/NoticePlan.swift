package import Incidents

/// Turns recorded pages, acknowledgements and messages into what the outbox has to send: a function of the event and
/// the book.
package struct NoticePlan: Sendable {
    /// Which channels reach whom.
    package var routing: NoticeRouting
    /// Response times, for what pages say.
    package var policy: EscalationPolicy

    /// Makes a plan.
    package init(routing: NoticeRouting, policy: EscalationPolicy) {
        self.routing = routing
        self.policy = policy
    }

    /// The entries that follow from events which the book has folded already.
    package func entries(for events: [IncidentEvent], in book: IncidentBook) -> [OutboxEntry] {
        events.flatMap { event -> [OutboxEntry] in
            guard let incident = book.incidents[event.incident] else { return [] }
            switch event.kind {
            case .paged(let page):
                return routing.entries(for: Notice(page, of: incident, policy: policy, at: event.at))
            case .acknowledged(let author, _):
                return Notice(acknowledgedBy: author, event, of: incident).map { routing.entries(for: $0) } ?? []
            case .messageSent(let message):
                return routing.entries(
                    for: Notice(message, of: incident, at: event.at), toCustomers: message.kind == .customer)
            default:
                return []
            }
        }
    }
}
