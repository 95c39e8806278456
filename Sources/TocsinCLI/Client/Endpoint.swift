import GRPCNIOTransportHTTP2
import Glibc

/// Where the coordinator listens.
struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The coordinator's port when none is given.
    static let defaultPort = 7443
    /// The one for callers with tokens.
    static let defaultTokenPort = 7444

    /// A DNS name, or an address without brackets.
    var host: String
    var port: Int

    /// Reads `HOST`, `HOST:PORT`, `ADDRESS`, `[ADDRESS]:PORT`; nil for anything else.
    init?(_ text: String, defaultPort: Int = Self.defaultPort) {
        var port: Int? = defaultPort
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if !rest.isEmpty { port = rest.first == ":" ? Self.port(rest.dropFirst()) : nil }
            guard Self.isIPv6(host) else { return nil }
        } else if Self.isIPv6(text) {
            host = text
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = String(parts[0])
            if parts.count == 2 { port = Self.port(parts[1]) }
            guard Self.isIPv4(host) || Self.isName(host) else { return nil }
        }
        guard let port else { return nil }
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the endpoint is on this machine whatever a resolver says.
    var isLoopback: Bool { host == "::1" || (Self.isIPv4(host) && host.hasPrefix("127.")) }

    /// Addresses go to the transport as such: as a name they would end up in SNI, which TLS does not allow.
    var target: any ResolvableTarget {
        if Self.isIPv4(host) { return .ipv4(address: host, port: port) }
        if Self.isIPv6(host) { return .ipv6(address: host, port: port) }
        return .dns(host: host, port: port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.allSatisfy({ ("0"..."9").contains($0) }), let port = Int(text) else { return nil }
        return (1...65_535).contains(port) ? port : nil
    }

    /// Whether a text can be a DNS name.
    static func isName(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasPrefix(".")
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-._".unicodeScalars.contains(scalar))
            }
    }

    static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }
}
