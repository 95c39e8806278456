import GRPCCore
import GRPCNIOTransportHTTP2
import TocsinTestKit

/// A service that stands in a test where the coordinator would.
protocol TestCoordinator: RegistrableRPCService {}

extension TestCoordinator {
    /// Serves with the lab's certificates on a free port while `body` runs.
    func run<Value: Sendable>(
        in lab: TocsinLab, _ body: @Sendable (_ port: Int) async throws -> Value
    ) async throws -> Value {
        let security = HTTP2ServerTransport.Posix.TransportSecurity.mTLS(
            certificateChain: [.file(path: lab.path("tls/coordinator.crt"), format: .pem)],
            privateKey: .file(path: lab.path("tls/coordinator.key"), format: .pem)
        ) { tls in
            tls.trustRoots = .certificates([.file(path: lab.path("tls/ca.crt"), format: .pem)])
            tls.requireALPN = true
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: security)
        return try await withGRPCServer(transport: transport, services: [self]) { server in
            try await body(try await server.transport.listeningAddress.ipv4?.port ?? 0)
        }
    }
}
