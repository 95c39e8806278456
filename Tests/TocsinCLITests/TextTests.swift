import QueryWire
import Telemetry
import Testing

@testable import TocsinCLI

struct DurationTextTests {
    @Test(arguments: [
        ("250ms", 250), ("90s", 90_000), ("30m", 1_800_000), ("1h", 3_600_000), ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1w2d3h4m5s6ms", 788_645_006), ("0s", 0),
    ])
    func parses(text: String, millis: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(millis))
    }

    @Test(arguments: [
        "", "1", "h", "1 h", "-1h", "1.5h", "30m1h", "1h1h", "1y", "1H", "4000d", "99999999999999999999s", "1h ",
        "9223372036854775807s",
    ])
    func refuses(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [
        (0, "0ms"), (999, "999ms"), (1000, "1s"), (59_999, "59s"), (60_000, "1m"), (61_000, "1m01s"), (600_000, "10m"),
        (3_599_000, "59m"),
        (3_600_000, "1h"), (3_900_000, "1h05m"), (86_400_000, "1d"), (273_600_000, "3d04h"), (-5, "0ms"),
    ])
    func shortForm(millis: Int, text: String) {
        #expect(DurationText.short(.milliseconds(millis)) == text)
    }
}

struct TimeTextTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_827_696_789, "2000-02-29T12:34:56.789Z"),
        (1_795_564_800_000, "2026-11-25T00:00:00.000Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
        (.min, "0000-01-01T00:00:00.000Z"),
    ])
    func rfc3339(millis: Int64, text: String) {
        #expect(TimeText.rfc3339(Timestamp(millis: millis)) == text)
    }

    @Test func localNamesTheDayWhenItIsAnother() {
        let now = FixtureViews.now
        #expect(TimeText.local(now - .seconds(60), now: now, zone: .fixed(0)) == "2026-11-24 23:59:00")
        #expect(TimeText.local(now - .seconds(60), now: now, zone: .fixed(3600)) == "00:59:00")
        #expect(TimeText.both(now - .seconds(60), now: now, zone: .fixed(3600)) == "00:59:00 (1m ago)")
    }

    @Test func relative() {
        let now = FixtureViews.now
        #expect(TimeText.relative(now + .milliseconds(300), now: now) == "now")
        #expect(TimeText.relative(now + .seconds(120), now: now) == "in 2m")
        #expect(TimeText.relative(now - .seconds(2), now: now) == "2s ago")
    }
}

struct NumberTextTests {
    @Test(
        arguments: [
            (0, "0"), (1, "1"), (-3, "-3"), (9_999_999, "9999999"), (0.083, "0.083"), (12.3456, "12.35"),
            (123.456, "123.5"), (1234.56, "1235"),
            (1.5, "1.5"), (1e7, "1e7"), (1.5e9, "1.5e9"), (0.0001234, "1.234e-4"), (-0.0001234, "-1.234e-4"),
            (.nan, "-"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (1e308, "1e308"), (9.99999e8, "1e9"),
        ] as [(Double, String)])
    func value(value: Double, text: String) {
        #expect(NumberText.value(value) == text)
    }

    @Test func bytesAndCounts() {
        #expect(NumberText.bytes(1023) == "1023 B")
        #expect(NumberText.bytes(1024) == "1.0 KiB")
        #expect(NumberText.bytes(3_565_158) == "3.4 MiB")
        #expect(NumberText.bytes(.max) == "16777216 TiB")
        #expect(NumberText.count(0) == "0")
        #expect(NumberText.count(1_234_567) == "1,234,567")
        #expect(NumberText.count(123_456) == "123,456")
    }
}

struct SparklineTests {
    @Test(
        arguments: [
            ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"), ([5, 5, 5], "▁▁▁"), ([], ""), ([.nan, 1, nil, 2], " ▁ █"),
            ([nil, .infinity], "  "),
        ] as [([Double?], String)])
    func draws(values: [Double?], text: String) {
        #expect(Sparkline.render(values, width: 20) == text)
    }

