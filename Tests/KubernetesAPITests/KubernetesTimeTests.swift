import KubernetesAPI
import Telemetry
import Testing

@Suite struct KubernetesTimeTests {
    @Test(
        arguments: [
            ("2026-11-24T22:43:41Z", 1_795_560_221_000), ("2026-11-24T22:43:41.930161342Z", 1_795_560_221_930),
            ("2026-11-24T22:43:41.5Z", 1_795_560_221_500), ("2026-11-25T00:43:41+02:00", 1_795_560_221_000),
            ("2026-11-24T17:13:41-05:30", 1_795_560_221_000), ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2024-12-31T23:59:60Z", 1_735_689_600_000),
        ] as [(String, Int64)])
    func `parses RFC 3339`(text: String, millis: Int64) {
        #expect(KubernetesTime.parse(text) == Timestamp(millis: millis))
    }

    @Test(arguments: [
        nil, "", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-11-24", "2026-11-24 22:43:41Z",
        "2026-13-24T22:43:41Z",
        "2026-11-24T24:43:41Z", "2026-11-24T22:43:41", "2026-11-24T22:43:41.Z", "2026-11-24T22:43:41+020",
        "２026-11-24T22:43:41Z",
    ])
    func `takes the epoch and what is no time as never`(text: String?) {
        #expect(KubernetesTime.parse(text) == nil)
    }
}
