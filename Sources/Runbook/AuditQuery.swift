import Detection

/// One of the runbook's two looks into `audit_logs`, filled in with whom the findings name: text for a person to run,
/// which Tocsin itself never does.
package struct AuditQuery: Hashable, Sendable {
    /// The runbook's words for it.
    package var title: String
    /// One SQL statement on one line.
    package var text: String

    /// Accounts and addresses that one statement holds, each.
    package static let namesMax = 8

    /// The runbook's "Check failed login attempts" and "Check suspicious IPs", bounded to accounts and addresses; none
    /// when the findings name neither.
    ///
    /// The columns are the runbook's, which names none for accounts: `username` stands there, and the title says so.
    ///
    /// - Parameter findings: checks of `LoginWatch` with the names that they give, the worst first; others are passed
    ///   over.
    package static func queries(for findings: [(check: String, names: [String])]) -> [AuditQuery] {
        var accounts: [String] = []
        var addresses: [String] = []
        for (check, names) in findings {
            guard let pattern = LoginWatch.Pattern(rawValue: check) else { continue }
            for name in names {
                guard let literal = literal(name) else { continue }
                switch pattern {
                case .success: add(literal, to: &accounts)
                case .spray: add(literal, to: &addresses)
                case .burst: if isAddress(name) { add(literal, to: &addresses) } else { add(literal, to: &accounts) }
                }
            }
        }
        let bounds = [bound("username", accounts), bound("client_ip", addresses)].compactMap { $0 }
        guard !bounds.isEmpty else { return [] }
        let named = bounds.count == 1 ? bounds[0] : "(\(bounds.joined(separator: " OR ")))"
        let note = accounts.isEmpty ? "" : " ('username' stands for the column of accounts, 'audit.accountColumn')"
        return [
            AuditQuery(
                title: "Check failed login attempts\(note)",
                text: "SELECT * FROM audit_logs WHERE action = 'LOGIN' AND result = 'FAILURE' AND \(named)"
                    + " ORDER BY created_at DESC LIMIT 100;"),
            AuditQuery(
                title: "Check suspicious IPs\(note)",
                text: "SELECT client_ip, count(*) FROM audit_logs WHERE result = 'FAILURE' AND \(named)"
                    + " GROUP BY client_ip ORDER BY count DESC LIMIT 20;"),
        ]
    }

    private static func add(_ literal: String, to list: inout [String]) {
        if list.count < namesMax, !list.contains(literal) { list.append(literal) }
    }

    private static func bound(_ column: String, _ literals: [String]) -> String? {
        switch literals.count {
        case 0: nil
        case 1: "\(column) = \(literals[0])"
        default: "\(column) IN (\(literals.joined(separator: ", ")))"
        }
    }

    /// The text as a literal of SQL, whatever it holds and however the server reads backslashes; nil for what no text
    /// of PostgreSQL can be.
    ///
    /// Names come from whoever tries to log in. Plain ones stand in quotes with quotes doubled; anything with a
    /// backslash or with characters that a terminal does not show becomes `U&'…'` with escapes (PostgreSQL manual,
    /// "Lexical Structure", "String Constants with Unicode Escapes"), which a server that takes backslashes for escapes
    /// refuses.
    static func literal(_ text: String) -> String? {
        let scalars = text.unicodeScalars
        if text.isEmpty || scalars.contains("\0") { return nil }
        if scalars.allSatisfy(isPlain) {
            return "'\(text.replacing("'", with: "''"))'"
        }
        let escaped = scalars.map { scalar -> String in
            switch scalar {
            case "'": return "''"
            case "\\": return "\\\\"
            default:
                guard !isPlain(scalar) else { return String(scalar) }
                let digits = String(scalar.value, radix: 16, uppercase: true)
                let isShort = digits.count <= 4
                let zeros = String(repeating: "0", count: (isShort ? 4 : 6) - digits.count)
                return (isShort ? "\\" : "\\+") + zeros + digits
            }
        }
        return "U&'\(escaped.joined())'"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: scalar != "\\"
        }
    }

    /// Whether it is an IPv4 or IPv6 address in full: what else an account may be called is not.
    static func isAddress(_ text: String) -> Bool {
        let octets = text.split(separator: ".", omittingEmptySubsequences: false)
        if octets.count == 4, octets.allSatisfy({ $0.allSatisfy(\.isASCII) && UInt8($0) != nil }) { return true }
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        let isHex = groups.allSatisfy { group in
            group.count <= 4 && group.allSatisfy { $0.isASCII && $0.isHexDigit }
        }
        let gaps = text.ranges(of: "::").count
        return isHex && (gaps == 0 ? groups.count == 8 : gaps == 1 && (3...9).contains(groups.count))
    }
}
