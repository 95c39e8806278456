import FlowControl
import Testing

@Suite struct PacerTests {
    private let start = ContinuousClock.now

    @Test func holdsTheRateOverManyParts() {
        var pacer = Pacer<ContinuousClock.Instant>(perSecond: 1000)
        var now = start
        var sent = 0
        while now < start + .seconds(10) {
            if pacer.isReady(at: now) {
                pacer.spend(300, at: now)
                sent += 300
            }
            now += .milliseconds(10)
        }
        #expect((9_900...10_300).contains(sent))
    }

    @Test func aPauseSavesNothingUp() {
        var pacer = Pacer<ContinuousClock.Instant>(perSecond: 100)
        #expect(pacer.isReady(at: start))
        pacer.spend(100, at: start)
        #expect(!pacer.isReady(at: start + .milliseconds(999)))
        let later = start + .seconds(60)
        pacer.spend(50, at: later)
        #expect(pacer.readyAt == later + .milliseconds(500))
        // A part that goes before its time is paid for all the same.
        pacer.spend(50, at: later)
        #expect(pacer.readyAt == later + .seconds(1))
    }
}
