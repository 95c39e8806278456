package import Telemetry

/// Why a session could not be opened or a statement gave no result.
package struct PostgresFailure: Error, Hashable, Sendable {
    /// The class.
    package var failureClass: FailureClass
    /// One sentence that holds no credential, no SQL and no text of the server's, so it is the same in any
    /// `lc_messages`.
    package var message: String
    /// The five characters the server gave as the reason; nil when the server said nothing.
    package var sqlState: String?
    /// Whether the transport connection stood when it failed: tells a silent port from an unreachable one.
    package var connected: Bool

    /// Makes a failure.
    package init(_ failureClass: FailureClass, _ message: String, sqlState: String? = nil, connected: Bool = false) {
        self.failureClass = failureClass
        self.message = message
        self.sqlState = sqlState
        self.connected = connected
    }

    /// Whether the server itself answered, if only with a refusal.
    package var serverAnswered: Bool { sqlState != nil }

    /// Our own fault: the loop is not running.
    static let stopped = PostgresFailure(.internal, "The PostgreSQL client is stopped.")
    /// Our own doing: the session was closed while somebody waited.
    static let closed = PostgresFailure(.internal, "The session is closed.")
}

extension PostgresFailure {
    /// The failure that an SQLSTATE speaks of (PostgreSQL documentation, appendix A); `options` gives names for the
    /// message.
    static func server(_ state: String, options: PostgresOptions) -> PostgresFailure {
        func make(_ failureClass: FailureClass, _ text: String) -> PostgresFailure {
            PostgresFailure(failureClass, "\(text) (SQLSTATE \(state)).", sqlState: state, connected: true)
        }
        switch state {
        case "28P01": return make(.auth, "The server rejected the password of role \"\(options.user)\"")
        case "28000":
            return make(.auth, "The server does not let role \"\(options.user)\" in from here (role or pg_hba.conf)")
        case "3D000": return make(.auth, "The database \"\(options.database)\" does not exist")
        case "42501": return make(.auth, "The role \"\(options.user)\" lacks a privilege that the probe needs")
        case "53300": return make(.exhausted, "The server has no connection slot left")
        case "57P01": return make(.unavailable, "An administrator or a shutdown ended the session")
        case "57P02": return make(.unavailable, "A crash of another server process ended the session")
        case "57P03": return make(.unavailable, "The server is starting up or shutting down")
        case "57P05": return make(.unavailable, "The server ended the session for being idle")
        case "57014": return make(.timeout, "The server cancelled the statement at its time limit")
        case "55P03": return make(.timeout, "The server ended a lock wait at its time limit")
        case "08P01":
            return make(.body, "The server rejected the start-up parameters; a pooler in between must not be probed")
        case _ where state.hasPrefix("28"): return make(.auth, "The server refused the login")
        case _ where state.hasPrefix("53"): return make(.body, "The server is out of memory, disk or another resource")
        case _ where state.hasPrefix("57P"): return make(.unavailable, "The server is not available")
        default: return make(.body, "The server answered with an error")
        }
    }

    /// What a failed attempt to connect means, from libpq's message and how far the attempt got.
    ///
    /// libpq's own messages are English here, since nothing in the process selects another locale; the server's
    /// may be in any language, and of those only the SQLSTATE is read.
    static func connecting(_ text: String, connected: Bool, options: PostgresOptions) -> PostgresFailure {
        if let state = sqlState(in: text) { return server(state, options: options) }
        func make(_ failureClass: FailureClass, _ message: String) -> PostgresFailure {
            PostgresFailure(failureClass, message, connected: connected)
        }
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says(
            "expected authentication request", "received invalid response", "lost synchronization", "message contents")
        {
            return make(.body, "What listens on \(options.address) does not speak PostgreSQL's protocol.")
        }
        if let reason = tlsReason(in: text) { return make(.tls, "TLS failed: \(reason).") }
        if says("no password supplied", "authentication", "SASL", "SCRAM") {
            return make(.auth, "The server wants a password or a login method that is not configured.")
        }
        if says("timeout expired", "timed out") {
            return connected
                ? make(.silent, "\(options.address) took the connection and did not answer.")
                : make(.timeout, "\(options.address) did not answer the connection request.")
        }
        if connected {
            return make(.refused, "\(options.address) closed the connection before the session was up.")
        }
        if says("No such file or directory") { return make(.refused, "There is no socket for \(options.address).") }
        if says("No route to host", "unreachable") { return make(.refused, "There is no route to \(options.address).") }
        return make(.refused, "\(options.address) refused the connection.")
    }

    /// What a connection lost in the middle of a session means.
    static func lost(_ text: String, options: PostgresOptions) -> PostgresFailure {
        if let state = sqlState(in: text) { return server(state, options: options) }
        if text.contains("timed out") {
            return PostgresFailure(.timeout, "The path to \(options.address) was lost.", connected: true)
        }
        return PostgresFailure(.refused, "\(options.address) closed the connection without a word.", connected: true)
    }

    private static func tlsReason(in text: String) -> String? {
        let reasons: [(mark: String, reason: String)] = [
            ("server does not support SSL", "the server does not offer it, and it is required"),
            ("root certificate file", "the root certificate file is missing or unreadable"),
            ("could not read root certificate", "the root certificate file is missing or unreadable"),
            ("does not match host name", "the server's certificate is for another name"),
            ("certificate verify failed", "the server's certificate is not from a trusted root or not valid now"),
            ("could not load private key", "the client key is missing or unreadable"),
            ("private key file", "the client key is missing, unreadable or open to others"),
            ("certificate file", "the client certificate is missing or unreadable"),
            ("SSL", "the handshake did not succeed"),
            ("certificate", "a certificate was refused"),
        ]
        return reasons.first { text.contains($0.mark) }?.reason
    }

    /// The last SQLSTATE in a message of `PQERRORS_VERBOSE`, which prints `SEVERITY:  SQLSTATE: text`.
    static func sqlState(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        let space = UInt8(ascii: " ")
        guard bytes.count >= 9 else { return nil }
        for start in stride(from: bytes.count - 9, through: 0, by: -1)
        where bytes[start] == colon && bytes[start + 1] == space && bytes[start + 2] == space
            && bytes[start + 8] == colon
        {
            let state = bytes[(start + 3)..<(start + 8)]
            if state.allSatisfy(isStateCharacter) { return String(decoding: state, as: UTF8.self) }
        }
        return nil
    }

    private static func isStateCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
