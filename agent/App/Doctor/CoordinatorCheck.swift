import AgentSettings
import ConfigurationKit
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2
import Synchronization
import TocsinProto

/// Whether the coordinator takes this agent's certificate, and the agent the coordinator's.
///
/// Opens a stream and says nothing on it: the coordinator looks at the certificate first, and an agent that runs keeps
/// its own stream.
struct CoordinatorCheck {
    private let settings: AgentSettings
    private let timeout = Duration.seconds(10)

    init(_ settings: AgentSettings) {
        self.settings = settings
    }

    func row() async -> DoctorRow {
        let what = "coordinator"
        let address = "\(settings.coordinator.endpoint)"
        for file in files where !FileManager.default.isReadableFile(atPath: file) {
            return DoctorRow(what: what, verdict: .failed, detail: "\(file) cannot be read", fix: fileFix)
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await connect() }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    throw RPCError(code: .deadlineExceeded, message: "no answer within \(timeout)")
                }
                try await group.next()
                group.cancelAll()
            }
            return DoctorRow(
                what: what, verdict: .fine,
                detail: "\(address) takes this agent's \(isByToken ? "token" : "certificate")")
        } catch let error as RPCError {
            return DoctorRow(
                what: what, verdict: .failed, detail: "\(address): \(error.code): \(error.message)",
                fix: fix(error.code))
        } catch {
            return DoctorRow(what: what, verdict: .failed, detail: "\(address): \(error)", fix: fix(.unavailable))
        }
    }

    private var isByToken: Bool {
        if case .token = settings.credentials { true } else { false }
    }

    private var rootsKey: String { isByToken ? "coordinator.caFile" : "tls.trustRootsFile" }

    private var files: [String] {
        switch settings.credentials {
        case .certificate(let files): [files.certificateFile, files.keyFile, files.trustRootsFile]
        case .token(let file, let trustRootsFile): [file, trustRootsFile]
        }
    }

    private var fileFix: String {
        isByToken
            ? "in a pod the token is projected and the roots are in the coordinator's ConfigMap: has the coordinator started?"
            : "tocsin tls issue agent DIR --node \(settings.node) makes the pair; the agent's user must be able to read it"
    }

    private func connect() async throws {
        let endpoint = Uplink.Endpoint(settings)
        let transport = try HTTP2ClientTransport.Posix(
            target: endpoint.target, transportSecurity: endpoint.security,
            config: .defaults { $0.http2.authority = endpoint.serverName })
        try await withGRPCClient(transport: transport) { client in
            var options = CallOptions.defaults
            options.timeout = timeout
            options.waitForReady = false
            try await Tocsin_V1_Ingest.Client(wrapping: client).connect(
                metadata: try endpoint.metadata(), options: options, requestProducer: { _ in },
                onResponse: { response in for try await _ in response.messages {} })
        }
    }

    private func fix(_ code: RPCError.Code) -> String {
        switch code {
        case .permissionDenied where isByToken, .unauthenticated where isByToken:
            "the token must be this pod's, for the coordinator's 'tokens.audience', its account one of 'tokens.agents'"
        case .permissionDenied, .unauthenticated:
            "the certificate must be an agent's, of cluster \(settings.cluster) and node \(settings.node): tocsin tls issue agent"
        default:
            "is it running, and reachable from here? '\(rootsKey)' must hold its root, 'coordinator.serverName' a name of its certificate"
        }
    }
}
