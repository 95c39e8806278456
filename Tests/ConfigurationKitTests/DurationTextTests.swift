import ConfigurationKit
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("0", Duration.zero), ("0s", .zero), ("500ms", .milliseconds(500)), ("10s", .seconds(10)),
        ("2m", .seconds(120)),
        ("1h30m", .seconds(5400)), ("15d", .seconds(15 * 86_400)), ("1d2h3m4s5ms", .milliseconds(93_784_005)),
        ("90s", .seconds(90)),
    ])
    func readsNumbersWithUnits(text: String, expected: Duration) throws {
        #expect(try DurationText.parse(text) == expected)
    }

    @Test(arguments: [
        "", "s", "1.5s", "-5s", "+5s", "5 s", "1s1s", "1s1m", "30m1h", "5x", "1h30", "٣s", "99999999999999999999s",
        "999999999999d", "1e3s", "5s ", "infinity",
    ])
    func refusesEverythingElse(text: String) {
        #expect(throws: ValueProblem.self) { try DurationText.parse(text) }
    }

    @Test(arguments: [("10", "10s"), ("5sec", "5s"), ("2min", "2m"), ("3hours", "3h"), ("10S", "10s")])
    func saysWhatWasMeant(text: String, meant: String) {
        let problem = #expect(throws: ValueProblem.self) { try DurationText.parse(text) }
        #expect(problem?.suggestion == meant)
    }

    @Test(arguments: [1, 999, 1000, 61_000, 3_600_000, 5_400_000, 86_399_999, 86_400_000, 1_296_000_000])
    func writesWhatItReads(millis: Int) throws {
        let duration = Duration.milliseconds(millis)
        #expect(try DurationText.parse(DurationText.format(duration)) == duration)
    }

    @Test func writesShortly() {
        #expect(DurationText.format(.zero) == "0s")
        #expect(DurationText.format(.seconds(5400)) == "1h30m")
        #expect(DurationText.format(.seconds(15 * 86_400)) == "15d")
    }
}
