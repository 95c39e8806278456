package import Probing
import SystemPackage
package import Telemetry

/// Asks a kubelet or an API server over HTTP and says in one sentence why it gave no answer.
package struct KubernetesClient: Sendable {
    /// Why there is no answer.
    package struct Problem: Error, Hashable {
        /// The sort of failure.
        package var failureClass: FailureClass
        /// The reason in words.
        package var message: String
        /// Whether the port took the connection and then said nothing in time.
        package var isSilence = false
        /// Status of the answer that was a refusal.
        package var status: Int?

        /// Names a problem.
        package init(failureClass: FailureClass, message: String, isSilence: Bool = false) {
            self.failureClass = failureClass
            self.message = message
            self.isSilence = isSilence
        }
    }

    private static let quotedTextMax = 200

    /// Who is asked.
    package let endpoint: KubernetesEndpoint
    private let fetcher: any HTTPFetching

    /// Makes a client.
    package init(_ endpoint: KubernetesEndpoint, fetcher: any HTTPFetching) {
        self.endpoint = endpoint
        self.fetcher = fetcher
    }

    /// The header fields that identify us, none when the peer is not verified.
    package func credentials() throws(Problem) -> [Label] {
        guard let file = endpoint.tokenFile, sendsToken else { return [] }
        return [Label("Authorization", "Bearer " + (try token(in: file)))]
    }

    /// Fetches one path with GET, the token read anew; `path` starts with a slash.
    package func get(_ path: String) async -> Result<[UInt8], Problem> {
        do {
            return await get(path, credentials: try credentials())
        } catch {
            return .failure(error)
        }
    }

    /// Fetches one path with GET; `path` starts with a slash.
    package func get(_ path: String, credentials: [Label]) async -> Result<[UInt8], Problem> {
        let request = HTTPRequest(
            url: endpoint.url + path, headers: [Label("Accept", "application/json")] + credentials,
            connectTimeout: endpoint.deadline / 2, totalTimeout: endpoint.deadline,
            bodyBytesMax: endpoint.bodyBytesMax, trust: endpoint.trust)
        return await answer(to: request)
    }

    /// How an object is written.
    package enum Write: Sendable, Hashable {
        /// A new object, or a question that is asked by making one, such as a review.
        case create
        /// What is named in it changes, all else stays (RFC 7386).
        case mergePatch
    }

    /// Writes one object, the token read anew; `path` starts with a slash.
    ///
    /// Gives the object as the server has it.
    package func send(_ object: [UInt8], to path: String, as write: Write) async -> Result<[UInt8], Problem> {
        let credentials: [Label]
        do {
            credentials = try self.credentials()
        } catch {
            return .failure(error)
        }
        let type = write == .create ? "application/json" : "application/merge-patch+json"
        var request = HTTPRequest(
            url: endpoint.url + path,
            headers: [Label("Accept", "application/json"), Label("Content-Type", type)] + credentials, body: object,
            connectTimeout: endpoint.deadline / 2, totalTimeout: endpoint.deadline,
            bodyBytesMax: endpoint.bodyBytesMax, trust: endpoint.trust)
        if write == .mergePatch { request.method = "PATCH" }
        return await answer(to: request)
    }

    private func answer(to request: HTTPRequest) async -> Result<[UInt8], Problem> {
        switch await fetcher.fetch(request) {
        case .failure(let failure):
            let isSilence = failure.failureClass == .timeout && failure.connected
            return .failure(Problem(failureClass: failure.failureClass, message: failure.message, isSilence: isSilence))
        // An object that was made is answered with 201.
        case .response(let response) where response.status == 200 || response.status == 201 && request.body != nil:
            return .success(response.body)
        case .response(let response):
            return .failure(refusal(response))
        }
    }

    private var sendsToken: Bool {
        endpoint.trust != .insecure && endpoint.url.lowercased().hasPrefix("https://")
    }

    private func token(in file: String) throws(Problem) -> String {
        do throws(TokenText.Problem) {
            return try TokenText.read(FilePath(file))
        } catch {
            switch error {
            case .unreadable: throw Problem(failureClass: .internal, message: "cannot read the token file \(file)")
            case .noToken: throw Problem(failureClass: .internal, message: "the token file \(file) holds no token")
            }
        }
    }

    /// What a status other than 200 means.
    package func refusal(_ response: HTTPResponse) -> Problem {
        var problem = refusal(status: response.status, text: quoted(response.body))
        problem.status = response.status
        return problem
    }

    private func refusal(status: Int, text: String) -> Problem {
        switch status {
        case 401 where endpoint.tokenFile != nil && !sendsToken:
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
