import Telemetry
import Testing
import TocsinTestKit

@testable import LogText

@Suite struct PatternMinerTests {
    private let start = Timestamp(millis: 1_795_562_990_000)

    /// A miner whose warm-up is over, and a time behind it.
    private func warm(_ limits: PatternMiner.Limits = PatternMiner.Limits()) -> (PatternMiner, Timestamp) {
        (PatternMiner(limits: limits, startedAt: start), start + limits.warmUp)
    }

    @Test(arguments: [
        ("Payment 123 of order 7f3a-99 failed", "Payment <num> of order <num>f<num>a-<num> failed"),
        ("2026-11-24T22:38:00.123Z ERROR [nio-8080-exec-1] x", "<num>Z ERROR [nio-<num>-exec-<num>] x"),
        ("to 10.1.2.3:5432 refused in 12ms", "to <ip>:<num> refused in <num>ms"),
        ("from fe80::1a2b lost", "from <ip> lost"),
        ("id 2afe1723-b5a2-4d34-87e4-dac6072b8f0c", "id <uuid>"), ("at 0x7f00dead in deadbeef42", "at <hex> in <hex>"),
        ("pod orders-7d9c5b8f6d-x2v9q", "pod orders-<hex>-x<num>v<num>q"),
        ("version 1.2.3 at 22:38:00", "version <num> at <num>"),
        (#"{"time":1,"level":"ERROR","message":"Payment 5 \"x\" failed","a":2}"#, #"Payment <num> \"x\" failed"#),
    ])
    func masks(text: String, template: String) {
        #expect(MaskedTokens.of(text).joined(separator: " ") == template)
    }

    @Test func longMessages() {
        let tokens = MaskedTokens.of((0..<100).map { _ in String(repeating: "x", count: 100) }.joined(separator: " "))
        #expect(tokens.count == MaskedTokens.tokensMax)
        #expect(tokens.last == "…")
        #expect(tokens.allSatisfy { $0.utf8.count <= MaskedTokens.tokenBytesMax })
    }

    @Test func aStartCriesNot() {
        var miner = PatternMiner(startedAt: start)
        for number in 0..<100 { #expect(miner.take("Order \(number) failed", at: start + .seconds(number)) == nil) }
        let later = start + .seconds(900)
        for number in 0..<100 { #expect(miner.take("Order \(number) failed", at: later) == nil) }
        #expect(miner.known == ["Order <num> failed"])
    }

    @Test func aNewPatternIsToldOnce() {
        var (miner, now) = warm()
        var found: [NewPattern] = []
        for number in 0..<50 {
            now = now + .seconds(1)
            if let new = miner.take("Order \(number) of \(number % 2 == 0 ? "ana" : "ben") failed", at: now) {
                found.append(new)
            }
        }
        #expect(found == [NewPattern(template: "Order <num> of <*> failed", lines: 10)])
    }

    @Test func differentMessagesBehindTheSameHeader() {
        var (miner, now) = warm(PatternMiner.Limits(enough: 1))
        let header = "2026-11-24 22:38:00 ERROR 1 --- [nio-8080-exec-1] o.e.Orders : "
        #expect(miner.take(header + "Payment failed for order 5", at: now) != nil)
        #expect(miner.take(header + "Payment failed for order 6", at: now) == nil)
        #expect(miner.take(header + "Cannot reach bank within seconds", at: now) != nil)
    }

    @Test func slowOnesBecomeKnownWithoutAWord() {
        var (miner, now) = warm()
        for _ in 0..<40 {
            now = now + .seconds(3600)
            #expect(miner.take("Nightly job failed", at: now) == nil)
        }
        #expect(miner.known == ["Nightly job failed"])
        for _ in 0..<20 { #expect(miner.take("Nightly job failed", at: now) == nil) }
    }

    @Test func linesThatNeverRepeatPushOutNothingKnown() {
        let limits = PatternMiner.Limits(knownMax: 4, candidatesMax: 3)
        var miner = PatternMiner(limits: limits, startedAt: start)
        _ = miner.take("Order 1 failed", at: start)
        let now = start + limits.warmUp
        var random = SeededRandom(seed: 5)
        for _ in 0..<1000 {
            let word = random.text("abcdefghijklmnopqrstuvwxyz", 8...12)
            #expect(miner.take("\(word) went wrong", at: now) == nil)
            #expect(miner.count <= 7)
        }
        #expect(miner.take("Order 2 failed", at: now) == nil)
        #expect(miner.known == ["Order <num> failed"])
        #expect(miner.evictions >= 990)
    }

    @Test func knownOnesMakeRoomForKnownOnes() {
        var (miner, now) = warm(PatternMiner.Limits(enough: 1, knownMax: 2))
        let words = ["alpha", "beta", "gamma"]
        #expect(words.compactMap { miner.take("\($0) broke down", at: now) }.count == 3)
        #expect(miner.known == ["beta broke down", "gamma broke down"])
        #expect(miner.take("alpha broke down", at: now) != nil, "what was pushed out is new again")
    }

    @Test func theBookIsBounded() {
        var book = PatternBook<Int>(limits: PatternMiner.Limits(enough: 1), minersMax: 3, patternsMax: 5)
        for key in 0..<3 { book.begin(key, at: start) }
        let now = start + .seconds(900)
        #expect(book.take("alpha broke", of: 0, at: now) != nil, "the warm-up runs while nothing is logged")
        for word in ["alpha", "beta", "gamma"] { #expect(book.take("\(word) broke", of: 1, at: now) != nil) }
        #expect(book.take("alpha broke", of: 2, at: now) != nil)
        #expect(book.count == 5)
        #expect(book.take("beta broke", of: 2, at: now) != nil)
        #expect(book.count == 5)
        #expect(book.evictions == 1)
        #expect(book.take("alpha broke", of: 0, at: now) == nil, "it learns anew")
        #expect(book.take("alpha broke", of: 3, at: now) == nil)
        #expect(book.refused == 1)
    }

    /// The same lines give the same patterns; any text is taken, and the bounds hold.
    @Test func anyText() {
        func run() -> ([NewPattern], [String], UInt64) {
            var random = SeededRandom(seed: 11)
            let limits = PatternMiner.Limits(enough: 2, warmUp: .seconds(5), knownMax: 8, candidatesMax: 4)
            var miner = PatternMiner(limits: limits, startedAt: start)
            var found: [NewPattern] = []
            for number in 0..<5_000 {
                let text =
                    Bool.random(using: &random)
                    ? random.text("ab 01<>{}\"\\:.-…é[]", 0...40)
                    : String(decoding: random.bytes(Int.random(in: 0...60, using: &random)), as: UTF8.self)
                if let new = miner.take(text, at: start + .milliseconds(number * 10)) { found.append(new) }
                #expect(miner.count <= 12)
            }
            return (found, miner.known, miner.evictions)
        }
        let (first, second) = (run(), run())
        #expect(first == second)
        #expect(!first.0.isEmpty)
    }
}
