/// A host name or address with a port.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Name or address, an IPv6 address without brackets.
    package var host: String
    /// Port, 0 to 65535; 0 asks the system to choose one, for a listener.
    package var port: Int

    /// Makes an address.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `HOST:PORT`, an IPv6 address in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the host is this machine's loopback, by name or by address.
    package var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a host is this machine's loopback, by name or by address.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Reads `HOST:PORT` or `[ADDRESS]:PORT`; throws what is wrong with it.
    init(parsing text: String) throws(ValueProblem) {
        if text.contains("://") {
            throw ValueProblem("an address is HOST:PORT without a scheme", suggestion: Self.withoutScheme(text))
        }
        guard let colon = text.lastIndex(of: ":") else {
            throw ValueProblem("an address needs a port: HOST:PORT")
        }
        let digits = text[text.index(after: colon)...]
        guard let port = Int(digits), (0...65_535).contains(port), digits.allSatisfy(\.isASCII), digits.first != "+"
        else {
            throw ValueProblem("the port must be a number from 0 to 65535")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." || $0 == "%" }) else {
                throw ValueProblem("brackets are for an IPv6 address")
            }
        } else if host.contains(":") {
            throw ValueProblem("an IPv6 address stands in brackets", suggestion: "[\(host)]:\(port)")
        }
        guard !host.isEmpty else { throw ValueProblem("the host is missing", suggestion: "0.0.0.0:\(port)") }
        try Self.check(host: host)
        self.init(host: host, port: port)
    }

    /// Throws when a host has characters that no name and no address has, or is too long.
    static func check(host: String) throws(ValueProblem) {
        guard !host.isEmpty else { throw ValueProblem("the host is missing") }
        let isWellFormed = host.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-._:%".unicodeScalars.contains(scalar))
        }
        guard isWellFormed else { throw ValueProblem("the host has a character that no name or address has") }
        guard host.utf8.count <= 253 else { throw ValueProblem("the host is longer than 253 characters") }
    }

    private static func withoutScheme(_ text: String) -> String? {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let rest = text[separator.upperBound...].prefix { $0 != "/" }
        return rest.isEmpty ? nil : String(rest)
    }
}
