import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import ServiceLifecycle

/// A gRPC listener over TLS.
///
/// Where there are trust roots every caller shows a certificate that they vouch for; where there are none callers are
/// let in by an interceptor, which looks at their tokens.
struct GRPCService: Service {
    let host: String
    let port: Int
    let frameBytesMax: Int
    /// Calls that one client may have open.
    let callsPerClientMax: Int
    let certificates: CertificateKeeper
    let gate: ConnectionGate
    let services: [any RegistrableRPCService]
    let interceptors: [any ServerInterceptor]
    let address: AddressBox
    let logger: Logger

    /// A connection without a call is asked to close after this; agents and commands have one as long as they live.
    private static let idleMax: Duration = .seconds(300)
    private static let callsPerConnectionMax = 64

    func run() async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: host, port: port), transportSecurity: try security,
            config: .defaults {
                $0.rpc.maxRequestPayloadSize = frameBytesMax
                $0.connection.keepalive.time = .seconds(30)
                $0.connection.keepalive.timeout = .seconds(10)
                $0.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
                $0.connection.keepalive.clientBehavior.allowWithoutCalls = true
                $0.connection.maxIdleTime = Self.idleMax
                $0.http2.maxConcurrentStreams = min(Self.callsPerConnectionMax, callsPerClientMax)
                $0.channelDebuggingCallbacks.onAcceptTCPConnection = { [gate] in gate.accept($0) }
                // Where a call alone says who it is, the interceptor tells the gate of those with a good token: who has
                // none keeps the place of a new connection, and no longer than one.
                guard certificates.trustRootsFile != nil else { return }
                $0.channelDebuggingCallbacks.onAcceptHTTP2Stream = { [gate] in gate.acceptCall($0) }
            }, eventLoopGroup: ListenerLoop.shared.group)
        let server = GRPCServer(transport: transport, services: services, interceptors: interceptors)
        defer { address.close() }
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await server.serve() }
                if let bound = try await server.listeningAddress, let port = bound.ipv4?.port ?? bound.ipv6?.port {
                    logger.info(
                        "listening",
                        metadata: ["host": "\(host)", "port": "\(port)", "callers": "\(certificates.callers)"])
                    address.set(port)
                }
            }
        } onGracefulShutdown: {
            address.close()
            server.beginGracefulShutdown()
        }
    }

    private var security: HTTP2ServerTransport.Posix.TransportSecurity {
        get throws {
            guard let roots = certificates.trustRootsFile else {
                return try .tls(certificateReloader: certificates.reloader) { $0.requireALPN = true }
            }
            return try .mTLS(certificateReloader: certificates.reloader) {
                $0.trustRoots = .certificates([.file(path: roots, format: .pem)])
                $0.requireALPN = true
                $0.customVerificationCallback = { [certificates] in certificates.verify($0, $1) }
            }
        }
    }
}
