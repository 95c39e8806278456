package import GRPCCore

/// Why a query or a command was not done, and the one place where its RPC code is chosen.
///
/// - `notFound`, NOT_FOUND: the incident or node named is not known here. Retrying does not help.
/// - `invalidArgument`, INVALID_ARGUMENT: the request is wrong whatever the state: selector, range, empty text.
///   Correct it.
/// - `failedPrecondition`, FAILED_PRECONDITION: right in itself, but not in this state, such as acknowledging what is
///   resolved. Look first.
/// - `permissionDenied`, PERMISSION_DENIED: the certificate names nobody, or somebody without the right.
///   UNAUTHENTICATED is not used: a caller without a certificate never gets past the handshake.
/// - `unavailable`, UNAVAILABLE: the coordinator starts, stops or has lost its store. Retry with back-off.
/// - `resourceExhausted`, RESOURCE_EXHAUSTED: the answer or the queue is over its limit. Ask for less, or later.
package struct QueryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sort of refusal.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case notFound
        case invalidArgument
        case failedPrecondition
        case permissionDenied
        case unavailable
        case resourceExhausted
    }

    /// Longest message in characters; what is longer is cut, since it travels in a header.
    package static let messageMax = 1000

    /// The sort of refusal.
    package var code: Code
    /// One sentence for people, without credentials.
    package var message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = String(message.prefix(Self.messageMax))
    }

    /// Reads an error from its status; nil when the status is none that the coordinator chooses.
    package init?(_ error: RPCError) {
        guard let code = Code.allCases.first(where: { Self.status(of: $0) == error.code }) else { return nil }
        self.init(code, error.message)
    }

    /// The error as gRPC sends it.
    package var rpcError: RPCError { RPCError(code: Self.status(of: code), message: message) }

    package var description: String { message }

    private static func status(of code: Code) -> RPCError.Code {
        switch code {
        case .notFound: .notFound
        case .invalidArgument: .invalidArgument
        case .failedPrecondition: .failedPrecondition
        case .permissionDenied: .permissionDenied
        case .unavailable: .unavailable
        case .resourceExhausted: .resourceExhausted
        }
    }
}

extension QueryError: RPCErrorConvertible {
    /// The status that a handler which throws this error answers with.
    package var rpcErrorCode: RPCError.Code { Self.status(of: code) }
    /// The message that goes with it.
    package var rpcErrorMessage: String { message }
}
