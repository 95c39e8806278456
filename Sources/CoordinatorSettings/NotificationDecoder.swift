import ConfigurationKit
import Runbook

/// Decodes `channels`, `contacts` and `notifications` of `coordinator.yaml`.
struct NotificationDecoder {
    private enum ChannelType: String, CaseIterable, Sendable {
        case file
        case webhook
        case slack
        case pagerduty
        case smtp
    }

    /// Keys of the channel types beside `type`, `perMinute` and `digestFrom`.
    private static let keys: [ChannelType: Set<String>] = [
        .file: ["path"], .webhook: ["url", "urlFile", "token", "tokenFile", "trustRootsFile"],
        .slack: ["url", "urlFile", "trustRootsFile"],
        .pagerduty: ["routingKey", "routingKeyFile", "endpoint", "trustRootsFile"],
        .smtp: ["server", "protection", "user", "password", "passwordFile", "from", "trustRootsFile"],
    ]

    func decode(_ file: Section) -> NotificationSettings {
        let channels = file.namedSections(
            "channels", countMax: 50, nameDoc: "a name of your own, such as `pager`",
            "Ways to people. The channel `stdout` is always there: JSON lines on the standard output.", channel)
        for (name, origin, _) in channels where name == NotificationSettings.standardOutput {
            file.report(at: origin, keyPath: "channels.\(name)", "this name is the standard output's")
        }
        let names = channels.map(\.name) + [NotificationSettings.standardOutput]
        let contacts = file.namedSections(
            "contacts", countMax: 100, nameDoc: "the role, as the escalation matrix names it: `On-call Engineer`",
            "Who has the roles of the escalation matrix, and which channels reach them."
        ) { role, section in
            contact(role, section, names)
        }
        var settings = file.section("notifications", "What goes where.") { notifications($0, names) }
        settings.channels = channels.compactMap(\.value)
        settings.contacts = contacts.map(\.value)
        checkContacts(settings, file)
        return settings
    }

    // MARK: Channels

    private func channel(_ name: String, _ section: Section) -> NotificationSettings.Channel? {
        let type = section.required("type", ValueType<ChannelType>.choice(), "What it is.")
        let limits = OutboxMachine.Limits()
        let perMinute = section.value(
            "perMinute", .integer(in: 1...1000), default: limits.perMinute, "Sends in any minute; more wait.")
        let digestFrom = section.value(
            "digestFrom", .integer(in: 0...1000), default: limits.digestFrom,
            "So many notices of P3 and P4 that wait go out as one; `0` never does. PagerDuty gets each as its event.")
        let kind = kind(type, section)
        for key in Set(Self.keys.values.joined()).sorted()
        where section.has(key) && Self.keys[type]?.contains(key) == false {
            section.report(key, "a channel of type '\(type.rawValue)' has no such key")
        }
        return kind.map {
            NotificationSettings.Channel(name: name, kind: $0, perMinute: perMinute, digestFrom: digestFrom)
        }
    }

    private func kind(_ type: ChannelType, _ section: Section) -> NotificationSettings.Kind? {
        let path = section.optional("path", .path, "`file`: where the lines go; the standard output without it.")
        let url = section.secret("url", "the URL of `webhook` or `slack`; it often holds a token.")
        let token = section.secret("token", "the bearer token of `webhook`; none is sent without it.")
        let routingKey = section.secret("routingKey", "the routing key of `pagerduty`.")
        let endpoint = section.value(
            "endpoint", .url, default: "https://events.pagerduty.com/v2/enqueue", "`pagerduty`: where it takes events.")
        let mail = mailServer(section)
        let roots = section.optionalFile(
            "trustRootsFile",
            "PEM file of the roots that the server's certificate must come from, instead of the system's.")
        func needed(_ secret: SecretReference?, _ name: String) -> SecretReference? {
            if secret == nil, !section.has(name) {
                section.reportMissing("\(name)File", because: "a channel of type '\(type.rawValue)' needs it")
            }
            return secret
        }
        switch type {
        case .file: return .file(path: path)
        case .webhook: return needed(url, "url").map { .webhook(url: $0, token: token, trustRootsFile: roots) }
        case .slack: return needed(url, "url").map { .slack(url: $0, trustRootsFile: roots) }
        case .pagerduty:
            return needed(routingKey, "routingKey").map {
                .pagerduty(routingKey: $0, endpoint: endpoint, trustRootsFile: roots)
            }
        case .smtp:
            guard var mail else {
                for key in ["server", "from"] where !section.has(key) {
                    section.reportMissing(key, because: "a channel of type 'smtp' needs it")
                }
                return nil
            }
            mail.trustRootsFile = roots
            return .smtp(mail)
        }
    }

    private func mailServer(_ section: Section) -> NotificationSettings.MailServer? {
        let server = section.optional("server", .endpoint, "`smtp`: the mail server.")
        let protection = section.value(
            "protection", ValueType<NotificationSettings.Protection>.choice(), default: .startTLS,
            "`smtp`: TLS after `STARTTLS`, TLS from the first byte, or none; without TLS no password is sent.")
        let user = section.optional("user", .text(), "`smtp`: the user to log in as.")
        let password = section.secret("password", "the mail server's password.")
        let from = section.optional("from", .mailAddress, "`smtp`: address of the sender.")
        if user != nil, password == nil, !section.has("password") {
            section.reportMissing("passwordFile", because: "'user' needs a password")
        }
        if user != nil, protection == .none {
            section.report("protection", "a password is not sent without TLS")
        }
        guard let server, let from else { return nil }
        return NotificationSettings.MailServer(
            server: server, protection: protection, user: user, password: password, from: from)
    }

