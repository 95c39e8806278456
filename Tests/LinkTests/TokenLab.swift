import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import KubeletReplay
import TocsinTestKit

/// A coordinator process with both listeners, an API server that reviews tokens of a real format, and certificates and
/// tokens for every role.
struct TokenLab: Sendable {
    static let cluster = "test"
    static let configMap = "/api/v1/namespaces/tocsin/configmaps/tocsin-ca"

    let lab: TocsinLab
    let server: ApiServerReplay
    let issuer: TokenIssuer
    let tokenPort: Int

    /// - Parameters:
    ///   - nodes: those with an agent's certificate.
    ///   - more: YAML at the top level of `coordinator.yaml`.
    init(nodes: [String] = ["node-a"], keepFor: String = "2s", more: String = "") async throws {
        lab = try await TocsinLab(nodes: nodes, cluster: Self.cluster)
        server = ApiServerReplay(
            tls: .init(certificateFile: lab.path("tls/coordinator.crt"), keyFile: lab.path("tls/coordinator.key")),
            tokens: ["own-token"])
        issuer = try TokenIssuer()
        server.issue(by: issuer)
        let port = try await server.start()
        tokenPort = try FreePort.next()
        _ = try lab.folder.write("own-token\n", to: "api.token")
        try lab.writeCoordinator(
            step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml",
            more: """
                tokens:
                  listen: 127.0.0.1:\(tokenPort)
                  cluster: \(Self.cluster)
                  apiServer: https://127.0.0.1:\(port)
                  tokenFile: api.token
                  caFile: tls/ca.crt
                  keepFor: \(keepFor)
                  agents: [tocsin/tocsin-agent]
                  users:
                    - {serviceAccount: tocsin/viewer, role: viewer}
                    - {serviceAccount: tocsin/responder, role: responder}
                    - {group: "system:serviceaccounts:admins", role: admin}
                  authority: {configMap: tocsin/tocsin-ca}
                \(more)
                """)
    }

    /// Starts the coordinator and waits until it listens for callers with tokens too.
    func startCoordinator() async throws -> ChildProcess {
        let coordinator = try await lab.startCoordinator()
        _ = try await coordinator.waitForLine(containing: "callers=tokens")
        return coordinator
    }

    /// The certificate of the coordinator's own authority, as it is published.
    func publishedAuthority() async throws -> String {
        let path = try await lab.eventually(within: .seconds(20)) {
            server.object(at: Self.configMap)?["data"]?["ca.crt"]?.text
        }
        guard let path else { throw ChildProcess.Failure(description: "the authority is not published") }
        return try lab.folder.write(path, to: "published.crt")
    }

    /// The token of an agent's pod.
    func agentToken(node: String = "node-a", pod: String = "tocsin-agent-x", lifetime: Double = 3600) throws -> String {
        try issuer.token(TokenIssuer.Claims("tocsin-agent", lifetime: lifetime, pod: pod, node: node))
    }

    /// Who calls with a token; nil with none.
    func caller(token: String?) async throws -> RawCaller {
        let roots = try await publishedAuthority()
        return RawCaller(
            port: tokenPort,
            security: .tls { $0.trustRoots = .certificates([.file(path: roots, format: .pem)]) },
            metadata: token.map { ["authorization": .string("Bearer \($0)")] } ?? [:])
    }

    /// Who calls with a certificate of the lab, such as `user-oncall`; nil with none.
    func caller(certificate name: String?) -> RawCaller {
        let roots = lab.path("tls/ca.crt")
        guard let name else {
            return RawCaller(
                port: lab.port,
                security: .tls { $0.trustRoots = .certificates([.file(path: roots, format: .pem)]) })
        }
        return RawCaller(
            port: lab.port,
            security: .mTLS(
                certificateChain: [.file(path: lab.path("tls/\(name).crt"), format: .pem)],
                privateKey: .file(path: lab.path("tls/\(name).key"), format: .pem)
            ) { $0.trustRoots = .certificates([.file(path: roots, format: .pem)]) })
    }

    /// Runs `tocsin` with a token.
    func tocsin(_ arguments: [String], token: String) async throws -> TocsinLab.Output {
        let roots = try await publishedAuthority()
        let file = try lab.folder.write(token + "\n", to: "caller-\(UUID().uuidString).token")
        return try await lab.tocsin(
            arguments + ["--endpoint", "127.0.0.1:\(tokenPort)", "--token-file", file, "--ca", roots])
    }

    /// The figures of the coordinator's `/metrics`, their common prefix dropped.
    func figures() async throws -> [String: Double] {
        let figures = try await MetricsPage(port: lab.httpPort).figures()
        return Dictionary(
            uniqueKeysWithValues: figures.map { ($0.key.replacing("tocsin_coordinator_", with: ""), $0.value) })
    }
}

/// Calls with bytes, whatever the RPC.
struct RawCaller: Sendable {
    var port: Int
    var security: HTTP2ClientTransport.Posix.TransportSecurity
    var metadata: Metadata = [:]

    private struct Bytes: MessageSerializer, MessageDeserializer {
        func serialize<Contents: GRPCContiguousBytes>(_ message: [UInt8]) -> Contents { Contents(message) }
        func deserialize<Contents: GRPCContiguousBytes>(_ bytes: Contents) -> [UInt8] {
            bytes.withUnsafeBytes { Array($0) }
        }
    }

    /// How calls with an empty message end, in their order; nil: well.
    func outcomes(of methods: [MethodDescriptor]) async throws -> [RPCError?] {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: security)
        return try await withGRPCClient(transport: transport) { client in
            var outcomes: [RPCError?] = []
            for method in methods {
                var options = CallOptions.defaults
                options.timeout = .seconds(10)
                options.waitForReady = false
                do {
                    try await client.bidirectionalStreaming(
                        request: StreamingClientRequest<[UInt8]>(metadata: metadata) { try await $0.write([]) },
                        descriptor: method, serializer: Bytes(), deserializer: Bytes(), options: options
                    ) { response in
                        for try await _ in response.messages {}
                    }
                    outcomes.append(nil)
                } catch let error as RPCError {
                    outcomes.append(error)
                }
            }
            return outcomes
        }
    }

    /// How one call with an empty message ends; nil: well.
    func outcome(of method: MethodDescriptor) async throws -> RPCError? {
        try await outcomes(of: [method]).first ?? nil
    }
}
