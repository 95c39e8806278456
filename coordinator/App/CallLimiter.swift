import CertificateAuthority
import GRPCCore
import Synchronization

/// Bounds the calls that one client has open at a time, over all its connections; one too many is refused and counted.
final class CallLimiter: ServerInterceptor {
    /// A call that is open as long as this lives.
    private final class Place: Sendable {
        private let limiter: CallLimiter
        private let client: PeerIdentity

        init(_ limiter: CallLimiter, _ client: PeerIdentity) {
            self.limiter = limiter
            self.client = client
        }

        deinit { limiter.left(client) }
    }

    private let callsMax: Int
    private let authorization: PeerAuthorization
    private let counters: CounterBoard
    private let open = Mutex<[PeerIdentity: Int]>([:])

    init(callsMax: Int, authorization: PeerAuthorization, counters: CounterBoard) {
        self.callsMax = callsMax
        self.authorization = authorization
        self.counters = counters
    }

    @concurrent
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @concurrent @Sendable (StreamingServerRequest<Input>, ServerContext) async throws ->
            StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        // Who has no identity is refused by every service, with the reason.
        guard let client = try? authorization.identity(context) else { return try await next(request, context) }
        guard let place = enter(client) else {
            counters.add { $0.callsRefused += 1 }
            throw RPCError(
                code: .resourceExhausted, message: "\(client) has \(callsMax) calls open; no further one is taken")
        }
        var response = try await next(request, context)
        if case .success(var contents) = response.accepted {
            let producer = contents.producer
            contents.producer = { writer in
                defer { withExtendedLifetime(place) {} }
                return try await producer(writer)
            }
            response.accepted = .success(contents)
        }
        return response
    }

    private func enter(_ client: PeerIdentity) -> Place? {
        let isFree = open.withLock { open in
            guard open[client, default: 0] < callsMax else { return false }
            open[client, default: 0] += 1
            return true
        }
        return isFree ? Place(self, client) : nil
    }

    private func left(_ client: PeerIdentity) {
        open.withLock { open in
            let rest = (open[client] ?? 0) - 1
            open[client] = rest > 0 ? rest : nil
        }
    }
}
