import Signals
import Telemetry
import Testing

@testable import Detection

@Suite struct FigureTextTests {
    @Test(arguments: [
        (0.0, "0"), (0.01234, "0.0123"), (0.5, "0.5"), (1.25, "1.25"), (12.44, "12.4"), (5, "5"), (812, "812"),
        (99.96, "100"), (0.9999, "1"), (-3.5, "-3.5"), (-0.00001, "0"), (123_456.7, "123457"), (.infinity, "∞"),
        (.nan, "NaN"),
    ])
    func figures(value: Double, text: String) {
        #expect(FigureText.figure(value) == text)
    }

    @Test(arguments: [
        (SignalName.errorRatio, 0.124, "12.4 %"), (.latencyMeanSeconds, 0.85, "850 ms"),
        (.latencyMeanSeconds, 1.25, "1.25 s"),
        (.longestQuerySeconds, 400, "6m40s"), (.oomKills, 2, "2"), (.requestRate, 17.5, "17.5/s"),
        (.poolPending, 6, "6"),
        (.connectionRatio, 1, "100 %"), (.latencyMeanSeconds, 0, "0 s"),
    ])
    func values(signal: SignalName, value: Double, text: String) {
        #expect(FigureText.value(value, of: signal) == text)
    }

    @Test(arguments: [
        (Duration.zero, "0s"), (.milliseconds(500), "500ms"), (.seconds(45), "45s"), (.seconds(300), "5m"),
        (.seconds(5400), "1h30m"), (.seconds(172_800), "2d"), (.seconds(90_061), "1d1h"),
    ])
    func durations(duration: Duration, text: String) {
        #expect(FigureText.duration(duration) == text)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_795_564_799_999, "2026-11-24T23:59:59Z"), (4_102_444_800_000, "2100-01-01T00:00:00Z"),
    ])
    func dates(millis: Int64, text: String) {
        #expect(FigureText.time(Timestamp(millis: millis), day: Timestamp(millis: 86_400_000 * 20_000)) == text)
    }

    @Test func aTimeOfTheSameDayHasNoDate() {
        #expect(FigureText.time(at(7830), day: at(86_399)) == "02:10:30Z")
    }
}
