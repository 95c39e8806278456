import GRPCCore
import GRPCNIOTransportHTTP2
import TocsinProto

/// Calls the coordinator over mutual TLS.
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
        let client = GRPCClient(transport: transport)
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
            if let files = settings.files {
                .mTLS(
                    certificateChain: [.file(path: files.certificate, format: .pem)],
                    privateKey: .file(path: files.key, format: .pem)
                ) { $0.trustRoots = .certificates([.file(path: files.trustRoots, format: .pem)]) }
            } else {
                .plaintext
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
