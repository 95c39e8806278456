import CLibcurl

/// The parts of a URL that the client needs, from curl's own parser, so that no second opinion exists.
struct CurlAddress {
    var scheme: String
    var host: String
    var port: String
    var path: String
    var query: String?

    /// Parses an absolute URL; throws for one that is malformed, of another scheme, or that carries a user or a
    /// password.
    init(_ url: String, schemes: [String] = ["http", "https"]) throws(HTTPFailureError) {
        guard let parts = curl_url() else { throw HTTPFailureError("Out of memory.") }
        defer { curl_url_cleanup(parts) }
        guard curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK,
            let scheme = Self.part(parts, CURLUPART_SCHEME), let host = Self.part(parts, CURLUPART_HOST),
            let port = Self.part(parts, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT))
        else { throw HTTPFailureError("The URL is malformed.") }
        guard schemes.contains(scheme) else {
            throw HTTPFailureError("The URL is neither \(schemes.joined(separator: " nor ")).")
        }
        guard Self.part(parts, CURLUPART_USER) == nil, Self.part(parts, CURLUPART_PASSWORD) == nil else {
            throw HTTPFailureError("The URL carries credentials; they belong into a header.")
        }
        self.scheme = scheme
        self.host = host
        self.port = port
        path = Self.part(parts, CURLUPART_PATH) ?? "/"
        query = Self.part(parts, CURLUPART_QUERY)
    }

    var hostAndPort: String { "\(host):\(port)" }

    /// The URL for messages: without the query, which may hold a token.
    var display: String { "\(scheme)://\(host):\(port)\(path)" }

    /// The URL with another host.
    func url(host: String) -> String {
        "\(scheme)://\(host):\(port)\(path)" + (query.map { "?" + $0 } ?? "")
    }

    private static func part(_ parts: OpaquePointer, _ what: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var pointer: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parts, what, &pointer, flags) == CURLUE_OK, let pointer else { return nil }
        defer { curl_free(pointer) }
        return String(cString: pointer)
    }
}