    @Test func keepsSpikesWhenItShrinks() {
        var values = [Double?](repeating: 0, count: 1000)
        values[777] = 9
        let text = Sparkline.render(values, width: 10)
        #expect(text == "▁▁▁▁▁▁▁█▁▁")
    }
}

struct OutputValueTests {
    @Test func json() {
        let value: OutputValue = [
            "null": .null, "bool": .bool(true), "int": .integer(-1), "big": .unsigned(.max), "number": .number(0.1),
            "whole": .number(5),
            "nan": .number(.nan), "inf": .number(-.infinity), "text": .string("a\"\\\n\u{1B}\u{85}é"),
            "empty": .array([]), "none": .object([]),
        ]
        #expect(
            value.json == """
                {
                  "null": null,
                  "bool": true,
                  "int": -1,
                  "big": 18446744073709551615,
                  "number": 0.1,
                  "whole": 5,
                  "nan": null,
                  "inf": "-Inf",
                  "text": "a\\"\\\\\\n\\u001b\\u0085é",
                  "empty": [],
                  "none": {}
                }

                """)
    }

    @Test func yamlQuotesWhatWouldBeReadAsSomethingElse() {
        let value: OutputValue = [
            "on": .string("no"), "b": .string("1e3"), "word": .string("investigating"), "time": .string("2026-11-25"),
            "list": .array([["a1": .integer(1), "b1": .array([.string("x: y")])]]),
        ]
        #expect(
            value.yaml == """
                "on": "no"
                "b": "1e3"
                word: investigating
                time: "2026-11-25"
                list:
                  - a1: 1
                    b1:
                      - "x: y"

                """)
    }
}

struct EndpointTests {
    @Test(arguments: [
        ("tocsin.example", "tocsin.example:7443"), ("tocsin.example:1", "tocsin.example:1"),
        ("10.0.0.1", "10.0.0.1:7443"), ("::1", "[::1]:7443"),
        ("[::1]:9", "[::1]:9"), ("[fe80::1]", "[fe80::1]:7443"), ("a_b:65535", "a_b:65535"),
    ])
    func reads(text: String, endpoint: String) {
        #expect(Endpoint(text)?.description == endpoint)
    }

    @Test(arguments: [
        "", ":1", "a:", "a:0", "a:65536", "a:x", "a:+1", "a:1:2", "[::1", "[a]:1", "[::1]x", "http://a", "a b", "-a",
        "a/b", "é",
    ])
    func refuses(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("localhost", false), ("127.example.com", false),
        ("10.0.0.1", false),
    ])
    func loopbackIsAnAddress(text: String, expected: Bool) {
        #expect(Endpoint(text)?.isLoopback == expected)
    }
}

struct GlobalOptionsTests {
    @Test(arguments: [
        (["-o", "json", "status"], ["status", "-o", "json"]),
        (["--endpoint=a", "--plaintext", "incident", "list"], ["incident", "list", "--endpoint=a", "--plaintext"]),
        (["--cert", "c", "incident", "note", "7", "--", "-x"], ["incident", "note", "7", "--cert", "c", "--", "-x"]),
        (["status", "-o", "json"], ["status", "-o", "json"]), (["--help"], ["--help"]), (["-o"], ["-o"]),
        (["-o", "json"], ["-o", "json"]), ([], []),
        (["-ojson", "status"], ["status", "-ojson"]),
    ])
    func areMovedBehindTheCommand(given: [String], expected: [String]) {
        #expect(GlobalOptions.hoisted(given) == expected)
    }
}

struct SeriesAssemblyTests {
    @Test func joinsPartsAndIsBounded() throws {
        var assembly = SeriesAssembly(pointsMax: 45)
        for series in FixtureViews.series { try assembly.add(series) }
        #expect(assembly.series.map(\.series) == FixtureViews.series.map(\.series))
        #expect(assembly.series[0] == FixtureViews.series[0])
        #expect(assembly.series[1].timestamps == FixtureViews.series[1].timestamps)
        try assembly.add(.init(series: FixtureViews.series[1].series, timestamps: [FixtureViews.now], values: [1]))
        #expect(assembly.series[1].values.count == 4)
        let error = #expect(throws: CommandError.self) { try assembly.add(FixtureViews.series[0]) }
        #expect(error?.status == .failed)
    }
}

struct CommandErrorTests {
    @Test(arguments: [
        ("connection reset (error set): Connection refused) (errno: 111)", "Connection refused"),
        (
            "x error:1:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA at /a/b.cc:1",
            "TLS failed: TLSV1_ALERT_UNKNOWN_CA"
        ),
        ("plain\u{1B}words", "plain words"),
    ])
    func transportErrorsInWords(description: String, text: String) {
        #expect(CommandError.plain(description) == text)
    }
}
