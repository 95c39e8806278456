import AgentSettings
import ConfigurationKit
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2

extension Uplink.Endpoint {
    /// The coordinator that the settings name.
    init(_ settings: AgentSettings) {
        let credentials: Uplink.Credentials
        let trustRootsFile: String
        switch settings.credentials {
        case .certificate(let files):
            credentials = .certificate(file: files.certificateFile, keyFile: files.keyFile)
            trustRootsFile = files.trustRootsFile
        case .token(let file, let roots):
            credentials = .token(TokenFile(path: file))
            trustRootsFile = roots
        }
        self.init(
            host: settings.coordinator.endpoint.host, port: settings.coordinator.endpoint.port,
            serverName: settings.coordinator.serverName, credentials: credentials, trustRootsFile: trustRootsFile)
    }

    /// What goes with every call: the token of now, for a coordinator that the handshake verifies first.
    func metadata() throws -> Metadata {
        guard case .token(let file) = credentials else { return [:] }
        return ["authorization": .string("Bearer \(try file.read())")]
    }

    /// An address is not resolved, and is not put into SNI, which takes names alone.
    var target: any ResolvableTarget {
        if host.contains(":") { return .ipv6(address: host, port: port) }
        let isAddress =
            host.split(separator: ".").count == 4 && host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress
            ? .ipv4(address: host, port: port) : .dns(host: host, port: port)
    }

    /// TLS in any case: neither a sample nor a token goes to a coordinator that is not verified.
    var security: HTTP2ClientTransport.Posix.TransportSecurity {
        switch credentials {
        case .certificate(let file, let keyFile):
            .mTLS(
                certificateChain: [.file(path: file, format: .pem)], privateKey: .file(path: keyFile, format: .pem)
            ) {
                $0.trustRoots = .certificates([.file(path: trustRootsFile, format: .pem)])
                $0.serverCertificateVerification = .fullVerification
            }
        case .token:
            .tls {
                $0.trustRoots = .certificates([.file(path: trustRootsFile, format: .pem)])
                $0.serverCertificateVerification = .fullVerification
            }
        }
    }
}
