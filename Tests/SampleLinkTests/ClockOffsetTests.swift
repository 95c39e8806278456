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

    @Test func jitterMovesNothingAndDriftIsFollowed() {
        var estimate = ClockOffset()
        observe(&estimate, offset: .seconds(60), delays: [10])
        var values: Set<Duration> = []
        for round in 0..<50 {
            observe(
                &estimate, offset: .seconds(60), delays: [12 + round * 37 % 60, 18, 4, 90], from: Int64(round) * 50_000)
            values.insert(estimate.value)
        }
        #expect(values == [.milliseconds(59_990)])
        // A clock that loses 20 ms a message is followed within a tenth of a second and its window of sixteen.
        var changes = 0
        for message in 1...200 {
            let before = estimate.value
            let offset = Duration.seconds(60) - .milliseconds(20 * message)
            observe(&estimate, offset: offset, delays: [5], from: 10_000_000 + Int64(message) * 5000)
            changes += estimate.value == before ? 0 : 1
            #expect((estimate.value - offset).magnitude <= .milliseconds(20 * 16 + 105))
        }
        #expect(changes <= 40)
    }

    @Test func oneSlowMessageChangesNothing() {
        var estimate = ClockOffset()
        observe(&estimate, offset: .seconds(60), delays: [10, 30_000, 10, 10])
        #expect((estimate.value - .seconds(60)).magnitude <= .milliseconds(10))
    }
}
