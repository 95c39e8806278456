import CertificateAuthority
import GRPCCore
import Logging
import Telemetry
import TokenAccess

/// Who the holder of a token is, where a connection by certificate has the certificate.
struct TokenPeer: ServerContext.TransportSpecific {
    let standing: TokenStanding
}

/// Lets a call through when its token is good, and ends a stream when it is good no longer.
///
/// A handler sees the caller as a `TokenPeer` in its context. What is refused here has no caller that could be named;
/// it is counted by reason.
struct TokenInterceptor: ServerInterceptor {
    /// A refusal of one sort is said in the log so often at most; all are counted.
    static let logInterval: Duration = .seconds(60)

    let authenticator: TokenAuthenticator
    let log: RefusalLog
    let gate: ConnectionGate
    let now: @Sendable () -> Timestamp

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable @concurrent (
                _ request: StreamingServerRequest<Input>, _ context: ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let token = Self.token(in: request.metadata)
        let session: TokenAuthenticator.Session
        do throws(TokenRefusal) {
            session = try await authenticator.authenticate(token, from: Self.address(context.remotePeer))
        } catch {
            log.note(error, of: context, at: now())
            throw Self.status(error)
        }
        gate.called(context, as: session.standing.identity)
        var context = context
        context.transportSpecific = TokenPeer(standing: session.standing)
        var response = try await next(request, context)
        guard let token, case .success(var contents) = response.accepted else { return response }
        let produce = contents.producer
        contents.producer = { writer in
            try await self.whileGood(token, session) { try await produce(writer) }
        }
        response.accepted = .success(contents)
        return response
    }

    /// Runs `body`; a token that ends or is revoked meanwhile ends it.
    private func whileGood(
        _ token: String, _ session: TokenAuthenticator.Session, _ body: @escaping @Sendable () async throws -> Metadata
    ) async throws -> Metadata {
        try await withThrowingTaskGroup(of: Metadata.self) { group in
            group.addTask { try await body() }
            group.addTask { throw Self.status(try await refusal(of: token, session)) }
            defer { group.cancelAll() }
            guard let metadata = try await group.next() else { throw CancellationError() }
            return metadata
        }
    }

    /// Waits until a token is good no longer and says why.
    private func refusal(
        of token: String, _ session: TokenAuthenticator.Session
    ) async throws(CancellationError) -> TokenRefusal {
        var session = session
        while true {
            await pause(until: session.checkAgainAt)
            if Task.isCancelled { throw CancellationError() }
            if let end = session.expiresAt, end <= now() { return TokenAuthenticator.expired }
            do throws(TokenRefusal) {
                let confirmed = try await authenticator.confirm(token)
                guard confirmed.standing == session.standing else {
                    return TokenRefusal(.invalid, "what the token stands for has changed; come again")
                }
                session = confirmed
            } catch {
                switch error.reason {
                case .unavailable, .forbidden, .overloaded:
                    // Nothing was said of this token. To cut every agent off when the API server is away would blind
                    // the fleet just then: what was let in goes on to the token's own end.
                    session.checkAgainAt = min(now() + .seconds(10), session.expiresAt ?? now() + .seconds(10))
                default: return error
                }
            }
        }
    }

    /// Sleeps at least for a moment, so that a clock that stands still makes no busy loop.
    private func pause(until moment: Timestamp) async {
        try? await Task.sleep(for: max(moment - now(), .milliseconds(100)))
    }

    /// What stands after `Bearer`; nil when there is no such field, and nothing when there are several.
    private static func token(in metadata: Metadata) -> String? {
        let values = Array(metadata[stringValues: "authorization"])
        guard let value = values.first else { return nil }
        guard values.count == 1 else { return "" }
        let parts = value.split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : ""
    }

    /// A peer such as `ipv4:10.0.0.7:41532` without its port.
    static func address(_ peer: String) -> String {
        peer.lastIndex(of: ":").map { String(peer[..<$0]) } ?? peer
    }

    /// The RPC status of a refusal, and the one place where it is chosen.
    ///
    /// - `missing`, `malformed`, `expired`, `audience`, `invalid`: UNAUTHENTICATED; another token is needed.
    /// - `unbound`: PERMISSION_DENIED; the token is good, and an agent's must be a pod's.
    /// - `unavailable`, `forbidden`, `overloaded`: UNAVAILABLE; the same token may do later.
    private static func status(_ refusal: TokenRefusal) -> RPCError {
        let code: RPCError.Code =
            switch refusal.reason {
            case .missing, .malformed, .expired, .audience, .invalid: .unauthenticated
            case .unbound: .permissionDenied
            case .unavailable, .forbidden, .overloaded: .unavailable
            }
        return RPCError(code: code, message: refusal.message)
    }
}
