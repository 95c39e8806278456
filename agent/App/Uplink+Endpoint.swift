import AgentSettings
import ConfigurationKit
import GRPCCore
import GRPCNIOTransportHTTP2

extension Uplink.Endpoint {
    /// The coordinator that the settings name.
    init(_ settings: AgentSettings) {
        self.init(
            host: settings.coordinator.endpoint.host, port: settings.coordinator.endpoint.port,
            serverName: settings.coordinator.serverName, certificateFile: settings.tls.certificateFile,
            keyFile: settings.tls.keyFile, trustRootsFile: settings.tls.trustRootsFile)
    }

    /// An address is not resolved, and is not put into SNI, which takes names alone.
    var target: any ResolvableTarget {
        if host.contains(":") { return .ipv6(address: host, port: port) }
        let isAddress =
            host.split(separator: ".").count == 4 && host.allSatisfy { $0.isNumber || $0 == "." }
        return isAddress
            ? .ipv4(address: host, port: port) : .dns(host: host, port: port)
    }

    var security: HTTP2ClientTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.file(path: certificateFile, format: .pem)],
            privateKey: .file(path: keyFile, format: .pem)
        ) {
            $0.trustRoots = .certificates([.file(path: trustRootsFile, format: .pem)])
            $0.serverCertificateVerification = .fullVerification
        }
    }
}
