import FoundationEssentials
import Probing
import Telemetry

/// Asks a kubelet over HTTP and says in one sentence why it gave no answer.
struct KubeletClient: Sendable {
    /// Why there is no answer.
    struct Problem: Error, Hashable {
        var failureClass: FailureClass
        var message: String
        /// Whether the port took the connection and then said nothing in time.
        var isSilence = false
        /// Status of the answer that was a refusal.
        var status: Int?
    }

    /// Longest token that is read; service account tokens have about 1 KB.
    static let tokenBytesMax = 16 << 10
    private static let quotedTextMax = 200

    let configuration: PodProbeConfiguration
    let fetcher: any HTTPFetching

    /// The header fields that identify us, none when the peer is not verified.
    func credentials() throws(Problem) -> [Label] {
        guard let file = configuration.tokenFile, sendsToken else { return [] }
        return [Label("Authorization", "Bearer " + (try token(in: file)))]
    }

    /// Fetches one path with GET; `path` starts with a slash.
    func get(_ path: String, credentials: [Label]) async -> Result<[UInt8], Problem> {
        let request = HTTPRequest(
            url: configuration.endpoint + path, headers: [Label("Accept", "application/json")] + credentials,
            connectTimeout: configuration.deadline / 2, totalTimeout: configuration.deadline,
            bodyBytesMax: configuration.bodyBytesMax, trust: trust)
        switch await fetcher.fetch(request) {
        case .failure(let failure):
            let isSilence = failure.failureClass == .timeout && failure.connected
            return .failure(Problem(failureClass: failure.failureClass, message: failure.message, isSilence: isSilence))
        case .response(let response) where response.status == 200:
            return .success(response.body)
        case .response(let response):
            return .failure(refusal(response))
        }
    }

    private var sendsToken: Bool {
        configuration.trust != .insecure && configuration.endpoint.lowercased().hasPrefix("https://")
    }

    /// Whom to trust, in the words of `Probing`.
    var trust: HTTPRequest.Trust {
        switch configuration.trust {
        case .clusterCA(let file, let serverName): .roots(file: file, serverName: serverName)
        case .pin(let sha256): .pin(sha256: sha256)
        case .insecure: .insecure
        }
    }

    private func token(in file: String) throws(Problem) -> String {
        let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? UInt64
        guard let size, size <= Self.tokenBytesMax, let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw Problem(failureClass: .internal, message: "cannot read the kubelet token file \(file)")
        }
        let token = String(decoding: data, as: UTF8.self).drop { $0.isWhitespace }
        let trimmed = token.prefix { !$0.isWhitespace }
        // Anything but printable ASCII would break the header field; an empty file is a rotation gone wrong.
        guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Problem(failureClass: .internal, message: "the kubelet token file \(file) holds no token")
        }
        return String(trimmed)
    }

    /// What a status other than 200 means.
    func refusal(_ response: HTTPResponse) -> Problem {
        var problem = refusal(status: response.status, text: quoted(response.body))
        problem.status = response.status
        return problem
    }

    private func refusal(status: Int, text: String) -> Problem {
        switch status {
        case 401 where configuration.tokenFile != nil && !sendsToken:
            return Problem(
                failureClass: .auth,
                message: "401 \(text); no token was sent, since the kubelet is not verified: trust clusterCA or pin"
            )
        case 401: return Problem(failureClass: .auth, message: "401 \(text)")
        case 403: return Problem(failureClass: .auth, message: "403 \(text)")
        default: return Problem(failureClass: .status, message: "status \(status) \(text)")
        }
    }

    private func quoted(_ body: [UInt8]) -> String {
        let line = body.prefix(Self.quotedTextMax).prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return String(decoding: line.map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
