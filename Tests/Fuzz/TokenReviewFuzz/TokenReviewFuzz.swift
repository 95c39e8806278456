import CertificateAuthority
import FuzzSupport
import KubernetesAPI
import Probing
import Telemetry
import TokenAccess

/// One input: what an API server answers to the review of a token, and then of where its pod runs.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzTokenReview(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let server = FuzzedServer(bodies: Fuzz.parts(Fuzz.bytes(start, size), countMax: 3))
    let account = TokenPolicy.account(namespace: "tocsin", name: "tocsin-agent")
    Fuzz.run {
        let endpoint = KubernetesEndpoint(url: "https://a", tokenFile: nil, trust: .insecure, deadline: .seconds(1))
        let reviewer = TokenReviewer(endpoint, fetcher: server)
        if case .success(.refused(let reason)) = await reviewer.review("t", audience: "tocsin") {
            precondition(reason.utf8.count <= 200 && reason.utf8.allSatisfy { (0x20...0x7e).contains($0) })
        }
        let again = FuzzedServer(bodies: server.bodies)
        let authenticator = TokenAuthenticator(
            TokenAuthenticator.Configuration(
                audience: "tocsin", policy: TokenPolicy(cluster: "c", agents: [account], roles: [.group("g"): .viewer])),
            reviewer: TokenReviewer(endpoint, fetcher: again), now: { Timestamp(seconds: 1_700_000_000) })
        // `{"exp":1800000000}`
        let token = "e30.eyJleHAiOjE4MDAwMDAwMDB9.c2ln"
        guard let session = try? await authenticator.authenticate(token, from: "a") else { return }
        precondition(!session.standing.account.isEmpty)
        switch session.standing.identity {
        case .agent(let cluster, let node):
            precondition(cluster == "c" && !node.isEmpty && session.standing.account == account)
        case .user(let role, let name): precondition(role == .viewer && name == session.standing.account)
        case nil: break
        }
        Fuzz.canary(session.standing.identity != nil)
    }
    return 0
}
