import Incidents
import Telemetry

/// Which channels reach whom.
package struct NoticeRouting: Hashable, Sendable {
    /// A channel, and the addresses on it where it needs some.
    package struct Route: Hashable, Sendable {
        /// Name of the channel.
        package var channel: String
        /// Addresses, for mail.
        package var recipients: [String]

        /// Makes a route.
        package init(channel: String, recipients: [String] = []) {
            self.channel = channel
            self.recipients = recipients
        }
    }

    /// Routes to the people of each role.
    package var roles: [String: [Route]]
    /// Where everything goes beside, and what has no other way.
    package var always: [Route]
    /// Where internal messages go.
    package var internalMessages: [Route]
    /// Where messages to customers go.
    package var customerMessages: [Route]
    /// Channels whose receivers keep an alert with a state: these alone are told of acknowledgements.
    package var alertChannels: Set<String>

    /// Makes a routing; without roles everything goes to `always`.
    package init(
        roles: [String: [Route]] = [:], always: [Route] = [], internalMessages: [Route] = [],
        customerMessages: [Route] = [], alertChannels: Set<String> = []
    ) {
        self.roles = roles
        self.always = always
        self.internalMessages = internalMessages
        self.customerMessages = customerMessages
        self.alertChannels = alertChannels
    }

    /// The notice on each channel that it has to take, each channel once.
    package func entries(for notice: Notice) -> [OutboxEntry] {
        let routes = notice.roles.flatMap { roles[$0] ?? [] } + always
        guard notice.purpose == .acknowledged else { return entries(notice, routes) }
        return entries(notice, routes.filter { alertChannels.contains($0.channel) })
    }

    /// The message on each channel of its audience; `always` when the audience has none.
    package func entries(for notice: Notice, toCustomers: Bool) -> [OutboxEntry] {
        let routes = toCustomers ? customerMessages : internalMessages
        return entries(notice, routes.isEmpty ? always : routes)
    }

    private func entries(_ notice: Notice, _ routes: [Route]) -> [OutboxEntry] {
        var entries: [OutboxEntry] = []
        for route in routes {
            if let index = entries.firstIndex(where: { $0.channel == route.channel }) {
                let known = entries[index].recipients
                entries[index].recipients += route.recipients.filter { !known.contains($0) }
            } else {
                entries.append(
                    OutboxEntry(notice, channel: route.channel, recipients: route.recipients, at: notice.at))
            }
        }
        return entries
    }
}
