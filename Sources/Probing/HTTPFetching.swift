package import Telemetry

/// One HTTP exchange as probes and notifications need it: bounded in time and size, no redirects, no cookies, no proxy.
package protocol HTTPFetching: Sendable {
    /// Fetches once. Never throws: what goes wrong is a result. Returns by `request.totalTimeout` at the latest.
    func fetch(_ request: HTTPRequest) async -> HTTPResult
}

/// A GET request, or with a body a POST or what `method` says.
package struct HTTPRequest: Sendable, Hashable {
    /// Whom to trust on the other side of TLS.
    package enum Trust: Sendable, Hashable {
        /// The system's roots.
        case system
        /// The roots in a PEM file, re-read at each new connection; `serverName` replaces the host for SNI and
        /// verification.
        case roots(file: String, serverName: String?)
        /// One public key: base64 SHA-256 of its SubjectPublicKeyInfo. The chain and the name are not checked.
        case pin(sha256: String)
        /// Nobody is checked. Requests with credentials are refused under this setting.
        case insecure
    }

    /// Absolute URL, `http` or `https`.
    package var url: String
    /// Header fields in order, without `Host`.
    package var headers: [Label]
    /// What is posted; nil makes the request a GET.
    package var body: [UInt8]?
    /// The method of a request with a body, such as `PATCH`; nil: POST.
    package var method: String?
    /// Name resolution, connection and TLS together may take this long.
    package var connectTimeout: Duration
    /// The whole exchange may take this long.
    package var totalTimeout: Duration
    /// A longer body ends the exchange with `FailureClass.body`.
    package var bodyBytesMax: Int
    /// Whom to trust.
    package var trust: Trust
    /// Whether a new connection is made and closed afterwards; only then are every timing and the certificate known.
    package var usesFreshConnection: Bool
    /// Whether the exchange ends when the TCP connection stands: nothing is sent, and the answer has status 0.
    package var connectsOnly: Bool

    /// Makes a request.
    package init(
        url: String, headers: [Label] = [], body: [UInt8]? = nil, connectTimeout: Duration = .seconds(2),
        totalTimeout: Duration = .seconds(5),
        bodyBytesMax: Int = 8 << 20, trust: Trust = .system, usesFreshConnection: Bool = false,
        connectsOnly: Bool = false
    ) {
        self.usesFreshConnection = usesFreshConnection
        self.connectsOnly = connectsOnly
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.bodyBytesMax = bodyBytesMax
        self.trust = trust
    }
}

/// What came of a request.
package enum HTTPResult: Sendable, Hashable {
    /// An answer of any status.
    case response(HTTPResponse)
    /// No answer.
    case failure(HTTPFailure)
}

/// An answer.
package struct HTTPResponse: Sendable, Hashable {
    /// Status code.
    package var status: Int
    /// Header fields, names in lower case.
    package var headers: [Label]
    /// Body, content coding removed.
    package var body: [UInt8]
    /// Time from the start to the last byte.
    package var duration: Duration
    /// Where the time went; zeros on a connection that was used before.
    package var timing: HTTPTiming
    /// When the first certificate of the presented chain expires; nil without TLS and without `usesFreshConnection`.
    package var certificateNotAfter: Timestamp?

    /// Makes an answer.
    package init(
        status: Int, headers: [Label], body: [UInt8], duration: Duration, timing: HTTPTiming = HTTPTiming(),
        certificateNotAfter: Timestamp? = nil
    ) {
        self.timing = timing
        self.certificateNotAfter = certificateNotAfter
        self.status = status
        self.headers = headers
        self.body = body
        self.duration = duration
    }

    /// The first header field of that name (lower case), or nil.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

/// Why there was no answer.
package struct HTTPFailure: Sendable, Hashable {
    /// The class: `dns`, `refused`, `timeout`, `tls`, `body` (too long, cut off) or `internal`.
    package var failureClass: FailureClass
    /// One sentence, without credentials.
    package var message: String
    /// Whether a TCP connection stood when it failed: tells a silent port from an unreachable one.
    package var connected: Bool

    /// Makes a failure.
    package init(_ failureClass: FailureClass, _ message: String, connected: Bool) {
        self.failureClass = failureClass
        self.message = message
        self.connected = connected
    }
}
