import Crypto
import CryptoExtras
import Foundation
import Synchronization

/// Makes service account tokens as a 1.36 API server does: JSON Web Tokens signed with RS256, bound to a pod and its
/// node.
package struct TokenIssuer: Sendable {
    /// What a token is to say.
    package struct Claims: Sendable {
        /// The account's namespace.
        package var namespace: String
        /// The account's name.
        package var account: String
        /// Whom it is for.
        package var audiences: [String]
        /// Seconds from now to its end; negative for one that has ended.
        package var lifetime: Double
        /// The pod that it is bound to.
        package var pod: String?
        /// The pod's node.
        package var node: String?

        /// Makes the claims of an agent's projected token, of an hour.
        package init(
            _ account: String, namespace: String = "tocsin", audiences: [String] = ["tocsin"], lifetime: Double = 3600,
            pod: String? = nil, node: String? = nil
        ) {
            self.namespace = namespace
            self.account = account
            self.audiences = audiences
            self.lifetime = lifetime
            self.pod = pod
            self.node = node
        }
    }

    /// Who signs in these tokens.
    package static let issuer = "https://kubernetes.default.svc.cluster.local"
    private let key: _RSA.Signing.PrivateKey

    /// Makes an issuer with a new key.
    package init() throws {
        key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    }

    /// The uid of an object, which in these tokens is made of its name.
    package static func uid(_ name: String) -> String { "uid-\(name)" }

    /// A new token.
    package func token(_ claims: Claims) throws -> String {
        let now = Date().timeIntervalSince1970
        var bound: [String: JSONValue] = [
            "namespace": .string(claims.namespace),
            "serviceaccount": Self.reference(claims.account),
        ]
        if let pod = claims.pod { bound["pod"] = Self.reference(pod) }
        if let node = claims.node { bound["node"] = Self.reference(node) }
        let payload: JSONValue = .object([
            "aud": .array(claims.audiences.map { .string($0) }), "exp": .int(Int64(now + claims.lifetime)),
            "iat": .int(Int64(min(now, now + claims.lifetime - 60))), "iss": .string(Self.issuer),
            "jti": .string(UUID().uuidString.lowercased()), "kubernetes.io": .object(bound),
            "nbf": .int(Int64(min(now, now + claims.lifetime - 60))),
            "sub": .string("system:serviceaccount:\(claims.namespace):\(claims.account)"),
        ])
        let header: JSONValue = .object(["alg": .string("RS256"), "kid": .string("test")])
        let signed = Self.text(header.bytes) + "." + Self.text(payload.bytes)
        let signature = try key.signature(for: Data(signed.utf8), padding: .insecurePKCS1v1_5)
        return signed + "." + Self.text(Array(signature.rawRepresentation))
    }

    /// The claims of a token that this issuer signed; nil for any other.
    func claims(_ token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Self.bytes(parts[2]), let payload = Self.bytes(parts[1]) else {
            return nil
        }
        let isSigned = key.publicKey.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: Data("\(parts[0]).\(parts[1])".utf8),
            padding: .insecurePKCS1v1_5)
        return isSigned ? try? JSONValue(parsing: Array(payload)) : nil
    }

    private static func reference(_ name: String) -> JSONValue {
        .object(["name": .string(name), "uid": .string(uid(name))])
    }

    private static func text(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func bytes(_ text: Substring) -> Data? {
        var padded = String(text).replacing("-", with: "+").replacing("_", with: "/")
        padded += String(repeating: "=", count: (4 - padded.count % 4) % 4)
        return Data(base64Encoded: padded)
    }
}

extension ApiServerReplay {
    /// Whose tokens are good, and how a review words what is wrong with another: as a 1.36 API server does.
    struct Accounts: Sendable {
        var issuer: TokenIssuer?
        /// Accounts and pods that are gone: their tokens are no good any more.
        var gone: Set<String> = []
        /// Whether the review names the node of a token's pod, as it does from 1.30.
        var tellsNodes = true
        /// Whether it looks at audiences; a server without says nothing of them.
        var knowsAudiences = true

