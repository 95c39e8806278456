import SampleLink
import Telemetry
import Testing

@Suite struct LinkClockTests {
    private let noon = Timestamp(millis: 1_795_562_990_000)

    @Test func nothingIsKnownBeforeTheFirstStream() {
        #expect(LinkClock().reading(wall: noon, elapsed: .seconds(1)) == nil)
    }

    @Test(arguments: [-7000, -40, 0, 40, 7000])
    func theMiddleOfTheRoundTripIsWrongByHalfOfItAtMost(offsetMillis: Int) throws {
        for (there, back) in [(0, 100), (100, 0), (50, 50), (20, 80)] {
            var clock = LinkClock()
            // The coordinator's clock is right; the agent's is `offsetMillis` ahead.
            let theirs = noon + .milliseconds(there)
            let answered = noon + .milliseconds(there + back + offsetMillis)
            clock.welcomed(answered: answered, roundTrip: .milliseconds(there + back), theirs: theirs, elapsed: .zero)
            let reading = try #require(clock.reading(wall: answered, elapsed: .zero))
            #expect((reading.offset - .milliseconds(offsetMillis)).magnitude <= reading.error)
            #expect(reading.error == .milliseconds(50))
        }
    }

    @Test func aStepOfTheAgentsClockShowsAtOnceAndTimeThatPassesDoesNot() throws {
        var clock = LinkClock()
        clock.welcomed(answered: noon, roundTrip: .zero, theirs: noon, elapsed: .seconds(10))
        let later = try #require(clock.reading(wall: noon + .seconds(600), elapsed: .seconds(610)))
        #expect(later.offset == .zero)
        let stepped = try #require(clock.reading(wall: noon + .seconds(540), elapsed: .seconds(610)))
        #expect(stepped.offset == .seconds(-60))
        clock.welcomed(
            answered: noon + .seconds(540), roundTrip: .zero, theirs: noon + .seconds(600), elapsed: .seconds(610))
        let again = try #require(clock.reading(wall: noon + .seconds(541), elapsed: .seconds(611)))
        #expect(again.offset == .seconds(-60), "the next stream says the same")
    }
}
