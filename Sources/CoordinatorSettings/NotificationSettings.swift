package import ConfigurationKit
import Messages
package import Runbook

/// How people are reached: channels, contacts, and what goes where.
package struct NotificationSettings: Hashable, Sendable {
    /// A way to people, by its name in the file.
    package struct Channel: Hashable, Sendable {
        /// Its name.
        package var name: String
        /// What it is and what it needs.
        package var kind: Kind
        /// Sends in any minute.
        package var perMinute: Int
        /// So many minor notices that wait go out as one; 0 never does.
        package var digestFrom: Int
    }

    /// What a channel is.
    package enum Kind: Hashable, Sendable {
        /// JSON lines in a file; nil is the standard output.
        case file(path: String?)
        /// JSON by POST.
        case webhook(url: SecretReference, token: SecretReference?, trustRootsFile: String?)
        /// A Slack incoming webhook.
        case slack(url: SecretReference, trustRootsFile: String?)
        /// PagerDuty's Events API v2.
        case pagerduty(routingKey: SecretReference, endpoint: String, trustRootsFile: String?)
        /// Mail.
        case smtp(MailServer)
    }

    /// A mail server.
    package struct MailServer: Hashable, Sendable {
        /// Where it listens.
        package var server: HostPort
        /// How the connection is protected.
        package var protection: Protection
        /// Roots of its certificate; nil: the system's.
        package var trustRootsFile: String?
        /// The user; nil logs in as nobody.
        package var user: String?
        /// The password, with a user.
        package var password: SecretReference?
        /// Address of the sender.
        package var from: String
    }

    /// How the connection to a mail server is protected.
    package enum Protection: String, Hashable, Sendable, CaseIterable {
        case startTLS
        case implicit
        case none
    }

    /// Who has a role of the escalation matrix.
    package struct Contact: Hashable, Sendable {
        /// The role, as the matrix names it.
        package var role: String
        /// The person or the rota.
        package var name: String
        /// Mail address; needed when a channel is mail.
        package var email: String?
        /// Phone number, for people.
        package var phone: String?
        /// Names of the channels that reach it.
        package var channels: [String]
        /// Place of the contact.
        package var origin: Origin
    }

    /// The sign of life for a watchdog outside.
    package struct Heartbeat: Hashable, Sendable {
        /// Where it is posted.
        package var url: SecretReference
        /// How often.
        package var interval: Duration
        /// Roots of the receiver's certificate; nil: the system's.
        package var trustRootsFile: String?
    }

    /// The channels, in the file's order.
    package var channels: [Channel]
    /// The contacts, in the file's order.
    package var contacts: [Contact]
    /// Whether pages go to the contacts; else to `always` alone.
    package var isArmed: Bool
    /// Channels that get everything.
    package var always: [String]
    /// Channels of internal messages.
    package var internalMessages: [String]
    /// Channels of messages to customers.
    package var customerMessages: [String]
    /// The sign of life; nil sends none.
    package var heartbeat: Heartbeat?
    /// Folder of message templates that replace the shipped ones; nil uses those.
    package var templatesDirectory: String?
    /// Place of `armed` where it is true.
    package var armedOrigin: Origin?

    /// Name of the channel that is there without being configured: the standard output.
    package static let standardOutput = "stdout"

    /// What keeps the escalation from being armed: roles of the matrix that nobody has or nobody is reached by; and
    /// contacts of roles that nothing calls.
    ///
    /// Errors where it is to be armed, doubts where there are contacts all the same. Empty without contacts that is not
    /// to be armed.
    ///
    /// - Parameter origins: where the matrix names a role; without one it is the runbook's own.
    package func armingIssues(
        _ policy: EscalationPolicy, origins: [String: Origin] = [:]
    ) -> [ConfigurationIssue] {
        guard isArmed || !contacts.isEmpty else { return [] }
        let level: ConfigurationIssue.Level = isArmed ? .error : .warning
        let known = contacts.map(\.role)
        let consequence = isArmed ? "" : "; escalation cannot be armed"
        let uncalled = policy.roles.compactMap { role -> ConfigurationIssue? in
            guard let contact = contacts.first(where: { $0.role == role }) else {
                let fallback = armedOrigin ?? contacts.first?.origin
                guard let origin = origins[role] ?? fallback else { return nil }
                return ConfigurationIssue(
                    level, at: origin, keyPath: origins[role] == nil ? "notifications.armed" : "escalation",
                    value: origins[role] == nil ? "\(isArmed)" : role,
                    reason:
                        "the escalation matrix calls '\(role)', and 'contacts' has nobody of that role\(consequence)",
                    suggestion: NearestName.of(role, among: known))
            }
            guard contact.channels.isEmpty else { return nil }
            return ConfigurationIssue(
                level, at: contact.origin, keyPath: "contacts.\(role)",
                reason: "no channel reaches this contact\(consequence)")
        }
        let uncalling = contacts.filter { !policy.roles.contains($0.role) }.map { contact in
            ConfigurationIssue(
                .warning, at: contact.origin, keyPath: "contacts.\(contact.role)", value: contact.role,
                reason: "nothing in 'escalation' calls this role",
                suggestion: NearestName.of(contact.role, among: policy.roles))
        }
        return uncalled + uncalling
    }

    /// What is wrong with the message templates of `templatesDirectory`.
    package func templateIssues() -> [ConfigurationIssue] {
        guard let templatesDirectory else { return [] }
        return MessageTemplates.problems(in: templatesDirectory).map { problem in
            ConfigurationIssue(
                problem.isWarning ? .warning : .error,
                at: Origin(file: problem.file, line: problem.line, column: problem.column), keyPath: "",
                value: problem.tag, reason: problem.reason,
                suggestion: problem.tag.flatMap { NearestName.of($0, among: problem.known) })
        }
    }

    /// The routes that the settings describe.
    package var routing: NoticeRouting {
        let byName = Dictionary(channels.map { ($0.name, $0) }) { first, _ in first }
        func routes(_ contact: Contact) -> [NoticeRouting.Route] {
            contact.channels.map { name in
                guard case .smtp = byName[name]?.kind else { return NoticeRouting.Route(channel: name) }
                return NoticeRouting.Route(channel: name, recipients: contact.email.map { [$0] } ?? [])
            }
        }
        let all = always.isEmpty && !isArmed ? [Self.standardOutput] : always
        var routing = NoticeRouting(
            always: all.map { NoticeRouting.Route(channel: $0) },
            internalMessages: internalMessages.map { NoticeRouting.Route(channel: $0) },
            customerMessages: customerMessages.map { NoticeRouting.Route(channel: $0) },
            alertChannels: Set(channels.filter { if case .pagerduty = $0.kind { true } else { false } }.map(\.name)))
        guard isArmed else { return routing }
        for contact in contacts { routing.roles[contact.role, default: []] += routes(contact) }
        return routing
    }
}
