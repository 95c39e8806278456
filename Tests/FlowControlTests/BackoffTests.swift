import FlowControl
import Testing
import TocsinTestKit

/// Always the highest or always the lowest value.
struct ConstantSource: RandomNumberGenerator {
    var value: UInt64

    mutating func next() -> UInt64 { value }
}

@Suite struct BackoffTests {
    @Test(arguments: [1, 2, 3, 99] as [UInt64]) func staysInRange(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var backoff = Backoff(base: .milliseconds(100), cap: .seconds(5))
        var previous = backoff.base
        for _ in 0..<1000 {
            let pause = backoff.next(using: &random)
            #expect(pause >= .milliseconds(100))
            #expect(pause <= min(previous * 3, .seconds(5)))
            previous = pause
        }
        #expect(backoff.attempts == 1000)
    }

    @Test func sameSeedSamePauses() {
        func pauses(_ seed: UInt64) -> [Duration] {
            var random = SeededRandom(seed: seed)
            var backoff = Backoff()
            return (0..<20).map { _ in backoff.next(using: &random) }
        }
        #expect(pauses(7) == pauses(7))
        #expect(pauses(7) != pauses(8))
    }

    @Test func growsToTheCapAndResets() {
        // A source of all ones draws (nearly) the upper bound: times three each time until the cap.
        var high = ConstantSource(value: .max)
        var backoff = Backoff(base: .seconds(1), cap: .seconds(20))
        let drawn = (0..<4).map { _ in backoff.next(using: &high) }
        #expect(drawn == [.seconds(3), .seconds(9), .seconds(20), .seconds(20)])
        backoff.reset()
        #expect(backoff.attempts == 0)
        #expect(backoff.next(using: &high) == .seconds(3))
    }

    @Test func neverBelowBase() {
        // Not zero, which the standard library rejects and draws again.
        var low = ConstantSource(value: 1 << 32)
        var backoff = Backoff(base: .nanoseconds(3), cap: .seconds(1))
        #expect((0..<10).allSatisfy { _ in backoff.next(using: &low) == .nanoseconds(3) })
    }

    @Test func baseEqualToCapIsAConstantPause() {
        var random = SeededRandom(seed: 5)
        var backoff = Backoff(base: .seconds(2), cap: .seconds(2))
        #expect((0..<10).allSatisfy { _ in backoff.next(using: &random) == .seconds(2) })
    }
}
