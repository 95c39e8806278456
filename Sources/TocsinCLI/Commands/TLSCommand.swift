import ArgumentParser
import CertificateAuthority
import FoundationEssentials

/// `tocsin tls`: certificates for a fleet that has no authority of its own.
struct TLSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls", abstract: "Make an authority and certificates.",
        subcommands: [Init.self, Issue.self, Renew.self])

    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an authority, and certificates for the coordinator, agents and users.",
            discussion:
                "The coordinator's certificate always holds localhost, 127.0.0.1 and ::1 beside the hosts given.")

        @Argument(help: "Directory for the files; made when missing.")
        var directory: String

        @Option(help: "The agents' cluster.")
        var cluster = "default"

        @Option(name: .customLong("node"), help: "A node to make an agent's certificate for; may be repeated.")
        var nodes: [String] = []

        @Option(name: .customLong("host"), help: "A name or address of the coordinator; may be repeated.")
        var hosts: [String] = []

        @Option(name: .customLong("user"), help: "A user to make a certificate for; may be repeated.")
        var users: [String] = []

        @Option(help: "The users' role: viewer, responder or admin.")
        var role = UserRole.admin

        @OptionGroup var options: IssueOptions

        func run() async throws {
            var roles: [CertificateRole] = [
                .coordinator(hosts: hosts + ["localhost", "127.0.0.1", "::1"].filter { !hosts.contains($0) })
            ]
            roles += nodes.map { .agent(cluster: cluster, node: $0) }
            roles += users.map { .user(role: role, name: $0) }
            let store = CertificateDirectory(path: directory)
            try options.write { () throws(CertificateAuthorityError) in
                // What can be refused is refused before the first file is written.
                let authority = try CertificateAuthority(now: Date())
                let issued = try options.issue(roles, by: authority)
                try store.make()
                let names = [CertificateDirectory.authorityName] + issued.map(\.name)
                if !options.force, let taken = names.first(where: store.holds) {
                    throw CertificateAuthorityError(
                        .exists,
                        "\(store.certificatePath(taken)) or its key is there already; --force replaces all of them, "
                            + "`tocsin tls issue` adds to them")
                }
                try store.store(authority, force: options.force)
                for certificate in issued {
                    try store.store(certificate.files, name: certificate.name, force: options.force)
                }
                let root = TLSReport.Item(name: CertificateDirectory.authorityName, files: try authority.files)
                return TLSReport(store: store, items: [root] + issued)
            }
        }
    }

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make one more certificate with an authority made before.",
            subcommands: [Coordinator.self, Agent.self, User.self])

        struct Coordinator: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "A coordinator's certificate.")

            @Argument(help: "Directory with ca.crt and ca.key.")
            var directory: String

            @Option(name: .customLong("host"), help: "A name or address of the coordinator; may be repeated.")
            var hosts: [String]

            @OptionGroup var options: IssueOptions

            func run() async throws { try options.add([.coordinator(hosts: hosts)], to: directory) }
        }

        struct Agent: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Agents' certificates.")

            @Argument(help: "Directory with ca.crt and ca.key.")
            var directory: String

            @Option(help: "The agents' cluster.")
            var cluster = "default"

            @Option(name: .customLong("node"), help: "The agent's node; may be repeated.")
            var nodes: [String]

            @OptionGroup var options: IssueOptions

            func run() async throws { try options.add(nodes.map { .agent(cluster: cluster, node: $0) }, to: directory) }
        }

        struct User: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "A user's certificate.")

            @Argument(help: "Directory with ca.crt and ca.key.")
            var directory: String

            @Option(help: "The user's name.")
            var name: String

            @Option(help: "The user's role: viewer, responder or admin.")
            var role = UserRole.viewer

            @OptionGroup var options: IssueOptions

            func run() async throws { try options.add([.user(role: role, name: name)], to: directory) }
        }
    }
}

extension TLSCommand {
    /// `renew`.
    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace certificates that end soon by new ones for the same names, with new keys.",
            discussion: """
                The authority of the directory signs them. A running coordinator takes its new pair within ten \
                seconds, an agent with its next connection.
                """)

        @Argument(help: "Directory with ca.crt, ca.key and the certificates.")
        var directory: String

        @Option(name: .customLong("name"), help: "Only this one: coordinator, agent-NODE, user-NAME; may be repeated.")
        var names: [String] = []

        @Option(help: ArgumentHelp("Those that end within this time.", valueName: "duration"))
        var within = DurationArgument(duration: .seconds(30 * 86_400))

        @Flag(help: "All, whenever they end.")
        var all = false

        @Option(help: "Days that the new certificates are valid, 1 to 3650.")
        var days = 365

        @Option(name: [.customShort("o"), .long], help: "How to write the answer: table, json or yaml.")
        var output = OutputFormat.table

        func validate() throws {
            guard (1...3650).contains(days) else { throw ValidationError("--days is 1 to 3650") }
        }

        func run() async throws {
            let store = CertificateDirectory(path: directory)
            try TLSReport.write(output) { () throws(CertificateAuthorityError) in
                let authority = try store.authority()
                let present = try store.leafNames()
                if let missing = names.first(where: { !present.contains($0) }) {
                    throw CertificateAuthorityError(
                        .invalidName, "there is no \(store.certificatePath(missing)) with its key")
                }
                let now = Date()
                let end = now + Double(within.duration.components.seconds)
                var items: [TLSReport.Item] = []
                for name in names.isEmpty ? present : names {
                    let old = try store.summary(name)
                    guard all || old.notValidAfter <= end else { continue }
                    let files = try authority.issue(old.role, now: now, validity: .seconds(days * 86_400))
                    items.append(TLSReport.Item(name: name, files: files))
                }
                // All are made before the first is replaced.
                for item in items { try store.store(item.files, name: item.name, force: true) }
                return TLSReport(store: store, items: items)
            }
        }
    }
}

extension UserRole: ExpressibleByArgument {}
