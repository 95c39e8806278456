import Telemetry
import Testing

@Suite struct TimestampTests {
    @Test func arithmeticSaturates() {
        #expect(Timestamp(millis: .max) + .seconds(1) == Timestamp(millis: .max))
        #expect(Timestamp(millis: .min) - .seconds(1) == Timestamp(millis: .min))
        #expect(Timestamp(millis: 1500) - Timestamp(millis: 500) == .seconds(1))
        #expect(Timestamp(seconds: 1.9999) == Timestamp(millis: 1999))
    }

    @Test func durationsInMillisecondsAndSeconds() {
        #expect(Duration.seconds(2).wholeMilliseconds == 2000)
        #expect(Duration.microseconds(-1500).wholeMilliseconds == -1)
        #expect(Duration.milliseconds(250).inSeconds == 0.25)
        #expect(Duration.seconds(-3).magnitude == .seconds(3))
    }
}
