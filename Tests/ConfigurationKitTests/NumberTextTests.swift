import ConfigurationKit
import Testing

@Suite struct SizeTextTests {
    @Test(arguments: [
        ("0B", 0), ("64KiB", 65_536), ("256MiB", 268_435_456), ("10MB", 10_000_000), ("1kB", 1000), ("1KB", 1000),
        ("2GiB", 2_147_483_648), ("1TiB", 1_099_511_627_776),
    ])
    func readsNumbersWithUnits(text: String, expected: Int) throws {
        #expect(try SizeText.parse(text) == expected)
    }

    @Test(arguments: [
        "", "MiB", "1.5GiB", "-1MiB", "10", "10Mi", "10 MiB", "10mib", "9999999999TiB", "99999999999999999999B",
    ])
    func refusesEverythingElse(text: String) {
        #expect(throws: ValueProblem.self) { try SizeText.parse(text) }
    }

    @Test(arguments: [("256", "256MiB"), ("64Mb", "64MiB"), ("10Gi", "10GiB"), ("5k", "5KiB")])
    func saysWhatWasMeant(text: String, meant: String) {
        let problem = #expect(throws: ValueProblem.self) { try SizeText.parse(text) }
        #expect(problem?.suggestion == meant)
    }

    @Test(arguments: [0, 1, 1000, 1024, 1536, 10_000_000, 268_435_456, 10_737_418_240])
    func writesWhatItReads(bytes: Int) throws {
        #expect(try SizeText.parse(SizeText.format(bytes)) == bytes)
    }
}

@Suite struct RatioTextTests {
    @Test(arguments: [
        ("5%", 0.05), ("2.5%", 0.025), ("0.05", 0.05), ("0", 0), ("1", 1), ("100%", 1), ("5 %", 0.05), (".5", 0.5),
    ])
    func readsPercentagesAndFractions(text: String, expected: Double) throws {
        #expect(abs(try RatioText.parse(text) - expected) < 1e-15)
    }

    @Test func aPlainNumberAboveOneIsAMistake() {
        let problem = #expect(throws: ValueProblem.self) { try RatioText.parse("5") }
        #expect(problem?.reason == "5 would mean 500 %; write 5%")
    }

    @Test(arguments: ["", "%", "five", "nan", "inf", "0x1p-1", "5%%", "1e999", "५%"])
    func refusesEverythingElse(text: String) {
        #expect(throws: ValueProblem.self) { try RatioText.parse(text) }
    }

    @Test func writesPercentages() {
        #expect(RatioText.format(0.05) == "5%")
        #expect(RatioText.format(0.025) == "2.5%")
        #expect(RatioText.format(0.999) == "99.9%")
        #expect(RatioText.format(1) == "100%")
    }
}
