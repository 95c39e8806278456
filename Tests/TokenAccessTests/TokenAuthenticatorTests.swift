import CertificateAuthority
import CurlHTTP
import Foundation
import KubeletReplay
import KubernetesAPI
import Probing
import Synchronization
import Telemetry
import Testing
import TokenAccess

/// Tokens of a real format, reviewed by an API server over TLS.
@Suite(.serialized)
struct TokenAuthenticatorTests {
    private typealias Claims = TokenIssuer.Claims

    /// The system's clock, set ahead.
    private final class Clock: Sendable {
        private let ahead = Mutex(Duration.zero)

        var now: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) + ahead.withLock { $0 } }

        func advance(by step: Duration) { ahead.withLock { $0 += step } }
    }

    /// An API server, an authenticator that asks it, and a clock that the test sets ahead.
    private final class Lab: Sendable {
        let server: ApiServerReplay
        let issuer: TokenIssuer
        let authenticator: TokenAuthenticator
        let client = CurlHTTPClient()
        private let clock = Clock()

        init(_ change: (inout TokenAuthenticator.Configuration) -> Void = { _ in }, ownToken: String = "own")
            async throws
        {
            let tls = try TestTLS.shared.get()
            server = ApiServerReplay(
                tls: .init(certificateFile: tls.certificate, keyFile: tls.key), tokens: ["own"])
            issuer = try TokenIssuer()
            server.issue(by: issuer)
            let port = try await server.start()
            let tokenFile = tls.directory + "/\(UUID().uuidString).token"
            try ownToken.write(toFile: tokenFile, atomically: true, encoding: .utf8)
            let endpoint = KubernetesEndpoint(
                url: "https://127.0.0.1:\(port)", tokenFile: tokenFile,
                trust: .roots(file: tls.certificate, serverName: "lab-node-1"), deadline: .seconds(5))
            var configuration = TokenAuthenticator.Configuration(
                audience: "tocsin",
                policy: TokenPolicy(
                    cluster: "demo", agents: ["system:serviceaccount:tocsin:tocsin-agent"],
                    roles: [
                        .account("system:serviceaccount:tocsin:tocsin-viewer"): .viewer,
                        .account("system:serviceaccount:tocsin:lead"): .viewer,
                        .group("system:serviceaccounts:sre"): .responder,
                        .account("system:serviceaccount:sre:lead"): .admin,
                    ]))
            change(&configuration)
            let clock = clock
            authenticator = TokenAuthenticator(
                configuration, reviewer: TokenReviewer(endpoint, fetcher: client),
                now: { clock.now })
        }

        func advance(by step: Duration) { clock.advance(by: step) }

        func identity(_ claims: Claims) async throws -> PeerIdentity? {
            try await authenticator.authenticate(try issuer.token(claims), from: "10.0.0.1").standing.identity
        }

        func refusal(_ token: String?, from address: String = "10.0.0.1") async -> TokenRefusal? {
            do {
                _ = try await authenticator.authenticate(token, from: address)
                return nil
            } catch {
                return error
            }
        }

        var reviews: Int { server.requests.count { $0.verb == .create } }

        func stop() async throws {
            await client.shutdown()
            try await server.stop()
        }
    }

    private static let agent = Claims("tocsin-agent", pod: "tocsin-agent-x", node: "node-a")

    @Test func rolesAndNodesComeFromTheReview() async throws {
        let lab = try await Lab()
        #expect(try await lab.identity(Self.agent) == .agent(cluster: "demo", node: "node-a"))
        #expect(
            try await lab.identity(Claims("tocsin-viewer"))
                == .user(role: .viewer, name: "system:serviceaccount:tocsin:tocsin-viewer"))
        #expect(
            try await lab.identity(Claims("anybody", namespace: "sre"))
                == .user(role: .responder, name: "system:serviceaccount:sre:anybody"))
        // By account and by group: the one that may do most.
        #expect(
            try await lab.identity(Claims("lead", namespace: "sre"))
                == .user(role: .admin, name: "system:serviceaccount:sre:lead"))
        // The same name in another namespace is another account.
        #expect(try await lab.identity(Claims("tocsin-agent", namespace: "evil", pod: "p", node: "node-a")) == nil)
        #expect(try await lab.identity(Claims("stranger")) == nil)
        #expect(lab.authenticator.counters.accepted == 6)
        #expect(lab.server.requests.allSatisfy { $0.authorization == "Bearer own" })
        try await lab.stop()
    }

    @Test func whatIsWrongIsSaidAndCounted() async throws {
        let lab = try await Lab()
        #expect(await lab.refusal(nil)?.reason == .missing)
        for text in ["", "token", "a.b", "a..c", "a.b.c", "e30.e30.", String(repeating: "a", count: 20_000) + ".e30.c"]
        {
            #expect(await lab.refusal(text)?.reason == .malformed, "\(text.prefix(20))")
        }
        #expect(lab.reviews == 0)
        var late = Self.agent
        late.lifetime = -5
        #expect(await lab.refusal(try lab.issuer.token(late)) == TokenAuthenticator.expired)
        #expect(lab.reviews == 0, "what is past its end is not asked about")
        var other = Self.agent
        other.audiences = ["https://kubernetes.default.svc.cluster.local"]
        let audience = await lab.refusal(try lab.issuer.token(other))
        #expect(audience?.reason == .audience)
        #expect(audience?.message == "the token is not for the audience tocsin")
        let forged = await lab.refusal(try TokenIssuer().token(Self.agent))
        #expect(forged?.reason == .invalid)
        #expect(forged?.message == "the API server does not accept the token: invalid bearer token")
        // One letter of the claims changed: another node, and a signature that is not of it.
        let good = try lab.issuer.token(Self.agent)
        var parts = good.split(separator: ".").map(String.init)
        parts[1] = String(
            try lab.issuer.token(Claims("tocsin-agent", pod: "p", node: "node-b")).split(separator: ".")[1])
        #expect(await lab.refusal(parts.joined(separator: "."))?.reason == .invalid)
        // Asked for by hand, it belongs to no pod.
        #expect(await lab.refusal(try lab.issuer.token(Claims("tocsin-agent")))?.reason == .unbound)
        let refused = lab.authenticator.counters.refused
        #expect(refused == [.missing: 1, .malformed: 7, .expired: 1, .audience: 1, .invalid: 2, .unbound: 1])
        try await lab.stop()
    }

    @Test func anAnswerIsKeptAndEndsWithTheToken() async throws {
        let lab = try await Lab()
        let token = try lab.issuer.token(Claims("tocsin-viewer", lifetime: 150))
        let first = try await lab.authenticator.authenticate(token, from: "10.0.0.1")
        _ = try await lab.authenticator.authenticate(token, from: "10.0.0.1")
        #expect(lab.reviews == 1)
        lab.advance(by: .seconds(121))
        let again = try await lab.authenticator.confirm(token)
        #expect(lab.reviews == 2)
        #expect(again.checkAgainAt == first.expiresAt, "not kept beyond the token's end")
        lab.advance(by: .seconds(30))
        #expect(await lab.refusal(token)?.reason == .expired)
        #expect(lab.reviews == 2)
        try await lab.stop()
    }

    @Test func aRevokedTokenIsRefusedWhenItsAnswerIsTooOld() async throws {
        let lab = try await Lab()
        let token = try lab.issuer.token(Self.agent)
        _ = try await lab.authenticator.authenticate(token, from: "10.0.0.1")
        lab.server.remove("tocsin-agent-x")
        #expect(await lab.refusal(token) == nil)
        lab.advance(by: .seconds(121))
        let refusal = await lab.refusal(token)
        #expect(refusal?.reason == .invalid)
        #expect(refusal?.message.contains("has been invalidated") == true)
        // A bad answer is kept too, for a short time.
        let asked = lab.reviews
        #expect(await lab.refusal(token)?.reason == .invalid)
        #expect(lab.reviews == asked)
        lab.server.remove("tocsin-agent-x", isGone: false)
        lab.advance(by: .seconds(11))
        #expect(await lab.refusal(token) == nil)
        try await lab.stop()
    }

    @Test func withoutAnAPIServerKeptAnswersGoOnAndOthersWait() async throws {
        let lab = try await Lab { $0.pauseAfterFailure = .seconds(1) }
        let known = try lab.issuer.token(Self.agent)
        _ = try await lab.authenticator.authenticate(known, from: "10.0.0.1")
        lab.server.fail(.status(503, "down"), .create)
        let new = try lab.issuer.token(Claims("tocsin-viewer"))
        #expect(await lab.refusal(new)?.reason == .unavailable)
        #expect(await lab.refusal(known) == nil)
        let asked = lab.reviews
        #expect(await lab.refusal(new)?.reason == .unavailable)
        #expect(lab.reviews == asked, "nobody asks again within the pause")
        lab.advance(by: .seconds(121))
        #expect(await lab.refusal(known)?.reason == .unavailable)
        lab.server.fail(nil, .create)
        lab.advance(by: .seconds(2))
        #expect(await lab.refusal(known) == nil)
        #expect(await lab.refusal(new) == nil)
        let counters = lab.authenticator.counters
        #expect(counters.refused == [.unavailable: 3])
        #expect(counters.reviewsFailed == 2)
        try await lab.server.stop()
        lab.advance(by: .seconds(121))
        #expect(await lab.refusal(known)?.reason == .unavailable)
        await lab.client.shutdown()
    }

    @Test func aCoordinatorWithoutRightsSaysSo() async throws {
        let lab = try await Lab(ownToken: "no-rights")
        let refusal = await lab.refusal(try lab.issuer.token(Self.agent))
        #expect(refusal?.reason == .forbidden)
        #expect(refusal?.message.contains("may not have tokens reviewed: 401") == true)
        try await lab.stop()
    }

    @Test func olderServersAreUnderstood() async throws {
        let lab = try await Lab()
        lab.server.answerAsOlder(tellsNodes: false)
        let pod = "/api/v1/namespaces/tocsin/pods/tocsin-agent-x"
        #expect(await lab.refusal(try lab.issuer.token(Self.agent))?.reason == .unbound, "there is no such pod")
        func place(uid: String) -> JSONValue {
            .object([
                "metadata": .object(["uid": .string(uid)]), "spec": .object(["nodeName": .string("node-a")]),
            ])
        }
        lab.server.put(place(uid: "of a later pod"), at: pod)
        #expect(await lab.refusal(try lab.issuer.token(Self.agent))?.reason == .unbound)
        lab.server.put(place(uid: TokenIssuer.uid("tocsin-agent-x")), at: pod)
        #expect(try await lab.identity(Self.agent) == .agent(cluster: "demo", node: "node-a"))
        // A user's pod is nobody's business.
        let asked = lab.server.requests.count { $0.verb == .get }
        _ = try await lab.identity(Claims("tocsin-viewer", pod: "tocsin-agent-x"))
        #expect(lab.server.requests.count { $0.verb == .get } == asked)
        // One that knows no audiences would take a token for itself as one for us.
        lab.server.answerAsOlder(knowsAudiences: false)
        #expect(await lab.refusal(try lab.issuer.token(Self.agent))?.reason == .audience)
        try await lab.stop()
    }

    @Test func callersWithOneTokenShareAQuestionAndOthersAreBounded() async throws {
        let lab = try await Lab {
            $0.reviewsMax = 2
            $0.waitersMax = 12
        }
        // Nothing is answered, so that all wait until the deadline.
        lab.server.fail(.silence, .create)
        let tokens = try (0..<3).map { try lab.issuer.token(Claims("tocsin-viewer", pod: "pod-\($0)")) }
        let results = await withTaskGroup(of: TokenRefusal.Reason?.self) { group in
            for _ in 0..<10 { group.addTask { await lab.refusal(tokens[0])?.reason } }
            group.addTask { await lab.refusal(tokens[1])?.reason }
            // Two are under way by then.
            group.addTask {
                while lab.reviews < 2 { await Task.yield() }
                return await lab.refusal(tokens[2])?.reason
            }
            return await group.reduce(into: [TokenRefusal.Reason?: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(lab.reviews == 2)
        #expect(results == [.unavailable: 11, .overloaded: 1])
        try await lab.stop()
    }

    @Test func anAddressThatBringsManyBadTokensIsHeldBackAndNobodyElse() async throws {
        let lab = try await Lab()
        let stranger = try TokenIssuer()
        var reasons: [TokenRefusal.Reason: Int] = [:]
        for number in 0..<40 {
            let token = try stranger.token(Claims("tocsin-agent", pod: "p-\(number)", node: "node-a"))
            if let refusal = await lab.refusal(token, from: "10.6.6.6") { reasons[refusal.reason, default: 0] += 1 }
        }
        // The minute may turn meanwhile, once.
        #expect(reasons[.overloaded, default: 0] >= 1 && lab.reviews <= 39)
        #expect(await lab.refusal(try lab.issuer.token(Self.agent), from: "10.0.0.1") == nil)
        lab.advance(by: .seconds(60))
        #expect(await lab.refusal(try lab.issuer.token(Self.agent), from: "10.6.6.6") == nil)
        try await lab.stop()
    }
}
