package import Telemetry

/// What tokens were found to be, for a while, by the token's digest.
///
/// Good and bad ones have room of their own, so that a flood of bad ones does not push good ones out.
package struct ReviewCache: Sendable {
    /// A digest of a token.
    package typealias Key = [UInt8]

    /// Bounds.
    package struct Configuration: Hashable, Sendable {
        /// How long a good token is not asked about again, at most; a token's own end comes first.
        ///
        /// Two minutes by default, as long as a kubelet relies on an answer (`authentication.webhook.cacheTTL`).
        package var keepFor: Duration = .seconds(120)
        /// How long a bad one is not asked about again.
        package var refuseFor: Duration = .seconds(10)
        /// Good ones kept; above, the one that would be asked about first makes room.
        package var acceptedMax = 4096
        /// Bad ones kept.
        package var refusedMax = 1024

        /// Makes the defaults.
        package init() {}
    }

    /// A good token's standing and until when it counts.
    package struct Kept: Hashable, Sendable {
        /// Who its holder is.
        package var standing: TokenStanding
        /// When it is to be asked about again.
        package var checkAgainAt: Timestamp
        /// The token's own end.
        package var expiresAt: Timestamp?
    }

    private struct Refused {
        var refusal: TokenRefusal
        var until: Timestamp
    }

    private let configuration: Configuration
    private var accepted: [Key: Kept] = [:]
    private var refused: [Key: Refused] = [:]
    /// Entries that made room for others before their time; only rises.
    package private(set) var evictions: UInt64 = 0

    /// Makes an empty cache.
    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Good ones kept, whether they still count or not.
    package var count: Int { accepted.count }

    /// What is known of a token; nil: ask.
    package func look(_ key: Key, now: Timestamp) -> Result<Kept, TokenRefusal>? {
        // A clock that was set back must not keep an answer alive: none is kept for longer than this.
        let latest = now + configuration.keepFor
        if let kept = accepted[key], kept.checkAgainAt > now, kept.checkAgainAt <= latest { return .success(kept) }
        if let bad = refused[key], bad.until > now, bad.until <= now + configuration.refuseFor {
            return .failure(bad.refusal)
        }
        return nil
    }

    /// Keeps a good token's standing.
    package mutating func accept(
        _ key: Key, _ standing: TokenStanding, expiresAt: Timestamp?, now: Timestamp
    ) -> Kept {
        refused[key] = nil
        let end = now + configuration.keepFor
        let kept = Kept(
            standing: standing, checkAgainAt: expiresAt.map { min($0, end) } ?? end, expiresAt: expiresAt)
        if accepted[key] == nil, accepted.count >= configuration.acceptedMax {
            accepted = accepted.filter { $0.value.checkAgainAt > now }
            if accepted.count >= configuration.acceptedMax,
                let first = accepted.min(by: { $0.value.checkAgainAt < $1.value.checkAgainAt })
            {
                accepted[first.key] = nil
                evictions += 1
            }
        }
        accepted[key] = kept
        return kept
    }

    /// Keeps a bad token's refusal, and forgets that it was good.
    package mutating func refuse(_ key: Key, _ refusal: TokenRefusal, now: Timestamp) {
        accepted[key] = nil
        if refused[key] == nil, refused.count >= configuration.refusedMax {
            refused = refused.filter { $0.value.until > now }
            if refused.count >= configuration.refusedMax,
                let first = refused.min(by: { $0.value.until < $1.value.until })
            {
                refused[first.key] = nil
                evictions += 1
            }
        }
        refused[key] = Refused(refusal: refusal, until: now + configuration.refuseFor)
    }
}

/// How many bad tokens each address brought in this minute: one that brings many is not let ask the API server.
package struct RefusalTally: Sendable {
    /// Bad tokens of an address in a minute that are still asked about.
    package static let perMinuteMax = 30
    /// Addresses counted; those beyond are not held back.
    package static let addressesMax = 4096

    private var minute: Int64 = 0
    private var counts: [String: Int] = [:]

    /// Makes an empty tally.
    package init() {}

    /// Whether an address has brought too many.
    package func isHeldBack(_ address: String, now: Timestamp) -> Bool {
        now.millis / 60_000 == minute && counts[address, default: 0] >= Self.perMinuteMax
    }

    /// Counts a bad token.
    package mutating func add(_ address: String, now: Timestamp) {
        if now.millis / 60_000 != minute { (minute, counts) = (now.millis / 60_000, [:]) }
        guard counts[address] != nil || counts.count < Self.addressesMax else { return }
        counts[address, default: 0] += 1
    }
}
