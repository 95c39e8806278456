import GRPCCore
import GRPCNIOTransportHTTP2
import TocsinProto

/// Calls the coordinator over mutual TLS, or over TLS with a token.
struct CoordinatorConnection: Sendable {
    typealias Client = Tocsin_V1_Query.Client<HTTP2ClientTransport.Posix>

    /// Largest answer: more than any list of a fleet needs, less than would hurt.
    static let responseBytesMax = 16 << 20

    let settings: ConnectionSettings

    /// Connects, does the calls of `body` and disconnects.
    ///
    /// A failed call is thrown as a `CommandError` that says which endpoint failed and how the process should end.
    func call<Result: Sendable>(
        _ body: @Sendable @escaping (Client, CallOptions) async throws -> Result
    ) async throws -> Result {
        let transport = try makeTransport()
        var options = CallOptions.defaults
        options.timeout = settings.timeout
        options.maxResponseMessageBytes = Self.responseBytesMax
        let callOptions = options
        let client = GRPCClient(
            transport: transport, interceptors: settings.token.map { [TokenBearer(token: $0)] } ?? [])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.runConnections() }
            // Cancelling rather than closing in good order: a handshake that hangs must not hold the user.
            defer { group.cancelAll() }
            do {
                return try await body(Tocsin_V1_Query.Client(wrapping: client), callOptions)
            } catch let error as RPCError {
                throw CommandError(error, endpoint: "\(settings.endpoint)")
            }
        }
    }

    private func makeTransport() throws -> HTTP2ClientTransport.Posix {
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            switch (settings.files?.credentials, settings.files?.trustRoots) {
            case (.certificate(let file, let key)?, let roots?):
                .mTLS(
                    certificateChain: [.file(path: file, format: .pem)], privateKey: .file(path: key, format: .pem)
                ) { $0.trustRoots = .certificates([.file(path: roots, format: .pem)]) }
            case (.token?, let roots?):
                .tls {
                    $0.trustRoots = .certificates([.file(path: roots, format: .pem)])
                    $0.serverCertificateVerification = .fullVerification
                }
            default: .plaintext
            }
        let config = HTTP2ClientTransport.Posix.Config.defaults { $0.http2.authority = settings.serverName }
        do {
            return try HTTP2ClientTransport.Posix(
                target: settings.endpoint.target, transportSecurity: security, config: config)
        } catch let error as RuntimeError {
            let reason = error.cause.map { ": \(Printable.line("\($0)"))" } ?? ""
            throw CommandError.usage("the certificate, the key or the authority cannot be used\(reason)")
        }
    }
}

extension ConnectionSettings {
    /// The token that goes with every call; nil with a certificate.
    fileprivate var token: String? {
        if case .token(let token)? = files?.credentials { token } else { nil }
    }
}

/// Puts the token into every call.
private struct TokenBearer: ClientInterceptor {
    let token: String

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingClientRequest<Input>, context: ClientContext,
        next:
            @concurrent (
                _ request: StreamingClientRequest<Input>, _ context: ClientContext
            ) async throws -> StreamingClientResponse<Output>
    ) async throws -> StreamingClientResponse<Output> {
        var request = request
        request.metadata.addString("Bearer \(token)", forKey: "authorization")
        return try await next(request, context)
    }
}
