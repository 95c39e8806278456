/// Where a PostgreSQL server is and how a session with it behaves.
package struct PostgresOptions: Hashable, Sendable {
    /// How much TLS a session wants; the words of libpq's `sslmode`.
    package enum TLSMode: String, Hashable, Sendable, Codable, CaseIterable {
        /// Plain text only.
        case disable
        /// Plain text, TLS when the server insists.
        case allow
        /// TLS when the server offers it, not verified.
        case prefer
        /// TLS always; verified only when a root certificate is given.
        case require
        /// TLS with a verified chain.
        case verifyCA = "verify-ca"
        /// TLS with a verified chain and name.
        case verifyFull = "verify-full"
    }

    /// Name, address, or the folder of a Unix socket (a path that starts with `/`).
    package var host: String
    /// TCP port, or the number in the socket's file name.
    package var port: Int
    /// Database to log in to.
    package var database: String
    /// Role to log in as.
    package var user: String
    /// File with the password on its first line, read again at each connect; nil: none.
    package var passwordFile: String?
    /// TLS.
    package var tlsMode: TLSMode
    /// PEM file with the roots to trust; nil: libpq's default.
    package var tlsRootFile: String?
    /// PEM file with a client certificate; nil: none.
    package var tlsCertificateFile: String?
    /// PEM file with its key; nil: none.
    package var tlsKeyFile: String?
    /// `application_name`, by which a DBA knows our sessions.
    package var applicationName: String
    /// The server ends a statement of ours after this long: the only cancel that needs no second connection.
    package var statementTimeout: Duration
    /// The server ends a lock wait of ours after this long.
    package var lockTimeout: Duration
    /// The server ends our session when a transaction of ours idles this long.
    package var idleInTransactionTimeout: Duration
    /// Data that the peer's kernel leaves unacknowledged this long ends the session: tells a lost path from a slow
    /// server.
    package var unacknowledgedTimeout: Duration

    /// Makes options.
    package init(
        host: String, port: Int = 5432, database: String = "postgres", user: String, passwordFile: String? = nil,
        tlsMode: TLSMode = .prefer
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.passwordFile = passwordFile
        self.tlsMode = tlsMode
        self.applicationName = "tocsin"
        self.statementTimeout = .seconds(2)
        self.lockTimeout = .seconds(1)
        self.idleInTransactionTimeout = .seconds(10)
        self.unacknowledgedTimeout = .seconds(5)
    }

    /// Whether `host` is a folder with a Unix socket.
    package var isUnixSocket: Bool { host.hasPrefix("/") }

    /// The address for people, without user and database.
    package var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension PostgresOptions {
    /// libpq's parameters for one attempt at one address; `address` is nil for a Unix socket.
    func parameters(address: String?, password: String?) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = [
            ("host", host), ("port", String(port)), ("dbname", database), ("user", user),
            ("application_name", applicationName), ("fallback_application_name", "tocsin"),
            ("client_encoding", "UTF8"), ("sslmode", tlsMode.rawValue), ("gssencmode", "disable"),
            ("target_session_attrs", "any"), ("keepalives", "1"), ("keepalives_idle", "30"),
            ("tcp_user_timeout", String(unacknowledgedTimeout.serverMillis)), ("options", serverSettings),
            // A path below a device can't exist: without it libpq would look for a password in the agent's home.
            ("passfile", "/dev/null/none"),
        ]
        if let address { parameters.append(("hostaddr", address)) }
        if let password { parameters.append(("password", password)) }
        if let tlsRootFile { parameters.append(("sslrootcert", tlsRootFile)) }
        if let tlsCertificateFile { parameters.append(("sslcert", tlsCertificateFile)) }
        if let tlsKeyFile { parameters.append(("sslkey", tlsKeyFile)) }
        return parameters
    }

    /// Settings given at start, so that no statement of ours ever runs without them.
    private var serverSettings: String {
        let settings: [(String, String)] = [
            ("statement_timeout", String(statementTimeout.serverMillis)),
            ("lock_timeout", String(lockTimeout.serverMillis)),
            ("idle_in_transaction_session_timeout", String(idleInTransactionTimeout.serverMillis)),
            ("default_transaction_read_only", "on"),
            // A role's own search_path must not put its objects before the catalogue's.
            ("search_path", "pg_catalog"),
            // Compilation costs more than any statement of ours.
            ("jit", "off"),
        ]
        return settings.map { "-c \($0.0)=\($0.1)" }.joined(separator: " ")
    }
}

extension Duration {
    /// Milliseconds for a server setting, where 0 would mean "no limit": at least 1, at most what fits in 31 bits.
    var serverMillis: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
