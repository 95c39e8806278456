package import ConfigurationKit

/// A PostgreSQL server.
package struct DatabaseSettings: Hashable, Sendable {
    /// Name, unique among the databases; the subject is `postgresql/NAME`.
    package var name: String
    /// Host name, address, or the folder of a Unix socket.
    package var host: String
    /// Port.
    package var port: Int
    /// Database to connect to.
    package var database: String
    /// Role, which needs `pg_monitor`.
    package var user: String
    /// Password; nil: none is sent.
    package var password: SecretReference?
    /// Whether and how TLS is used.
    package var sslMode: SSLMode
    /// Roots for `verify-ca` and `verify-full`.
    package var sslRootFile: String?
    /// Server-side limit of each of the probe's statements.
    package var statementTimeout: Duration
    /// How often and how long.
    package var timing: ProbeTiming
    /// The operator's own statements.
    package var queries: [DatabaseQuerySettings]
    /// Where logins are written down; nil where they are not read.
    package var audit: LoginAuditSettings?

    /// libpq's `sslmode`, `allow` left out.
    package enum SSLMode: String, CaseIterable, Sendable {
        case disable
        case prefer
        case require
        case verifyCA = "verify-ca"
        case verifyFull = "verify-full"
    }

    /// Server-side limit where the file does not say.
    static let statementTimeoutDefault = Duration.seconds(2)

    /// Reads one entry of `databases`.
    package init(_ section: Section, interval: Duration) {
        name = section.required(
            "name", .name(), "Name, unique among the databases; incidents are about `postgresql/NAME`.")
        host = section.required("host", .databaseHost, "Host name, address, or the folder of a Unix socket.")
        port = section.value("port", .integer(in: 1...65_535), default: 5432, "Port.")
        database = section.value("database", .text(lengthMax: 63), default: "postgres", "Database to connect to.")
        user = section.value(
            "user", .text(lengthMax: 63), default: "tocsin", "Role to log in as; it needs `pg_monitor`.")
        password = section.secret("password", "the password.")
        sslMode = section.value(
            "sslMode", ValueType<SSLMode>.choice(), default: .require,
            "As in libpq. `require` encrypts but checks nobody; `verify-full` checks the chain and the name.")
        sslRootFile = section.optionalFile("sslRootFile", "PEM file with roots, for `verify-ca` and `verify-full`.")
        let timing = ProbeTiming(section, interval: interval)
        let statementTimeout = section.optional(
            "statementTimeout", .duration(in: .milliseconds(100) ... .seconds(60)),
            "Server-side limit of each of the probe's statements; at most the timeout. Default: 2s, or the timeout where that is shorter."
        )
        self.timing = timing
        self.statementTimeout = statementTimeout ?? min(Self.statementTimeoutDefault, timing.timeout)
        queries = section.sections(
            "queries", uniqueKey: "name", countMax: 20,
            "Statements of your own, whose columns become series. They run in `database`, in the probe's one session."
        ) { section in
            DatabaseQuerySettings(section, timing: timing)
        }
        audit = section.optionalSection(
            "audit",
            "Where logins are written down in `database`: a table such as the runbook's `audit_logs`. Failures and"
                + " successes reach the security checks."
        ) { section in
            LoginAuditSettings(section, timing: timing)
        }
        check(section)
    }

    private func check(_ section: Section) {
        if section.has("statementTimeout"), statementTimeout > timing.timeout {
            section.report(
                "statementTimeout", value: DurationText.format(statementTimeout),
                "must be at most the timeout, \(DurationText.format(timing.timeout)): the probe gives up then")
        }
        let verifies = sslMode == .verifyCA || sslMode == .verifyFull
        if verifies, !section.has("sslRootFile") {
            section.reportMissing("sslRootFile", because: "'sslMode: \(sslMode.rawValue)' needs the roots")
        }
        if sslMode == .disable, section.has("sslRootFile") {
            section.report("sslRootFile", "has no meaning with 'sslMode: disable'")
        }
        if host.hasPrefix("/"), section.has("sslMode"), sslMode != .disable {
            section.report("sslMode", "TLS is not used on a Unix socket", level: .warning)
        }
    }
}

extension ValueType where Value == String {
    /// A host, or the absolute path of the folder that has a server's Unix socket.
    static let databaseHost = ValueType(
        name: "host or folder",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(253)]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, _ throws(ValueProblem) in
            if text.hasPrefix("/") { return text }
            if text.contains("://") { throw ValueProblem("write the host alone, not a URL", hidesValue: true) }
            let type = ValueType.host
            return try type.parse(text, ValueContext(folder: "", isPlain: true))
        },
        format: { $0 })
}
