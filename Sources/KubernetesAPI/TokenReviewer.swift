import FoundationEssentials
package import Probing
import Telemetry

/// What an API server says of a bearer token that it accepts.
package struct ReviewedToken: Sendable, Hashable {
    /// The account, such as `system:serviceaccount:tocsin:tocsin-agent`.
    package var username: String
    /// Groups that the account is in.
    package var groups: Set<String>
    /// Those of the audiences asked for that the token is meant for; empty from a server that knows no audiences.
    package var audiences: Set<String>
    /// The node of the pod that the token is bound to; nil where it is bound to none, or the server does not say
    /// (before Kubernetes 1.30).
    package var node: String?
    /// The pod that the token is bound to.
    package var pod: Pod?

    /// A pod by its name and its identity.
    package struct Pod: Sendable, Hashable {
        /// Its namespace.
        package var namespace: String
        /// Its name, which a later pod may have too.
        package var name: String
        /// Its identity, which no other has.
        package var uid: String

        /// Names a pod.
        package init(namespace: String, name: String, uid: String) {
            self.namespace = namespace
            self.name = name
            self.uid = uid
        }
    }

    /// Makes an account.
    package init(
        username: String, groups: Set<String> = [], audiences: Set<String> = [], node: String? = nil, pod: Pod? = nil
    ) {
        self.username = username
        self.groups = groups
        self.audiences = audiences
        self.node = node
        self.pod = pod
    }
}

/// Asks an API server whose a bearer token is (`authentication.k8s.io/v1`, TokenReview).
package struct TokenReviewer: Sendable {
    /// What came of a review.
    package enum Verdict: Sendable, Hashable {
        /// The token is good.
        case accepted(ReviewedToken)
        /// It is not, with the server's reason, which holds no token.
        case refused(String)
    }

    private static let path = "/apis/authentication.k8s.io/v1/tokenreviews"
    private static let reasonMax = 200
    private let client: KubernetesClient

    /// Asks at an endpoint, whose own token must be allowed to create token reviews.
    package init(_ endpoint: KubernetesEndpoint, fetcher: any HTTPFetching) {
        client = KubernetesClient(endpoint, fetcher: fetcher)
    }

    /// Has a token reviewed for one audience.
    package func review(
        _ token: String, audience: String
    ) async -> Result<Verdict, KubernetesClient.Problem> {
        let question = Review(spec: Review.Spec(token: token, audiences: [audience]), status: nil)
        guard let body = try? JSONEncoder().encode(question) else {
            return .failure(
                KubernetesClient.Problem(failureClass: .internal, message: "the token cannot be asked about"))
        }
        switch await client.send([UInt8](body), to: Self.path, as: .create) {
        case .failure(let problem): return .failure(problem)
        case .success(let bytes):
            guard let status = (try? JSONDecoder().decode(Answer.self, from: Data(bytes)))?.status else {
                return .failure(
                    KubernetesClient.Problem(
                        failureClass: .body, message: "\(bytes.count) bytes that are no token review"))
            }
            return .success(Self.verdict(status))
        }
    }

    /// The node that a pod runs on; nil when there is no such pod, or it is another one of that name.
    package func node(of pod: ReviewedToken.Pod) async -> Result<String?, KubernetesClient.Problem> {
        let path =
            "/api/v1/namespaces/\(QueryText.escaped(pod.namespace))/pods/\(QueryText.escaped(pod.name))"
        switch await client.get(path) {
        case .failure(let problem) where problem.status == 404: return .success(nil)
        case .failure(let problem): return .failure(problem)
        case .success(let bytes):
            guard let found = try? JSONDecoder().decode(PodPlace.self, from: Data(bytes)) else {
                return .failure(
                    KubernetesClient.Problem(failureClass: .body, message: "\(bytes.count) bytes that are no pod"))
            }
            return .success(found.metadata.uid == pod.uid ? found.spec.nodeName : nil)
        }
    }

    private static func verdict(_ status: Review.Status) -> Verdict {
        guard status.authenticated == true, let username = status.user?.username, !username.isEmpty else {
            let reason = (status.error ?? "").utf8.prefix(reasonMax).map {
                (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?")
            }
            return .refused(String(decoding: reason, as: UTF8.self))
        }
        let extra = status.user?.extra ?? [:]
        // One value each: a claim that is there twice is no claim.
        func claim(_ name: String) -> String? {
            let values = (extra["authentication.kubernetes.io/" + name] ?? nil) ?? []
            return values.count == 1 && !values[0].isEmpty ? values[0] : nil
        }
        var reviewed = ReviewedToken(
            username: username, groups: Set(status.user?.groups ?? []), audiences: Set(status.audiences ?? []),
            node: claim("node-name"))
        let account = username.split(separator: ":", omittingEmptySubsequences: false)
        if account.count == 4, account[0] == "system", account[1] == "serviceaccount", let name = claim("pod-name"),
            let uid = claim("pod-uid")
        {
            reviewed.pod = ReviewedToken.Pod(namespace: String(account[2]), name: name, uid: uid)
        }
        return .accepted(reviewed)
    }

    private struct Review: Codable {
        struct Spec: Codable {
            var token: String
            var audiences: [String]
        }

        struct Status: Codable {
            var authenticated: Bool?
            var user: User?
            var audiences: [String]?
            var error: String?
        }

        struct User: Codable {
            var username: String?
            var groups: [String]?
            var extra: [String: [String]?]?
        }

        var apiVersion = "authentication.k8s.io/v1"
        var kind = "TokenReview"
        var spec: Spec
        var status: Status?
    }

    /// The token comes back in `spec`; it is not looked at.
    private struct Answer: Decodable {
        var status: Review.Status
    }

    private struct PodPlace: Decodable {
        struct Metadata: Decodable { var uid: String }
        struct Spec: Decodable { var nodeName: String? }

        var metadata: Metadata
        var spec: Spec
    }
}
