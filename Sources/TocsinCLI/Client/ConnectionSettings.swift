import CertificateAuthority

/// How to reach the coordinator and as whom.
struct ConnectionSettings: Hashable, Sendable {
    /// What the coordinator is shown, and the PEM file of the authority that its own certificate must come from.
    struct Files: Hashable, Sendable {
        var credentials: Credentials
        var trustRoots: String
    }

    /// What the coordinator is shown.
    enum Credentials: Hashable, Sendable {
        /// A client certificate and its key: PEM files.
        case certificate(file: String, key: String)
        /// The token that was in a file.
        case token(String)
    }

    /// What one source says; nil where it says nothing.
    struct Layer: Hashable, Sendable {
        var endpoint: String?
        var certificateFile: String?
        var keyFile: String?
        var tokenFile: String?
        var trustRootsFile: String?
        var serverName: String?

        /// The layer with what is missing taken from another.
        ///
        /// A certificate here is meant in place of a token there, and the reverse.
        func over(_ other: Layer) -> Layer {
            let hasPair = certificateFile != nil || keyFile != nil
            return Layer(
                endpoint: endpoint ?? other.endpoint,
                certificateFile: certificateFile ?? (tokenFile == nil ? other.certificateFile : nil),
                keyFile: keyFile ?? (tokenFile == nil ? other.keyFile : nil),
                tokenFile: tokenFile ?? (hasPair ? nil : other.tokenFile),
                trustRootsFile: trustRootsFile ?? other.trustRootsFile, serverName: serverName ?? other.serverName)
        }

        /// What `TOCSIN_ENDPOINT`, `TOCSIN_CERT`, `TOCSIN_KEY`, `TOCSIN_TOKEN_FILE` and `TOCSIN_CA` say; an empty one
        /// says nothing.
        init(environment: [String: String]) {
            func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
            self.init(
                endpoint: value("TOCSIN_ENDPOINT"), certificateFile: value("TOCSIN_CERT"), keyFile: value("TOCSIN_KEY"),
                tokenFile: value("TOCSIN_TOKEN_FILE"), trustRootsFile: value("TOCSIN_CA"))
        }

        init(
            endpoint: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, tokenFile: String? = nil,
            trustRootsFile: String? = nil, serverName: String? = nil
        ) {
            self.endpoint = endpoint
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.tokenFile = tokenFile
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
        let port = layer.tokenFile == nil ? Endpoint.defaultPort : Endpoint.defaultTokenPort
        guard let endpoint = Endpoint(layer.endpoint ?? "127.0.0.1", defaultPort: port) else {
            let address = layer.endpoint ?? ""
            throw .usage("'\(address)' is no endpoint; HOST:PORT or [ADDRESS]:PORT is expected")
        }
        self.endpoint = endpoint
        self.timeout = timeout
        if plaintext {
            guard endpoint.isLoopback else {
                throw .usage("--plaintext is for a loopback address such as 127.0.0.1 only, not for \(endpoint)")
            }
            guard layer.tokenFile == nil else {
                throw .usage("a token is shown to a coordinator over TLS only, not with --plaintext")
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
        guard layer.tokenFile == nil || layer.certificateFile == nil && layer.keyFile == nil else {
            throw .usage("a client certificate and a token exclude each other")
        }
        if let tokenFile = layer.tokenFile {
            let roots = try checked(layer.trustRootsFile, "trusted authority", "--ca, TOCSIN_CA")
            return Files(credentials: .token(try token(in: tokenFile)), trustRoots: roots.path)
        }
        let certificate = try checked(
            layer.certificateFile, "client certificate", "--cert, TOCSIN_CERT, a token with --token-file")
        let key = try checked(layer.keyFile, "key", "--key, TOCSIN_KEY")
        let roots = try checked(layer.trustRootsFile, "trusted authority", "--ca, TOCSIN_CA")
        return Files(credentials: .certificate(file: certificate.path, key: key.path), trustRoots: roots.path)
    }

    /// The path of a file that can be read, with what is in it.
    private static func checked(
        _ path: String?, _ what: String, _ sources: String
    ) throws(CommandError) -> (path: String, text: String) {
        guard let path else {
            throw .usage("no \(what): give one with \(sources) or a context in ~/.config/tocsin/config.yaml")
        }
        do {
            return (path, try CertificateDirectory.read(path))
        } catch {
            throw .usage("\(what): \(error.message)")
        }
    }

    private static func token(in path: String) throws(CommandError) -> String {
        let text = try checked(path, "token", "--token-file, TOCSIN_TOKEN_FILE").text
        let token = text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace }
        // Anything but printable ASCII would break the header field.
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .usage("token: \(path) holds none")
        }
        return String(token)
    }
}
