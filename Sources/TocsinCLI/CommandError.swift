import GRPCCore
import Glibc
import QueryWire

/// How the process ends.
enum ExitStatus: Int32, Sendable {
    /// All was done.
    case fine = 0
    /// It was tried and failed.
    case failed = 1
    /// Usage or input is wrong.
    case usage = 2
    /// What was named is not there.
    case notFound = 3
    /// The coordinator did not answer.
    case unreachable = 4
    /// The coordinator refused the caller.
    case denied = 5
}

/// Why a command did not do what it was asked, with the status the process ends with.
struct CommandError: Error, Hashable, Sendable {
    /// How the process ends.
    var status: ExitStatus
    /// For people, without credentials.
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// A fault in what the user wrote.
    static func usage(_ message: String) -> CommandError { CommandError(.usage, message) }
}

extension CommandError {
    /// What a failed call means to the user of a command.
    init(_ error: RPCError, endpoint: String) {
        let status: ExitStatus =
            switch error.code {
            case .notFound: .notFound
            case .invalidArgument, .outOfRange: .usage
            case .permissionDenied, .unauthenticated: .denied
            case .unavailable, .deadlineExceeded, .cancelled: .unreachable
            default: .failed
            }
        switch error.code {
        case .deadlineExceeded, .cancelled:
            self.init(status, "\(endpoint) did not answer in time")
        case .unavailable:
            let reasons = Self.reasons(of: error)
            self.init(status, "cannot reach \(endpoint)" + (reasons.isEmpty ? "" : ": \(reasons)"))
        case .unimplemented:
            self.init(status, "\(endpoint) does not know this command; it may be older than this tool")
        default:
            self.init(status, error.message.isEmpty ? "\(endpoint) answered \(error.code)" : error.message)
        }
    }

    /// The innermost reason, which is the one that says what to do: "connection refused", "certificate verify failed".
    private static func reasons(of error: RPCError) -> String {
        var innermost: any Error = error
        for _ in 0..<8 {
            if let cause = (innermost as? RPCError)?.cause {
                innermost = cause
            } else if let cause = (innermost as? RuntimeError)?.cause {
                innermost = cause
            } else {
                break
            }
        }
        if let rpc = innermost as? RPCError { return rpc.message }
        return plain("\(innermost)")
    }

    /// The transport's errors in words.
    ///
    /// They have no other form than their description: `… (errno: 111)` from the system, `…
    /// OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at FILE:LINE` from TLS.
    static func plain(_ description: String) -> String {
        if let start = description.firstRange(of: "(errno: ") {
            let digits = description[start.upperBound...].prefix { ("0"..."9").contains($0) }
            if let number = Int32(digits), let text = strerror(number) { return String(cString: text) }
        }
        if let start = description.firstRange(of: "OPENSSL_internal:") {
            let reason = description[start.upperBound...].prefix { $0.isLetter || $0 == "_" || $0.isNumber }
            if reason == "CERTIFICATE_VERIFY_FAILED" {
                return "TLS failed: its certificate does not come from the trusted authority, or is not valid now"
            }
            return "TLS failed: \(reason)"
        }
        if description.contains("failedToValidateHostname") || description.contains("unableToValidateCertificate") {
            return "TLS failed: its certificate is for another name; --server-name says which one to expect"
        }
        return Printable.line(description)
    }
}