        func review(_ body: [UInt8]) -> JSONValue {
            guard let question = try? JSONValue(parsing: body), let token = question["spec"]?["token"]?.text else {
                return Self.refusal("invalid request")
            }
            let wanted = question["spec"]?["audiences"]?.elements.compactMap(\.text) ?? []
            guard let issuer, let claims = issuer.claims(token), claims["iss"]?.text == TokenIssuer.issuer else {
                return Self.refusal("invalid bearer token")
            }
            guard let end = claims["exp"]?.number, end > Date().timeIntervalSince1970 else {
                return Self.refusal("[invalid bearer token, service account token has expired]")
            }
            let audiences = claims["aud"]?.elements.compactMap(\.text) ?? []
            let shared = wanted.filter(audiences.contains)
            guard !shared.isEmpty || !knowsAudiences else {
                return Self.refusal(
                    "[invalid bearer token, token audiences \(audiences) is invalid for the target audiences \(wanted)]"
                )
            }
            let bound = claims["kubernetes.io"]
            let pod = bound?["pod"]?["name"]?.text
            guard !gone.contains(bound?["serviceaccount"]?["name"]?.text ?? ""), !gone.contains(pod ?? "") else {
                return Self.refusal("[invalid bearer token, service account token has been invalidated]")
            }
            return acceptance(of: claims, bound, audiences: knowsAudiences ? shared : [])
        }

        private func acceptance(of claims: JSONValue, _ bound: JSONValue?, audiences: [String]) -> JSONValue {
            func list(_ text: String?) -> JSONValue { .array(text.map { [.string($0)] } ?? []) }
            var extra: [String: JSONValue] = [
                "authentication.kubernetes.io/credential-id": list(claims["jti"]?.text.map { "JTI=\($0)" })
            ]
            if let pod = bound?["pod"] {
                extra["authentication.kubernetes.io/pod-name"] = list(pod["name"]?.text)
                extra["authentication.kubernetes.io/pod-uid"] = list(pod["uid"]?.text)
            }
            if tellsNodes, let node = bound?["node"] {
                extra["authentication.kubernetes.io/node-name"] = list(node["name"]?.text)
                extra["authentication.kubernetes.io/node-uid"] = list(node["uid"]?.text)
            }
            let namespace = bound?["namespace"]?.text ?? ""
            var status: [String: JSONValue] = [
                "authenticated": .bool(true),
                "user": .object([
                    "username": claims["sub"] ?? .null, "uid": bound?["serviceaccount"]?["uid"] ?? .null,
                    "groups": .array(
                        ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"].map {
                            .string($0)
                        }), "extra": .object(extra),
                ]),
            ]
            if !audiences.isEmpty { status["audiences"] = .array(audiences.map { .string($0) }) }
            return Self.answer(status)
        }

        private static func refusal(_ reason: String) -> JSONValue {
            answer(["user": .object([:]), "error": .string(reason)])
        }

        private static func answer(_ status: [String: JSONValue]) -> JSONValue {
            .object([
                "kind": .string("TokenReview"), "apiVersion": .string("authentication.k8s.io/v1"),
                "metadata": .object([:]), "status": .object(status),
            ])
        }
    }

    /// Whose tokens reviews accept.
    package func issue(by issuer: TokenIssuer) {
        shared.withLock { $0.accounts.issuer = issuer }
    }

    /// Takes an account or a pod away, or puts it back.
    package func remove(_ name: String, isGone: Bool = true) {
        shared.withLock { shared in
            if isGone { shared.accounts.gone.insert(name) } else { shared.accounts.gone.remove(name) }
        }
    }

    /// Makes reviews those of an older server: without nodes (before 1.30), or without audiences.
    package func answerAsOlder(tellsNodes: Bool = true, knowsAudiences: Bool = true) {
        shared.withLock {
            $0.accounts.tellsNodes = tellsNodes
            $0.accounts.knowsAudiences = knowsAudiences
        }
    }
}
