import CertificateAuthority

/// How to reach the coordinator and as whom.
struct ConnectionSettings: Hashable, Sendable {
    /// Client certificate, its key and the authority that the coordinator's certificate must come from: PEM files.
    struct Files: Hashable, Sendable {
        var certificate: String
        var key: String
        var trustRoots: String
    }

    /// What one source says; nil where it says nothing.
    struct Layer: Hashable, Sendable {
        var endpoint: String?
        var certificateFile: String?
        var keyFile: String?
        var trustRootsFile: String?
        var serverName: String?

        /// The layer with what is missing taken from another.
        func over(_ other: Layer) -> Layer {
            Layer(
                endpoint: endpoint ?? other.endpoint, certificateFile: certificateFile ?? other.certificateFile,
                keyFile: keyFile ?? other.keyFile, trustRootsFile: trustRootsFile ?? other.trustRootsFile,
                serverName: serverName ?? other.serverName)
        }

        /// What `TOCSIN_ENDPOINT`, `TOCSIN_CERT`, `TOCSIN_KEY` and `TOCSIN_CA` say; an empty one says nothing.
        init(environment: [String: String]) {
            func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
            self.init(
                endpoint: value("TOCSIN_ENDPOINT"), certificateFile: value("TOCSIN_CERT"), keyFile: value("TOCSIN_KEY"),
                trustRootsFile: value("TOCSIN_CA"))
        }

        init(
            endpoint: String? = nil, certificateFile: String? = nil, keyFile: String? = nil,
            trustRootsFile: String? = nil,
            serverName: String? = nil
        ) {
            self.endpoint = endpoint
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.trustRootsFile = trustRootsFile
            self.serverName = serverName
        }
    }

    /// Where.
    var endpoint: Endpoint
    /// As whom; nil: plaintext, which is for loopback only.
    var files: Files?
    /// Name that the coordinator's certificate must hold when it is not the endpoint's host.
    var serverName: String?
    /// Deadline of one call.
    var timeout: Duration

    /// Checks what the layers say together.
    ///
    /// The endpoint defaults to loopback.
    init(_ layer: Layer, plaintext: Bool, timeout: Duration) throws(CommandError) {
        let address = layer.endpoint ?? "127.0.0.1:\(Endpoint.defaultPort)"
        guard let endpoint = Endpoint(address) else {
            throw .usage("'\(address)' is no endpoint; HOST:PORT or [ADDRESS]:PORT is expected")
        }
        self.endpoint = endpoint
        self.timeout = timeout
        if plaintext {
            guard endpoint.isLoopback else {
                throw .usage("--plaintext is for a loopback address such as 127.0.0.1 only, not for \(endpoint)")
            }
            return
        }
        if let name = layer.serverName {
            guard Endpoint.isName(name), !Endpoint.isIPv4(name) else {
                throw .usage("'\(name)' is no server name; a DNS name of the coordinator's certificate is expected")
            }
            serverName = name
        }
        files = try Self.files(layer)
    }

    private static func files(_ layer: Layer) throws(CommandError) -> Files {
        let wanted = [
            (layer.certificateFile, "client certificate", "--cert, TOCSIN_CERT"),
            (layer.keyFile, "key", "--key, TOCSIN_KEY"),
            (layer.trustRootsFile, "trusted authority", "--ca, TOCSIN_CA"),
        ]
        var paths: [String] = []
        for (path, what, sources) in wanted {
            guard let path else {
                throw .usage("no \(what): give one with \(sources) or a context in ~/.config/tocsin/config.yaml")
            }
            do {
                _ = try CertificateDirectory.read(path)
            } catch {
                throw .usage("\(what): \(error.message)")
            }
            paths.append(path)
        }
        return Files(certificate: paths[0], key: paths[1], trustRoots: paths[2])
    }
}
