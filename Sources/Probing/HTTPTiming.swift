/// Where the time of one exchange went.
package struct HTTPTiming: Sendable, Hashable {
    /// Resolving the name.
    package var nameLookup: Duration
    /// Connecting, after the name was resolved.
    package var connect: Duration
    /// The TLS handshake; zero without TLS.
    package var handshake: Duration
    /// From the connection's being ready to the first byte of the answer.
    package var firstByte: Duration

    /// Makes a timing.
    package init(
        nameLookup: Duration = .zero, connect: Duration = .zero, handshake: Duration = .zero,
        firstByte: Duration = .zero
    ) {
        self.nameLookup = nameLookup
        self.connect = connect
        self.handshake = handshake
        self.firstByte = firstByte
    }
}
