import Detection
import Telemetry
import Testing

@Suite struct ConfigurationWatchTests {
    private let file = "/etc/tocsin/thresholds.yaml"

    private func time(_ seconds: Int64) -> Timestamp { Timestamp(millis: 1_700_000_000_000 + seconds * 1000) }

    @Test func aRefusalOpensOnceAndClosesWhenMended() throws {
        var watch = ConfigurationWatch()
        #expect(watch.accepted(file: file, at: time(0)).isEmpty)
        let error = "thresholds.yaml:7:12: checks.a.above: value '5': 5 would mean 500 %; write 5%"
        let opened = try #require(watch.refused(file: file, errors: [error, "b"], at: time(10)).first)
        #expect(opened.phase == .opened)
        #expect(opened.subject.path == "coordinator/thresholds.yaml")
        #expect(opened.explanation.contains("thresholds.yaml:7:12") && opened.explanation.contains("and 1 more"))
        #expect(watch.refused(file: file, errors: [error, "b"], at: time(20)).isEmpty, "the same reasons are no news")
        let again = try #require(watch.refused(file: file, errors: ["c"], at: time(30)).first)
        #expect(again.phase == .ongoing)
        #expect(again.onsetAt == time(10))
        let closed = try #require(watch.accepted(file: file, at: time(40)).first)
        #expect(closed.phase == .closed)
        #expect(closed.onsetAt == time(10))
        #expect(!watch.isOpen)
    }

    @Test func aFindingOfBeforeARestartClosesWhenTheFileIsRight() {
        var watch = ConfigurationWatch()
        let other = DetectorBank.OpenFinding(
            subject: Subject(cluster: "c", kind: .node, path: "node/a"), check: "disk-space", onsetAt: time(1))
        let own = DetectorBank.OpenFinding(
            subject: ConfigurationWatch.subject(file: file), check: ConfigurationWatch.check.name, onsetAt: time(2))
        #expect(watch.restore(open: [other, own]) == [other])
        #expect(watch.accepted(file: file, at: time(3)).map(\.onsetAt) == [time(2)])
    }
}
