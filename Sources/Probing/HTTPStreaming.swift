package import Telemetry

/// One HTTP GET whose body is handed out as it arrives, for watches; apart from that as strict as `HTTPFetching`.
package protocol HTTPStreaming: Sendable {
    /// Sends `request` and gives its answer to `receive`: the head once, then pieces of the body in order.
    ///
    /// While `receive` works, what arrives is buffered up to `limits.bufferBytesMax`; then the sender is made to
    /// wait. Ends when the answer ends, when `receive` returns false, when the task is cancelled, when
    /// `request.totalTimeout` has passed, or when nothing arrived for `limits.idleTimeout`. `request.bodyBytesMax`
    /// does not apply.
    ///
    /// - Returns: nil when the answer came to its own end or `receive` wanted no more, else why it broke off.
    func stream(
        _ request: HTTPRequest, limits: HTTPStreamLimits, receive: (HTTPStreamPart) async -> Bool
    ) async -> HTTPFailure?
}

/// Bounds of a streamed answer.
package struct HTTPStreamLimits: Sendable, Hashable {
    /// Longest silence, before the head too; checked about once a second.
    package var idleTimeout: Duration
    /// Bytes that wait for the receiver; the transfer is paused beyond, so that one network read more may be held.
    package var bufferBytesMax: Int

    /// Makes limits; the buffer is at least 1 KiB.
    package init(idleTimeout: Duration = .seconds(90), bufferBytesMax: Int = 256 << 10) {
        self.idleTimeout = idleTimeout
        self.bufferBytesMax = max(1024, bufferBytesMax)
    }
}

/// A part of a streamed answer.
package enum HTTPStreamPart: Sendable, Hashable {
    /// Status and header fields, names in lower case.
    case head(status: Int, headers: [Label])
    /// The next bytes of the body, never empty.
    case chunk([UInt8])
}