    // MARK: Contacts

    private func contact(_ role: String, _ section: Section, _ names: [String]) -> NotificationSettings.Contact {
        let contact = NotificationSettings.Contact(
            role: role, name: section.required("name", .text(), "The person, or the rota."),
            email: section.optional("email", .text(), "Mail address; needed when one of the channels is mail."),
            phone: section.optional("phone", .text(lengthMax: 60), "Phone number, for people to read."),
            channels: channelNames("channels", section, names, "Channels that reach this role."),
            origin: section.origin)
        return contact
    }

    private func channelNames(_ key: String, _ section: Section, _ names: [String], _ doc: String) -> [String] {
        let chosen = section.values(key, .name(), countMax: 20, doc)
        for name in chosen where !names.contains(name) {
            section.report(
                key, value: name, "there is no channel of this name", suggestion: NearestName.of(name, among: names))
        }
        return chosen
    }

    /// Placeholders of the runbook's contact table stop an armed escalation, and are doubtful in any case.
    private func checkContacts(_ settings: NotificationSettings, _ file: Section) {
        let mail = Set(settings.channels.filter { if case .smtp = $0.kind { true } else { false } }.map(\.name))
        for contact in settings.contacts {
            let fields = [("name", contact.name), ("email", contact.email ?? ""), ("phone", contact.phone ?? "")]
            for (key, value) in fields where Placeholder.isOne(value) {
                file.report(
                    ConfigurationIssue(
                        settings.isArmed ? .error : .warning, at: contact.origin,
                        keyPath: "contacts.\(contact.role).\(key)", value: value,
                        reason: settings.isArmed
                            ? "a placeholder cannot be called: escalation is not armed with it"
                            : "a placeholder; escalation cannot be armed with it"))
            }
            guard let name = contact.channels.first(where: mail.contains) else { continue }
            if contact.email == nil {
                file.report(
                    at: contact.origin, keyPath: "contacts.\(contact.role)",
                    "the channel '\(name)' is mail, and the contact has no 'email'")
            } else if let email = contact.email, !Placeholder.isOne(email), !MailAddressText.isOne(email) {
                file.report(
                    at: contact.origin, keyPath: "contacts.\(contact.role).email", "is no mail address: '\(email)'")
            }
        }
    }

    // MARK: What goes where

    private func notifications(_ section: Section, _ names: [String]) -> NotificationSettings {
        let armed = section.value(
            "armed", .boolean, default: false,
            "Whether pages go to the contacts. Each role of the escalation matrix then needs a contact that is no placeholder."
        )
        return NotificationSettings(
            channels: [], contacts: [], isArmed: armed,
            always: channelNames(
                "always", section, names,
                "Channels that get everything. Without any, and not armed, that is the standard output."),
            internalMessages: channelNames(
                "internalMessages", section, names, "Channels of the messages to stakeholders."),
            customerMessages: channelNames(
                "customerMessages", section, names, "Channels of the messages to customers."),
            heartbeat: section.optionalSection(
                "heartbeat",
                "A sign of life for a watchdog outside: sent only if ingest, detectors and outbox have moved since the last.",
                heartbeat) ?? nil,
            templatesDirectory: section.optional(
                "templatesDirectory", .path,
                "Folder of `KIND.mustache` for the kinds `initial`, `update`, `resolution`, `customer`, `report`; the shipped ones for what it lacks."
            ),
            armedOrigin: armed ? section.origin(of: "armed") : nil)
    }

    private func heartbeat(_ section: Section) -> NotificationSettings.Heartbeat? {
        let url = section.secret("url", "the URL that the sign is posted to.")
        let interval = section.value(
            "interval", .duration(in: .seconds(1) ... .seconds(3600)), default: .seconds(60), "How often.")
        let roots = section.optionalFile(
            "trustRootsFile", "PEM file of the roots that the receiver's certificate must come from.")
        if url == nil, section.isPresent, !section.has("url") {
            section.reportMissing("urlFile", because: "a heartbeat goes somewhere")
        }
        return url.map { NotificationSettings.Heartbeat(url: $0, interval: interval, trustRootsFile: roots) }
    }
}

/// Texts that stand for something that nobody has filled in, as in the runbook's own table: `[Name]`, `[Email]`.
enum Placeholder {
    private static let words = ["changeme", "change-me", "placeholder", "tbd", "todo", "xxx", "n/a", "none"]
    private static let domains = ["example.com", "example.org", "example.net", "example"]

    static func isOne(_ text: String) -> Bool {
        let text = text.lowercased()
        let brackets = [("[", "]"), ("<", ">"), ("{", "}")]
        if brackets.contains(where: { text.hasPrefix($0.0) && text.hasSuffix($0.1) }) { return true }
        if words.contains(text) { return true }
        // Reserved for documentation by RFC 2606.
        return text.contains("@") && domains.contains { text.hasSuffix("@\($0)") || text.hasSuffix(".\($0)") }
    }
}

/// Mail addresses, as far as they can be told from something else.
enum MailAddressText {
    static func isOne(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
            && text.utf8.allSatisfy { $0 > 32 && $0 != 127 && $0 != 60 && $0 != 62 && $0 != 44 }
    }
}

extension ValueType where Value == String {
    /// A mail address without a name.
    static let mailAddress = ValueType(
        name: "mail address", schema: .record(["type": .string("string"), "pattern": .string("^[^@\\s]+@[^@\\s]+$")]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, _ throws(ValueProblem) in
            guard MailAddressText.isOne(text) else { throw ValueProblem("must be a mail address, without a name") }
            return text
        },
        format: { $0 })
}
