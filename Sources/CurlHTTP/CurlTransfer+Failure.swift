import CLibcurl
import Glibc
import Probing
import Telemetry

extension CurlTransfer {
    /// Puts curl's result code into the classes that people act upon.
    func failure(of code: CURLcode) -> HTTPFailure {
        let connected = isConnected
        let (failureClass, words) = classified(code, connected: connected)
        return HTTPFailure(failureClass, "\(words) (\(address.display)).", connected: connected)
    }

    private func classified(_ code: CURLcode, connected: Bool) -> (FailureClass, String) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return (.dns, "The name \(address.host) does not resolve")
        case CURLE_COULDNT_CONNECT:
            return unreachable()
        case CURLE_OPERATION_TIMEDOUT:
            return timedOut(connected: connected)
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            return (.internal, "The file of trusted roots cannot be read")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_SHUTDOWN_FAILED,
            CURLE_USE_SSL_FAILED, CURLE_SSL_CLIENTCERT:
            return (.tls, detail.isEmpty ? "TLS failed" : "TLS failed: " + detail)
        case CURLE_WRITE_ERROR where isBodyTooLong, CURLE_FILESIZE_EXCEEDED:
            return (.body, "The answer is longer than \(job.request.bodyBytesMax) bytes")
        case CURLE_GOT_NOTHING:
            return (.body, "The server closed the connection without an answer")
        case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            return (.body, "The connection was cut before the answer was complete")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2:
            return (.body, "The answer is not HTTP")
        default:
            return (
                .internal, "libcurl failed with code \(code.rawValue): " + String(cString: curl_easy_strerror(code))
            )
        }
    }

    private func unreachable() -> (FailureClass, String) {
        let number = Int32(truncatingIfNeeded: long(CURLINFO_OS_ERRNO))
        switch number {
        case ETIMEDOUT: return (.timeout, "The host did not answer the connection attempt")
        case EHOSTUNREACH, ENETUNREACH: return (.refused, "The host or its network is unreachable")
        case ECONNREFUSED, 0: return (.refused, "The connection was refused")
        default: return (.refused, "No connection: " + String(cString: strerror(number)))
        }
    }

    private func timedOut(connected: Bool) -> (FailureClass, String) {
        if connected {
            let waited = job.request.totalTimeout.wholeMilliseconds
            return headers.isEmpty
                ? (.timeout, "Connected, but no answer within \(waited) ms")
                : (.timeout, "The answer was not complete within \(waited) ms")
        }
        if time(CURLINFO_NAMELOOKUP_TIME_T) == 0, !isLiteralAddress {
            return (.dns, "The name server did not answer in time for \(address.host)")
        }
        return (.timeout, "No connection within \(job.request.connectTimeout.wholeMilliseconds) ms")
    }

    private var isLiteralAddress: Bool {
        address.host.hasPrefix("[") || address.host.utf8.allSatisfy { $0 == 46 || (48...57).contains($0) }
    }
}
