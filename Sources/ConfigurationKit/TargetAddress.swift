/// Facts about a URL that was accepted as a value.
package struct TargetAddress: Hashable, Sendable {
    /// The URL.
    package var url: String

    /// Makes an address from a URL that `ValueType.url` accepted.
    package init(url: String) {
        self.url = url
    }

    /// Whether it is `https`.
    package var isEncrypted: Bool { url.hasPrefix("https://") }

    /// Host, an IPv6 address without brackets.
    package var host: String { URLText.host(of: url) }

    /// Whether the host is this machine's loopback.
    package var isLoopback: Bool { HostPort.isLoopback(host) }
}
