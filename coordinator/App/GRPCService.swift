import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import ServiceLifecycle

/// The gRPC listener with mutual TLS: every caller shows a certificate that the trust roots vouch for.
struct GRPCService: Service {
    let configuration: CoordinatorApp.Configuration
    let certificates: CertificateKeeper
    let gate: ConnectionGate
    let calls: CallLimiter
    let services: [any RegistrableRPCService]
    let address: AddressBox
    let logger: Logger

    /// A connection without a call is asked to close after this; agents and commands have one as long as they live.
    private static let idleMax: Duration = .seconds(300)
    private static let callsPerConnectionMax = 64

    func run() async throws {
        let security = try HTTP2ServerTransport.Posix.TransportSecurity.mTLS(
            certificateReloader: certificates.reloader
        ) {
            $0.trustRoots = .certificates([.file(path: configuration.tls.trustRoots, format: .pem)])
            $0.requireALPN = true
            $0.customVerificationCallback = { [certificates] in certificates.verify($0, $1) }
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: configuration.host, port: configuration.port), transportSecurity: security,
            config: .defaults {
                $0.rpc.maxRequestPayloadSize = configuration.ingest.frameBytesMax
                $0.connection.keepalive.time = .seconds(30)
                $0.connection.keepalive.timeout = .seconds(10)
                $0.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
                $0.connection.keepalive.clientBehavior.allowWithoutCalls = true
                $0.connection.maxIdleTime = Self.idleMax
                $0.http2.maxConcurrentStreams = min(
                    Self.callsPerConnectionMax, configuration.listener.callsPerClientMax)
                $0.channelDebuggingCallbacks.onAcceptTCPConnection = { [gate] in gate.accept($0) }
                $0.channelDebuggingCallbacks.onAcceptHTTP2Stream = { [gate] in gate.acceptCall($0) }
            })
        let server = GRPCServer(transport: transport, services: services, interceptors: [calls])
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await server.serve() }
                if let bound = try await server.listeningAddress, let port = bound.ipv4?.port ?? bound.ipv6?.port {
                    logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
                    address.set(port)
                }
            }
        } onGracefulShutdown: {
            server.beginGracefulShutdown()
        }
    }
}
