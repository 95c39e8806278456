import Crypto
package import KubernetesAPI
import Synchronization
package import Telemetry

/// Says who the holder of a bearer token is, by what the API server says of it.
///
/// Answers are kept for a while; one question is asked for many callers with the same token. The API server is asked by
/// so many at a time and no more, and not about what is past its end.
package final class TokenAuthenticator: Sendable {
    /// What tokens are for and how answers are kept.
    package struct Configuration: Sendable {
        /// The audience that a token must have.
        package var audience: String
        /// Who may do what.
        package var policy: TokenPolicy
        /// How answers are kept.
        package var cache = ReviewCache.Configuration()
        /// Questions to the API server at a time; callers with further tokens are refused, and come again.
        package var reviewsMax = 32
        /// Callers that wait for an answer.
        package var waitersMax = 2048
        /// How long nobody asks after the API server gave no answer.
        package var pauseAfterFailure: Duration = .seconds(1)

        /// Makes a configuration with the usual limits.
        package init(audience: String, policy: TokenPolicy) {
            self.audience = audience
            self.policy = policy
        }
    }

    /// A caller that was let in.
    package typealias Session = ReviewCache.Kept

    /// What was asked and answered; each only rises.
    package struct Counters: Hashable, Sendable {
        /// Questions to the API server.
        package var reviews: UInt64 = 0
        /// Of these, those without an answer.
        package var reviewsFailed: UInt64 = 0
        /// Callers let in.
        package var accepted: UInt64 = 0
        /// Callers refused, by reason.
        package var refused: [TokenRefusal.Reason: UInt64] = [:]
        /// Kept answers that made room for others.
        package var evictions: UInt64 = 0
    }

    private typealias Answer = Result<Session, TokenRefusal>

    private struct State {
        var cache: ReviewCache
        var tally = RefusalTally()
        var counters = Counters()
        var waiting: [ReviewCache.Key: [CheckedContinuation<Answer, Never>]] = [:]
        var waiters = 0
        /// The last failure, which stands for the API server until then.
        var failure: (refusal: TokenRefusal, until: Timestamp)?
    }

    private enum Step {
        case answer(Answer)
        case wait
        case ask
    }

    private let configuration: Configuration
    private let reviewer: TokenReviewer
    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>

    /// Makes an authenticator that has asked nothing yet.
    package init(
        _ configuration: Configuration, reviewer: TokenReviewer, now: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.reviewer = reviewer
        self.now = now
        state = Mutex(State(cache: ReviewCache(configuration.cache)))
    }

    /// What was asked and answered so far.
    package var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.evictions = state.cache.evictions
            return counters
        }
    }

    /// Who brings a token.
    ///
    /// - Parameters:
    ///   - token: what came after `Bearer`; nil when nothing came.
    ///   - address: where from, without a port.
    package func authenticate(_ token: String?, from address: String) async throws(TokenRefusal) -> Session {
        let answer = await answer(token, from: address)
        state.withLock { state in
            switch answer {
            case .success: state.counters.accepted += 1
            case .failure(let refusal): state.counters.refused[refusal.reason, default: 0] += 1
            }
        }
        return try answer.get()
    }

    /// Whether a caller that was let in still is: asks again when its answer is too old.
    ///
    /// Not counted as a caller; throws what `authenticate` would.
    package func confirm(_ token: String) async throws(TokenRefusal) -> Session {
        try await answer(token, from: "").get()
    }

    private func answer(_ token: String?, from address: String) async -> Answer {
        guard let token else {
            return .failure(TokenRefusal(.missing, "a token is needed: 'authorization: Bearer TOKEN'"))
        }
        guard let claims = TokenClaims(token) else {
            return .failure(TokenRefusal(.malformed, "what came as token is none"))
        }
        let moment = now()
        if let end = claims.expiresAt, end <= moment { return .failure(Self.expired) }
        let key = Array(SHA256.hash(data: Array(token.utf8)))
        return await withCheckedContinuation { continuation in
            switch state.withLock({ next(key, address, at: moment, continuation, &$0) }) {
            case .answer(let answer): continuation.resume(returning: answer)
            case .wait: break
            case .ask:
                // Ends by itself, by the deadline of its requests: it is the question of all who wait for it, so it
                // must outlive the caller that came first.
                Task { await self.ask(token, claims, key, address) }
            }
        }
    }

    /// The refusal of a token that is past its end.
    package static let expired = TokenRefusal(.expired, "the token has expired; read the one of now from its file")

    private func next(
        _ key: ReviewCache.Key, _ address: String, at moment: Timestamp,
        _ continuation: CheckedContinuation<Answer, Never>, _ state: inout State
    ) -> Step {
        if let known = state.cache.look(key, now: moment) { return .answer(known) }
        if !address.isEmpty, state.tally.isHeldBack(address, now: moment) {
            return .answer(.failure(TokenRefusal(.overloaded, "too many bad tokens came from here; come again later")))
        }
        if let failure = state.failure, failure.until > moment,
            failure.until <= moment + configuration.pauseAfterFailure
        {
            return .answer(.failure(failure.refusal))
        }
        let isAsked = state.waiting[key] != nil
        guard state.waiters < configuration.waitersMax, isAsked || state.waiting.count < configuration.reviewsMax else {
            return .answer(.failure(TokenRefusal(.overloaded, "too many tokens are under review; come again")))
        }
        state.waiting[key, default: []].append(continuation)
        state.waiters += 1
        if !isAsked { state.counters.reviews += 1 }
        return isAsked ? .wait : .ask
    }

    private func ask(_ token: String, _ claims: TokenClaims, _ key: ReviewCache.Key, _ address: String) async {
        let standing: Result<TokenStanding, TokenRefusal>
        do throws(TokenRefusal) {
            standing = .success(try await self.standing(of: token, claims))
        } catch {
            standing = .failure(error)
        }
        let moment = now()
        let (answer, waiters) = state.withLock { state in
            let answer: Answer
            switch standing {
            case .success(let standing):
                state.failure = nil
                answer = .success(
                    state.cache.accept(key, standing, expiresAt: claims.expiresAt, now: moment))
            case .failure(let refusal):
                answer = .failure(refusal)
                switch refusal.reason {
                case .unavailable, .forbidden:
                    // Nothing was said of the token: what was known of it stays until its time.
                    state.counters.reviewsFailed += 1
                    state.failure = (refusal, moment + configuration.pauseAfterFailure)
                default:
                    state.cache.refuse(key, refusal, now: moment)
                    if !address.isEmpty { state.tally.add(address, now: moment) }
                }
            }
            let waiters = state.waiting.removeValue(forKey: key) ?? []
            state.waiters -= waiters.count
            return (answer, waiters)
        }
        for waiter in waiters { waiter.resume(returning: answer) }
    }

    private func standing(of token: String, _ claims: TokenClaims) async throws(TokenRefusal) -> TokenStanding {
        let reviewed: ReviewedToken
        switch await reviewer.review(token, audience: configuration.audience) {
        case .failure(let problem): throw Self.refusal(problem)
        case .success(.refused(let reason)): throw refusal(reason, claims)
        case .success(.accepted(let accepted)): reviewed = accepted
        }
        // A server that knows no audiences accepts a token that is meant for itself; it says so by naming none.
        guard reviewed.audiences.contains(configuration.audience) else {
            throw TokenRefusal(.audience, "the token is not for the audience \(configuration.audience)")
        }
        var node = reviewed.node
        if node == nil, configuration.policy.needsNode(reviewed), let pod = reviewed.pod {
            switch await reviewer.node(of: pod) {
            case .failure(let problem): throw Self.refusal(problem)
            case .success(let found): node = found
            }
        }
        return try configuration.policy.standing(of: reviewed, node: node)
    }

    private func refusal(_ reason: String, _ claims: TokenClaims) -> TokenRefusal {
        if !claims.audiences.contains(configuration.audience) {
            return TokenRefusal(.audience, "the token is not for the audience \(configuration.audience)")
        }
        return TokenRefusal(
            .invalid, "the API server does not accept the token" + (reason.isEmpty ? "" : ": \(reason)"))
    }

    private static func refusal(_ problem: KubernetesClient.Problem) -> TokenRefusal {
        if problem.status == 403 || problem.status == 401 {
            return TokenRefusal(
                .forbidden, "the coordinator may not have tokens reviewed: \(problem.message)")
        }
        // Not the answer's words: what refuses a request may repeat a part of it.
        let reason = problem.status.map { "status \($0)" } ?? problem.message
        return TokenRefusal(.unavailable, "the API server gives no answer about tokens: \(reason)")
    }
}
