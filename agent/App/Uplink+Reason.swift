import GRPCCore
import SystemPackage

extension Uplink.Endpoint {
    /// Why there is no connection, with the file or the setting to look at.
    func reason(_ error: any Error) -> String {
        guard let error = error as? RPCError else { return reason(described: "\(error)") }
        guard let cause = error.cause else { return "\(error.code): \(error.message)" }
        return reason(described: "\(error.message) (\(cause))")
    }

    /// The transport's errors in words.
    ///
    /// They have no other form than their description: `… (errno: 111)` from the system, `…
    /// OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at FILE:LINE` from TLS. What is not known goes on as it is.
    func reason(described description: String) -> String {
        if let number = Self.number(after: "(errno: ", in: description) {
            return "\(host):\(port): \(Errno(rawValue: number).description)"
        }
        if description.contains("failedToValidateHostname") || description.contains("unableToValidateCertificate") {
            return "TLS failed: the coordinator's certificate is not for \(serverName ?? host); "
                + "coordinator.serverName says which name to expect"
        }
        if description.contains("failedToLoadCertificate") || description.contains("failedToLoadPrivateKey") {
            return unusableFiles
        }
        guard let fault = Self.word(after: "OPENSSL_internal:", in: description) else { return description }
        switch fault {
        case "CERTIFICATE_VERIFY_FAILED":
            return "TLS failed: the coordinator's certificate does not come from an authority in \(trustRootsFile), "
                + "or is not valid now"
        case let alert where alert.contains("_ALERT_"): return refusal(alert)
        default: return "TLS failed: \(fault)"
        }
    }

    /// What the library does not say: which of the files cannot be read.
    private var unusableFiles: String {
        var files = [trustRootsFile]
        if case .certificate(let file, let keyFile) = credentials { files += [file, keyFile] }
        for file in files {
            do {
                try FileDescriptor.open(FilePath(file), .readOnly).close()
            } catch {
                return "TLS failed: \(file): \((error as? Errno)?.description ?? "\(error)")"
            }
        }
        return "TLS failed: not in PEM: one of \(files.joined(separator: ", "))"
    }

    /// The coordinator ended the handshake over what it was shown.
    private func refusal(_ alert: String) -> String {
        guard case .certificate(let file, _) = credentials else { return "TLS failed: the coordinator says \(alert)" }
        let why =
            switch alert {
            case "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of"
            case "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that this has expired:"
            case "SSLV3_ALERT_CERTIFICATE_REVOKED": "it says that this is revoked:"
            default: "it does not take (\(alert))"
            }
        return "TLS failed: the coordinator refuses our certificate: \(why) \(file)"
    }

    private static func number(after mark: String, in text: String) -> Int32? {
        guard let start = text.firstRange(of: mark) else { return nil }
        return Int32(text[start.upperBound...].prefix { ("0"..."9").contains($0) })
    }

    private static func word(after mark: String, in text: String) -> String? {
        guard let start = text.firstRange(of: mark) else { return nil }
        return String(text[start.upperBound...].prefix { $0.isLetter || $0 == "_" || $0.isNumber })
    }
}
