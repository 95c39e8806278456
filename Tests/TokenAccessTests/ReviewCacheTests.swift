import Telemetry
import Testing
import TokenAccess

/// The memory of reviews: bounded, and never longer than it may be.
struct ReviewCacheTests {
    private let now = Timestamp(millis: 1_000_000)
    private let standing = TokenStanding(account: "a", identity: nil)

    private func cache(_ change: (inout ReviewCache.Configuration) -> Void = { _ in }) -> ReviewCache {
        var configuration = ReviewCache.Configuration()
        change(&configuration)
        return ReviewCache(configuration)
    }

    @Test func theOneThatEndsFirstMakesRoom() {
        var cache = cache { $0.acceptedMax = 3 }
        for (key, end) in [(1, 60), (2, 10), (3, 30)] {
            _ = cache.accept([UInt8(key)], standing, expiresAt: now + .seconds(end), now: now)
        }
        _ = cache.accept([4], standing, expiresAt: nil, now: now)
        #expect(cache.count == 3 && cache.evictions == 1)
        #expect(cache.look([2], now: now) == nil)
        #expect(cache.look([1], now: now) != nil && cache.look([4], now: now) != nil)
        // What has ended makes room first, and is no eviction.
        _ = cache.accept([5], standing, expiresAt: nil, now: now + .seconds(31))
        #expect(cache.evictions == 1 && cache.look([1], now: now + .seconds(31)) != nil)
    }

    @Test func badOnesPushNoGoodOnesOut() {
        var cache = cache { $0.refusedMax = 4 }
        _ = cache.accept([0], standing, expiresAt: nil, now: now)
        for key in 1...100 { cache.refuse([UInt8(key)], TokenRefusal(.invalid, "no"), now: now) }
        #expect(cache.evictions == 96)
        #expect((try? cache.look([0], now: now)?.get().standing) == standing)
        // A token that turns bad is good no longer.
        cache.refuse([0], TokenRefusal(.invalid, "no"), now: now)
        #expect(throws: TokenRefusal.self) { try cache.look([0], now: now)?.get() }
        #expect(cache.look([0], now: now + .seconds(11)) == nil)
    }

    @Test func aClockThatIsSetBackKeepsNothingAlive() {
        var cache = cache()
        _ = cache.accept([1], standing, expiresAt: nil, now: now)
        #expect(cache.look([1], now: now + .seconds(119)) != nil)
        #expect(cache.look([1], now: now + .seconds(120)) == nil)
        #expect(cache.look([1], now: now - .seconds(3600)) == nil)
    }

    @Test(
        arguments: [
            (#"{"exp":12.5,"aud":"a"}"#, 12_500, ["a"]), (#"{"exp":7,"aud":["a","b"]}"#, 7000, ["a", "b"]),
            (#"{"exp":1e30}"#, nil, []), (#"{}"#, nil, []),
        ] as [(String, Int64?, [String])])
    func claims(payload: String, end: Int64?, audiences: [String]) throws {
        let text = base64URL(Array(payload.utf8))
        let claims = try #require(TokenClaims("e30.\(text).c2ln"))
        #expect(claims.expiresAt?.millis == end)
        #expect(claims.audiences == Set(audiences))
    }

    @Test(arguments: [#"{"exp":"soon"}"#, "[]", "{", #"{"aud":7}"#])
    func noClaims(payload: String) {
        #expect(TokenClaims("e30.\(base64URL(Array(payload.utf8))).c2ln") == nil)
    }

    private func base64URL(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0...group.count { text.append(letters[bits >> (18 - 6 * index) & 63]) }
        }
        return text
    }
}
