import SampleLink
import Telemetry
import Testing

@Suite struct ClockOffsetTests {
    /// Messages every five seconds whose sender's clock is `offset` ahead, and that take these milliseconds.
    private func observe(
        _ estimate: inout ClockOffset, offset: Duration, delays: [Int], from start: Int64 = 1_000_000
    ) {
        for (place, delay) in delays.enumerated() {
            let sent = Timestamp(millis: start + Int64(place) * 5000)
            estimate.observe(sentAt: sent + offset, receivedAt: sent + .milliseconds(delay))
        }
    }

    @Test func theWayOfTheMessagesIsNoOffset() {
        var estimate = ClockOffset()
        #expect(estimate.value == .zero)
        observe(&estimate, offset: .milliseconds(300), delays: [20, 800, 5])
        #expect(estimate.value == .zero)
    }

    @Test(arguments: [3600, -3600, 90, -2] as [Int64]) func aWrongClockIsFoundWithinTheShortestDelay(seconds: Int64) {
        var estimate = ClockOffset()
        observe(&estimate, offset: .seconds(seconds), delays: [2500, 40, 900, 15, 3000])
        #expect((estimate.value - .seconds(seconds)).magnitude <= .milliseconds(15))
    }

    @Test func aClockThatJumpsAheadIsFollowedAtOnce() {
        var estimate = ClockOffset()
        observe(&estimate, offset: .zero, delays: [10, 10, 10, 10])
        observe(&estimate, offset: .seconds(3600), delays: [10])
        #expect((estimate.value - .seconds(3600)).magnitude <= .milliseconds(10))
    }

    @Test func aClockThatJumpsBackIsFollowedAfterThreeMessages() {
        var estimate = ClockOffset()
        observe(&estimate, offset: .zero, delays: Array(repeating: 10, count: 30))
        observe(&estimate, offset: .seconds(-3600), delays: [10, 10])
        #expect(estimate.value == .zero)
        observe(&estimate, offset: .seconds(-3600), delays: [10])
        #expect((estimate.value + .seconds(3600)).magnitude <= .milliseconds(10))
    }

    @Test func oneSlowMessageChangesNothing() {
        var estimate = ClockOffset()
        observe(&estimate, offset: .seconds(60), delays: [10, 30_000, 10, 10])
        #expect((estimate.value - .seconds(60)).magnitude <= .milliseconds(10))
    }
}
