package import Selectors

/// A pattern of log lines that tell of a login: who, from where, and what became of it.
package struct LoginPattern: Hashable, Sendable {
    /// The groups that an expression may have.
    ///
    /// `account`: whose login it was. `address`: where it came from. `count`: how many it stands for, 1 without it.
    package static let groups = ["account", "address", "count"]
    /// Logins that one line stands for at most.
    package static let countMax = 1000

    /// Whether the login succeeded.
    package let isSuccess: Bool
    let regex: CapturePattern

    /// Reads an expression; throws when it is wrong, names neither account nor address, or has no literal to be found
    /// by.
    package init(_ pattern: String, isSuccess: Bool) throws(SearchPattern.SyntaxError) {
        regex = try CapturePattern(pattern, names: Self.groups, rarity: LiteralScan.rarity)
        self.isSuccess = isSuccess
        guard regex.usedNames.contains("account") || regex.usedNames.contains("address") else {
            throw SearchPattern.SyntaxError(
                description: "it says neither who nor from where: name a group, (?P<account>…) or (?P<address>…)")
        }
        guard !regex.literal.isEmpty else {
            throw SearchPattern.SyntaxError(
                description: "it has no \(CapturePattern.literalBytesMin) plain characters in a row that stand in"
                    + " every match, by which lines are found; (?i) leaves none: write [Dd]enied")
        }
    }

    private init(builtIn pattern: String, isSuccess: Bool) {
        do {
            try self.init(pattern, isSuccess: isSuccess)
        } catch {
            preconditionFailure("\(pattern): \(error)")
        }
    }

    /// What programs write whose lines are known.
    package enum Format: String, CaseIterable, Sendable {
        /// OpenSSH's server, by password. Keys are left out: no one guesses them.
        case sshd
        /// Spring Security's `LoggerListener`, and Spring Boot's `AuditListener` at level debug.
        case springSecurity = "spring-security"
        /// Keycloak's `org.keycloak.events`; successes are written at level debug unless it is told otherwise.
        case keycloak
        /// PostgreSQL; addresses where `log_line_prefix` has `%h` or `%r`, successes with `log_connections`.
        case postgresql
        /// Access logs in the common or combined form: a POST to a path of logins that was answered with 401.
        case accessLog = "access-log"

        /// Its patterns.
        ///
        /// Names are what a stranger typed, and may be made to look like the rest of a line: so a name ends where the
        /// last of what follows it begins, and a line of sshd begins where the line does.
        package var patterns: [LoginPattern] {
            switch self {
            case .sshd: Self.sshdPatterns
            case .springSecurity: Self.springPatterns
            case .keycloak: Self.keycloakPatterns
            case .postgresql: Self.postgresPatterns
            case .accessLog: Self.accessPatterns
            }
        }

        private static let sshdPatterns: [LoginPattern] = {
            let head = #"^(?:[^\]]*sshd(?:-session)?\[[0-9]+\]: )?"#
            // rsyslog joins equal lines of one process.
            let repeated = #"(?:message repeated (?P<count>[0-9]+) times: \[ )?"#
            let by = "(?:password|keyboard-interactive/pam)"
            let whom = "(?P<account>.*) from (?P<address>[^ ]+) port [0-9]+(?: ssh2)?"
            return [
                LoginPattern(
                    builtIn: "\(head)\(repeated)Failed \(by) for (?:invalid user )?\(whom)(?: ?\\])?$",
                    isSuccess: false),
                LoginPattern(builtIn: "\(head)Accepted \(by) for \(whom)$", isSuccess: true),
            ]
        }()

        private static let springPatterns: [LoginPattern] = {
            // `WebAuthenticationDetails [RemoteIpAddress=…, SessionId=…]`, before Spring Security 5.4 with colons.
            let address = #"RemoteIpAddress[=:] ?(?P<address>[^\],; ]+)"#
            func event(_ name: String) -> String {
                "Authentication event \(name): (?P<account>.*); details: (?:[^;]*\(address))?"
            }
            func audit(_ type: String) -> String {
                #"AuditEvent \[timestamp=[^,]*, principal=(?P<account>.*), type="# + type
                    + #", data=\{(?:.*?"# + address + ")?"
            }
            return [
                LoginPattern(builtIn: event("AuthenticationFailure[A-Za-z]+Event"), isSuccess: false),
                LoginPattern(builtIn: audit("AUTHENTICATION_FAILURE"), isSuccess: false),
                LoginPattern(builtIn: event("AuthenticationSuccessEvent"), isSuccess: true),
                LoginPattern(builtIn: audit("AUTHENTICATION_SUCCESS"), isSuccess: true),
            ]
        }()

        private static let keycloakPatterns: [LoginPattern] = {
            // Values stand bare before Keycloak 22, in quotes since, and in JSON's escaped ones under its JSON log.
            let quote = #"\\?"?"#
            func value(_ key: String, _ group: String) -> String {
                key + "=" + quote + "(?P<" + group + #">[^",\\ ]+)"#
            }
            // Of errors those that say that somebody may be guessing, not those of old pages and broken clients.
            let errors = "(?:invalid_user_credentials|user_not_found|user_disabled|user_temporarily_disabled)"
            let failed = "type=" + quote + "LOGIN_ERROR" + quote + ", .*?"
            let why = value("ipAddress", "address") + quote + ", error=" + quote + errors
            let name = ".*?, username=" + quote + #"(?P<account>[^",\\]+)"#
            return [
                LoginPattern(builtIn: failed + why + name, isSuccess: false),
                LoginPattern(builtIn: failed + value("userId", "account") + quote + ", .*?" + why, isSuccess: false),
                LoginPattern(
                    builtIn: "type=" + quote + "LOGIN" + quote + ", .*?" + value("ipAddress", "address") + quote + name,
                    isSuccess: true),
            ]
        }()

        private static let postgresPatterns: [LoginPattern] = {
            let four = #"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"#
            // A time of day has colons as well, but never two together, nor seven.
            let six = "[0-9a-f:]*::[0-9a-f:.]*|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}"
            let address = "(?:(?:^|[ =,])(?P<address>" + four + "|" + six + #")(?:\([0-9]+\))?[ :,].*?)?"#
            return [
                LoginPattern(
                    builtIn: address + #"FATAL:  [A-Za-z0-9]+ authentication failed for user "(?P<account>.*)"$"#,
                    isSuccess: false),
                LoginPattern(
                    builtIn: address
                        + "LOG:  connection authorized: user=(?P<account>.*?) (?:database|application_name)=",
                    isSuccess: true),
            ]
        }()

        private static let accessPatterns: [LoginPattern] = {
            let path = #"[^ "]*(?:log-?in|log-?on|sign-?in|authenticate|oauth2?/token)[^ "]*"#
            return [
                LoginPattern(
                    builtIn: #"^(?P<address>[^ ]+) [^ ]+ (?P<account>[^ ]+) \[[^\]]*\] "POST "# + path
                        + #" HTTP/[0-9.]+" 401 "#, isSuccess: false)
            ]
        }()
    }
}
