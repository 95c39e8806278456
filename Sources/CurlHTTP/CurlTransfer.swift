import CLibcurl
import Probing
import Telemetry

/// One transfer: an easy handle with its options, and what came in so far.
///
/// Lives on the thread of `CurlThread`.
final class CurlTransfer {
    let job: CurlJob
    let handle: UnsafeMutableRawPointer
    let address: CurlAddress
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private(set) var headers: [Label] = []
    private var headerBytes = 0
    private(set) var body: [UInt8] = []
    private(set) var isBodyTooLong = false
    /// Who takes the body as it comes; nil gathers it.
    private let stream: CurlStream?
    private var lastByteAt = ContinuousClock.now
    /// How much of the mail curl has taken.
    var mailBytesSent = 0

    /// A head beyond this ends the transfer.
    static let headerBytesMax = 64 << 10

    init(_ job: CurlJob) throws(HTTPFailureError) {
        let address = try CurlAddress(job.request.url, schemes: job.mail == nil ? ["http", "https"] : Mail.schemes)
        try Self.checkHeaders(job.request)
        if let mail = job.mail { try Self.check(mail) }
        guard let handle = curl_easy_init() else {
            errorText.deallocate()
            throw HTTPFailureError("Out of memory.")
        }
        self.job = job
        self.handle = handle
        self.address = address
        if case .stream(let stream) = job.receiver { self.stream = stream } else { stream = nil }
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        configure()
        configureTrust()
        configureConnection()
        if let mail = job.mail { configure(mail) }
    }

