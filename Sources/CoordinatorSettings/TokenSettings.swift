package import ConfigurationKit
package import TargetSettings

/// The listener for callers who show a token of a cluster's account in place of a certificate.
package struct TokenSettings: Hashable, Sendable {
    /// Where agents and the CLI connect with tokens.
    package var listen: HostPort
    /// The cluster whose accounts these are, as its agents say it.
    package var cluster: String
    /// The audience that a token must have.
    package var audience: String
    /// The API server that is asked about tokens.
    package var access: KubernetesAccess
    /// Time after which a question gives up.
    package var timeout: Duration
    /// How long an answer is relied on.
    package var keepFor: Duration
    /// Accounts of agents.
    package var agents: [NamespacedName]
    /// Roles of people and their tools.
    package var users: [Grant]
    /// The coordinator's own authority; nil: the listener shows the pair of `tls`.
    package var authority: Authority?

    /// What a role may do.
    package enum Role: String, Hashable, Sendable, CaseIterable {
        /// May look.
        case viewer
        /// May also work on incidents.
        case responder
        /// May do all.
        case admin
    }

    /// To whom a role is given.
    package enum Holder: Hashable, Sendable {
        /// A service account.
        case serviceAccount(NamespacedName)
        /// An account by the API server's name of it.
        case user(String)
        /// A group of accounts.
        case group(String)
    }

    /// A role and who has it.
    package struct Grant: Hashable, Sendable {
        /// Who.
        package var holder: Holder
        /// What.
        package var role: Role

        /// Gives a role.
        package init(holder: Holder, role: Role) {
            self.holder = holder
            self.role = role
        }
    }

    /// The coordinator's own authority, made at the first start, which signs the listener's certificate.
    package struct Authority: Hashable, Sendable {
        /// Names and addresses that callers use; the machine's loopback is always among the certificate's.
        package var hosts: [String]
        /// The ConfigMap in which the authority's certificate is published; nil: in none.
        package var configMap: NamespacedName?

        /// Makes the settings of an authority.
        package init(hosts: [String], configMap: NamespacedName?) {
            self.hosts = hosts
            self.configMap = configMap
        }
    }

    /// Reads the section `tokens`.
    init(_ section: Section) {
        listen = section.value(
            "listen", .listener, default: HostPort(host: "0.0.0.0", port: 7444),
            "Where agents and the CLI connect, by gRPC over TLS with a token.")
        cluster = section.required("cluster", .name(), "The cluster's name, as in its agents' `cluster`.")
        audience = section.value(
            "audience", .text(), default: "tocsin", "The audience that a token must have: one for others is refused.")
        access = KubernetesAccess(section, toBeAllowed: "create token reviews")
        timeout = section.value(
            "timeout", .duration(in: .seconds(1) ... .seconds(60)), default: .seconds(5),
            "Time after which a question to the API server gives up; the caller comes again.")
        keepFor = section.value(
            "keepFor", .duration(in: .seconds(1) ... .seconds(3600)), default: .seconds(120),
            "How long an answer is relied on, at most until the token's end: a token that is revoked goes on that long."
        )
        agents = section.values("agents", .namespacedName, countMax: 100, "Service accounts of agents.")
        users = section.sections(
            "users", countMax: 1000, "Roles of people and their tools; who has several may do what the highest allows."
        ) { Self.grant($0) }
        authority = section.optionalSection(
            "authority",
            "The coordinator's own authority: made at the first start and kept in `dataDirectory`; the listener's certificate is"
                + " renewed by itself. Without it the listener shows the certificate of `tls`."
        ) { section in
            Authority(
                hosts: section.values(
                    "hosts", .host, countMax: 50,
                    "Names and addresses that callers use. `localhost` and `127.0.0.1` are always among the certificate's."
                ),
                configMap: section.optional(
                    "configMap", .namespacedName,
                    "ConfigMap in which the authority's certificate is published, under `ca.crt`. The token's account must be"
                        + " allowed to get and patch it, and to create it where it may be missing."
                ))
        }
        check(section)
    }

    private static func grant(_ section: Section) -> Grant {
        let account = section.optional("serviceAccount", .namespacedName, "The service account that has the role.")
        let user = section.optional("user", .text(), "Or the account, by the API server's name of it.")
        let group = section.optional("group", .text(), "Or the group, by the API server's name of it.")
        let role = section.required("role", ValueType<Role>.choice(), "What its holder may do.")
        let holders = [account.map { Holder.serviceAccount($0) }, user.map { .user($0) }, group.map { .group($0) }]
            .compactMap { $0 }
        if holders.count != 1 { section.report(nil, "name one of 'serviceAccount', 'user' and 'group'") }
        return Grant(holder: holders.first ?? .user(""), role: role)
    }

    private func check(_ section: Section) {
        if agents.isEmpty, users.isEmpty {
            section.report(nil, "nobody is let in: name accounts under 'agents' or 'users'")
        }
        var holders: Set<Holder> = []
        for (index, grant) in users.enumerated() {
            let path = "\(section.keyPath).users[\(index)]"
            if !holders.insert(grant.holder).inserted {
                section.report(
                    at: section.origin(of: "users") ?? section.origin, keyPath: path, "has a role already, further up")
            }
            if case .serviceAccount(let account) = grant.holder, agents.contains(account) {
                section.report(
                    at: section.origin(of: "users") ?? section.origin, keyPath: path,
                    "\(account) is an agent's account, which has no other role")
            }
        }
    }
}

/// An object of a namespace: `NAMESPACE/NAME`.
package struct NamespacedName: Hashable, Sendable, CustomStringConvertible {
    /// The namespace.
    package var namespace: String
    /// The name in it.
    package var name: String

    /// Names an object.
    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { "\(namespace)/\(name)" }
}

extension ValueType where Value == NamespacedName {
    /// `NAMESPACE/NAME`, both as Kubernetes has them (RFC 1123).
    package static let namespacedName = ValueType(
        name: "`NAMESPACE/NAME`",
        schema: .record([
            "type": .string("string"),
            "pattern": .string("^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        ]), placeholder: NamespacedName(namespace: "", name: ""),
        parse: { text, _ throws(ValueProblem) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, isName(parts[0], lengthMax: 63, dots: false),
                isName(parts[1], lengthMax: 253, dots: true)
            else {
                throw ValueProblem("must be NAMESPACE/NAME in small letters, digits and '-'")
            }
            return NamespacedName(namespace: parts[0], name: parts[1])
        },
        format: { $0.description })

    private static func isName(_ text: String, lengthMax: Int, dots: Bool) -> Bool {
        func isEnd(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= lengthMax else { return false }
        return isEnd(first) && isEnd(last)
            && text.utf8.allSatisfy { isEnd($0) || $0 == UInt8(ascii: "-") || dots && $0 == UInt8(ascii: ".") }
    }
}