    deinit {
        curl_easy_cleanup(handle)
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    /// Whether a TCP connection stood, for this transfer or reused from an earlier one.
    var isConnected: Bool {
        time(CURLINFO_CONNECT_TIME_T) > 0 || time(CURLINFO_PRETRANSFER_TIME_T) > 0
            || time(CURLINFO_APPCONNECT_TIME_T) > 0
            || !headers.isEmpty
    }

    /// What curl wrote about the failure: one line, bounded.
    ///
    /// It never holds a header or a body.
    var detail: String {
        let text = String(cString: errorText)
        return String(text.prefix(while: { $0 != "\n" }).prefix(200))
    }

    func time(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        tocsin_easy_getinfo_off(handle, info, &value)
        return Int64(value)
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        tocsin_easy_getinfo_long(handle, info, &value)
        return value
    }

    func result(of code: CURLcode) -> HTTPResult {
        // A mail server that answered has decided, whatever curl calls its decision.
        let isAnswered = code == CURLE_OK || job.mail != nil && long(CURLINFO_RESPONSE_CODE) >= 400
        guard isAnswered else { return .failure(failure(of: code)) }
        return .response(
            HTTPResponse(
                status: long(CURLINFO_RESPONSE_CODE), headers: headers, body: body,
                duration: .microseconds(time(CURLINFO_TOTAL_TIME_T)), timing: timing,
                certificateNotAfter: certificateNotAfter))
    }

    // MARK: - Streams

    /// Goes on after a pause; curl may hand over what it held back within this call.
    func unpause() {
        lastByteAt = .now
        stream?.unpaused()
        curl_easy_pause(handle, Int32(CURLPAUSE_CONT))
    }

    /// The idle timeout when it has passed, else nil.
    ///
    /// A transfer that we paused ourselves is not idle.
    func idleTimeoutPassed(now: ContinuousClock.Instant) -> Duration? {
        guard let stream, lastByteAt.duration(to: now) >= stream.idleTimeout, !stream.isPaused else { return nil }
        return stream.idleTimeout
    }

    // MARK: - Options

    private static func checkHeaders(_ request: HTTPRequest) throws(HTTPFailureError) {
        for header in request.headers {
            let bytes = Array(header.name.utf8) + Array(header.value.utf8)
            guard !header.name.isEmpty, !header.name.utf8.contains(58), bytes.allSatisfy({ $0 >= 32 && $0 != 127 })
            else {
                throw HTTPFailureError("A header field is malformed.")
            }
        }
        if request.trust == .insecure, request.headers.contains(where: { $0.name.lowercased() == "authorization" }) {
            throw HTTPFailureError("Credentials are not sent to a peer that nobody checks (trust: insecure).")
        }
    }

    private func configure() {
        let request = job.request
        string(CURLOPT_URL, request.url)
        long(CURLOPT_NOSIGNAL, 1)
        // Without it a name server that does not answer would block the whole thread when its transfer ends.
        long(CURLOPT_QUICK_EXIT, 1)
        long(CURLOPT_FOLLOWLOCATION, 0)
        string(CURLOPT_PROXY, "")
        string(CURLOPT_NOPROXY, "*")
        string(CURLOPT_PROTOCOLS_STR, job.mail == nil ? "http,https" : Mail.schemes.joined(separator: ","))
        // One request a connection at a time: a stalled answer must not hold up its neighbours, as with HTTP/2.
        long(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        if stream == nil {
            string(CURLOPT_ACCEPT_ENCODING, "gzip")
            tocsin_easy_setopt_off(handle, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(request.bodyBytesMax))
        } else {
            // A peer that vanished without a word is noticed by the idle timeout; a middlebox is kept from forgetting
            // us.
            long(CURLOPT_TCP_KEEPALIVE, 1)
        }
        string(CURLOPT_USERAGENT, "tocsin")
        long(CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, request.connectTimeout.wholeMilliseconds)))
        long(CURLOPT_TIMEOUT_MS, Int(max(1, request.totalTimeout.wholeMilliseconds)))
        tocsin_easy_setopt_pointer(handle, CURLOPT_ERRORBUFFER, errorText)

        let context = Unmanaged.passUnretained(self).toOpaque()
        tocsin_easy_setopt_write(handle, CURLOPT_WRITEFUNCTION) { data, size, count, context in
            guard let data, let context else { return 0 }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.take(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        tocsin_easy_setopt_pointer(handle, CURLOPT_WRITEDATA, context)
        tocsin_easy_setopt_write(handle, CURLOPT_HEADERFUNCTION) { data, size, count, context in
            guard let data, let context else { return 0 }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.takeHeader(UnsafeRawBufferPointer(start: data, count: size * count)) ? size * count : 0
        }
        tocsin_easy_setopt_pointer(handle, CURLOPT_HEADERDATA, context)

        var fields = request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if serverName != nil { fields.append("Host: \(address.hostAndPort)") }
        if job.mail == nil, let body = request.body {
            tocsin_easy_setopt_off(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            // Copied by curl; the size is set before, since the body may hold zeros.
            body.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return string(CURLOPT_COPYPOSTFIELDS, "") }
                _ = tocsin_easy_setopt_bytes(handle, CURLOPT_COPYPOSTFIELDS, start)
            }
            if let method = request.method { string(CURLOPT_CUSTOMREQUEST, method) }
            // No wait for a "100 Continue" that few receivers send.
            fields.append("Expect:")
        }
        set(CURLOPT_HTTPHEADER, fields)
    }

    private var serverName: String? {
        guard case .roots(_, let serverName?) = job.request.trust, serverName != address.host else { return nil }
        return serverName
    }

    private func configureTrust() {
        long(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        // A store cached for a day would ignore a rotated root; a resumed session would skip the check altogether.
        long(CURLOPT_CA_CACHE_TIMEOUT, 0)
        long(CURLOPT_SSL_SESSIONID_CACHE, 0)
        switch job.request.trust {
        case .system:
            break
        case .roots(let file, _):
            string(CURLOPT_CAINFO, file)
            string(CURLOPT_CAPATH, nil)
            if let serverName {
                // curl takes the name for SNI and verification from the URL: the URL names the server, the connection
                // goes elsewhere.
                string(CURLOPT_URL, address.url(host: serverName))
                set(CURLOPT_CONNECT_TO, ["\(serverName):\(address.port):\(address.host):\(address.port)"])
            }
        case .pin(let sha256):
            long(CURLOPT_SSL_VERIFYPEER, 0)
            long(CURLOPT_SSL_VERIFYHOST, 0)
            string(CURLOPT_PINNEDPUBLICKEY, "sha256//" + sha256)
        case .insecure:
            long(CURLOPT_SSL_VERIFYPEER, 0)
            long(CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    func long(_ option: CURLoption, _ value: Int) {
        tocsin_easy_setopt_long(handle, option, value)
    }

    func string(_ option: CURLoption, _ value: String?) {
        tocsin_easy_setopt_string(handle, option, value)
    }

    func set(_ option: CURLoption, _ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else { continue }
            list = longer
        }
        guard let list else { return }
        lists.append(list)
        tocsin_easy_setopt_pointer(handle, option, list)
    }

    // MARK: - What comes in

    /// `CURL_WRITEFUNC_PAUSE`, a macro that Swift does not import.
    private static let pause = 0x1000_0001

    /// The number of bytes taken, less for an error, or `pause`.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        lastByteAt = .now
        if let stream { return bytes.isEmpty || stream.put(bytes) ? bytes.count : Self.pause }
        guard body.count + bytes.count <= job.request.bodyBytesMax else {
            isBodyTooLong = true
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        headerBytes += bytes.count
        lastByteAt = .now
        guard headerBytes <= Self.headerBytesMax else {
            isBodyTooLong = true
            return false
        }
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // The head of an interim answer (1xx) is not the answer's.
            headers = []
            return true
        }
        guard let colon = line.firstIndex(of: ":") else {
            // The empty line ends the head; that of an interim answer is not the one.
            let status = long(CURLINFO_RESPONSE_CODE)
            if let stream, status >= 200, line.allSatisfy(\.isNewline) {
                stream.putHead(status: status, headers: headers)
            }
            return true
        }
        let value = line[line.index(after: colon)...]
        headers.append(Label(line[..<colon].lowercased(), Self.trimmed(value)))
        return true
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: { $0.isWhitespace })
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
