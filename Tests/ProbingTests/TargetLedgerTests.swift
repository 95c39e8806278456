import Probing
import Telemetry
import Testing

struct TargetLedgerTests {
    private let target = Target(
        kind: .actuator, name: "shop", address: "http://shop:8086/actuator",
        labels: ["namespace": "shop", "workload": "Deployment/shop"], interval: .seconds(10), deadline: .seconds(5))

    private func report(_ outcome: ProbeOutcome, _ names: [String], at seconds: Double) -> ProbeReport {
        ProbeReport(
            outcome: outcome,
            samples: names.map { Sample(Series($0, target.labels), Timestamp(seconds: seconds), 1) })
    }

    private func stale(_ result: ProbeResult) -> [String] {
        result.report.samples.filter { StaleMarker.matches($0.value) }.map(\.series.metric)
    }

    @Test func probeSeriesCarryIdentityAndTarget() throws {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        let result = ledger.record(
            report(.success, ["a"], at: 1), startedAt: Timestamp(seconds: 1), duration: .milliseconds(250))
        let up = try #require(result.report.samples.first { $0.series.metric == "probe_up" })
        #expect(up.value == 1)
        #expect(
            up.series.labels
                == ["namespace": "shop", "workload": "Deployment/shop", "target": "actuator/shop"])
        let duration = try #require(result.report.samples.first { $0.series.metric == "probe_duration_seconds" })
        #expect(duration.value == 0.25)
        #expect(result.report.edges.isEmpty, "a first success is no transition")
        #expect(ledger.status.lastSampleCount == 1)
        #expect(ledger.status.since == Timestamp(seconds: 1))
    }

    @Test func remarksStandBesideASuccessAndGoWithIt() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        func record(_ outcome: ProbeOutcome, _ remarks: [String]) {
            var report = report(outcome, ["a"], at: 1)
            report.remarks = remarks
            _ = ledger.record(report, startedAt: Timestamp(seconds: 1), duration: .zero)
        }
        record(.success, ["A grant lacks.", "So does an extension."])
        #expect(ledger.status.remark == "A grant lacks. So does an extension.")
        record(.success, [String(repeating: "x", count: 9000)])
        #expect(ledger.status.remark?.count == TargetStatus.remarkLengthMax)
        record(.failure(.timeout, "Too slow."), ["A grant lacks."])
        #expect(ledger.status.remark == nil)
        record(.success, [])
        #expect(ledger.status.remark == nil)
    }

    @Test func aSeriesThatEndsIsMarkedOnce() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        _ = ledger.record(report(.success, ["a", "b"], at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        let second = ledger.record(report(.success, ["b"], at: 2), startedAt: Timestamp(seconds: 2), duration: .zero)
        #expect(stale(second) == ["a"])
        let third = ledger.record(report(.success, ["b"], at: 3), startedAt: Timestamp(seconds: 3), duration: .zero)
        #expect(stale(third).isEmpty)
    }

    @Test func aFailureEndsNoSeriesButTheNextSuccessDoes() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        _ = ledger.record(report(.success, ["a", "b"], at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        let failed = ledger.record(
            report(.failure(.timeout, "late"), ["c"], at: 2), startedAt: Timestamp(seconds: 2), duration: .zero)
        #expect(stale(failed).isEmpty)
        #expect(failed.report.samples.first { $0.series.metric == "probe_up" }?.value == 0)
        let back = ledger.record(report(.success, ["a"], at: 3), startedAt: Timestamp(seconds: 3), duration: .zero)
        #expect(stale(back) == ["b", "c"])
    }

    @Test func edgesFollowTheClass() throws {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        func record(_ outcome: ProbeOutcome, at seconds: Double) -> [Edge] {
            ledger.record(ProbeReport(outcome: outcome), startedAt: Timestamp(seconds: seconds), duration: .zero).report
                .edges
        }
        let first = try #require(record(.failure(.refused, "no"), at: 1).first)
        #expect(first.attributes == ["from": "unknown", "to": "refused", "message": "no"])
        #expect(first.labels["target"] == "actuator/shop")
        #expect(record(.failure(.refused, "no again"), at: 2).isEmpty)
        #expect(record(.failure(.dns, "x"), at: 3).first?.attributes["from"] == "refused")
        let up = try #require(record(.success, at: 4).first)
        #expect(up.attributes == ["from": "dns", "to": "success"])
        #expect(record(.success, at: 5).isEmpty)
        #expect(ledger.status.since == Timestamp(seconds: 4))
    }

    @Test func theEndMarksEverything() throws {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        let tooEarly = ledger.end(at: Timestamp(seconds: 0))
        #expect(tooEarly == nil)
        _ = ledger.record(report(.success, ["a"], at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        let ended = ledger.end(at: Timestamp(seconds: 2))
        let end = try #require(ended)
        #expect(end.isEnd)
        #expect(stale(end) == ["a", "probe_duration_seconds", "probe_up"])
        let again = ledger.end(at: Timestamp(seconds: 3))
        #expect(again == nil)
    }

    @Test func memoryIsBounded() {
        var ledger = TargetLedger(target: target, seriesMax: 10)
        let names = (0..<50).map { "m\($0)" }
        _ = ledger.record(report(.success, names, at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        #expect(ledger.liveSeriesCount == 10)
        #expect(ledger.forgottenSeriesCount == 42)
    }

    @Test func aProbesOwnMarkersEndTheirSeries() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        _ = ledger.record(report(.success, ["a"], at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        var marked = report(.success, [], at: 2)
        marked.samples = [Sample(Series("a", target.labels), Timestamp(seconds: 2), StaleMarker.value)]
        let result = ledger.record(marked, startedAt: Timestamp(seconds: 2), duration: .zero)
        #expect(stale(result) == ["a"], "once, not twice")
    }

    @Test func beyondTheAllowanceTheLiveSeriesStayAndNewOnesAreDropped() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        func record(_ names: [String], at seconds: Double, allowance: Int) -> ProbeResult {
            ledger.record(
                report(.success, names, at: seconds), startedAt: Timestamp(seconds: seconds), duration: .zero,
                allowance: allowance)
        }
        func values(_ result: ProbeResult) -> [String] {
            result.report.samples.filter { !StaleMarker.matches($0.value) }.map(\.series.metric)
        }
        let own = ["probe_up", "probe_duration_seconds"]
        let first = record(["b", "c"], at: 1, allowance: 2)
        #expect(values(first) == ["b", "c"] + own)
        let second = record(["a", "b", "c"], at: 2, allowance: 2)
        #expect(values(second) == ["b", "c"] + own, "a is new and has no place")
        #expect(stale(second).isEmpty)
        let third = record(["a", "b", "c"], at: 3, allowance: 1)
        #expect(values(third) == ["b"] + own)
        #expect(stale(third) == ["c"], "what lost its place ends")
        #expect(ledger.droppedSampleCount == 3)
        #expect(ledger.status.lastSampleCount == 1)
        let fourth = record(["a", "b", "c"], at: 4, allowance: 9)
        #expect(values(fourth) == ["a", "b", "c"] + own)
    }

    @Test func aSkippedTargetSaysSoOnceAndHasNoSample() throws {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        _ = ledger.record(report(.success, ["a"], at: 1), startedAt: Timestamp(seconds: 1), duration: .zero)
        let first = ledger.skip("no memory", at: Timestamp(seconds: 2))
        let skipped = try #require(first)
        #expect(skipped.report.samples.isEmpty)
        #expect(skipped.report.edges.map(\.kind) == [.targetOutcomeChanged])
        #expect(ledger.status.outcome == .failure(.internal, "no memory"))
        let second = ledger.skip("no memory", at: Timestamp(seconds: 3))
        #expect(second == nil)
        #expect(ledger.liveSeriesCount == 3, "its series wait for it")
    }

    /// Counts of server errors, look by look; nil for a look that failed.
    private func looks(_ counts: [Double?]) -> [(isUrgent: Bool, again: Bool)] {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        _ = ledger.record(ProbeReport(outcome: .success), startedAt: Timestamp(seconds: 0), duration: .zero)
        return counts.enumerated().map { index, count in
            let time = Timestamp(seconds: Double(index + 1) * 10)
            let samples = [("SUCCESS", 100 * Double(index)), ("SERVER_ERROR", count ?? 0)].map { outcome, value in
                let labels = target.labels.merging(["outcome": "\(outcome)"])
                return Sample(Series("http_server_requests_seconds_count", labels), time, value)
            }
            // A look that failed has an edge, which is urgent by itself: it is left out here.
            let report =
                count == nil
                ? ProbeReport(outcome: .success, samples: []) : ProbeReport(outcome: .success, samples: samples)
            let result = ledger.record(report, startedAt: time, duration: .zero)
            return (result.isUrgent, ledger.isWorthAnotherLook)
        }
    }

    @Test("The first looks that find new server errors are urgent, and the very first is worth another")
    func newErrorsAreUrgent() {
        let found = looks([0, 0, 3, 9, 20, 20, 20, 21])
        #expect(found.map(\.isUrgent) == [false, false, true, true, false, false, false, true])
        #expect(found.map(\.again) == [false, false, true, false, false, false, false, true])
    }

    @Test func whoCountsErrorsAllTheTimeIsInNoNewTrouble() {
        #expect(looks((1...20).map { Double($0) }).dropFirst(2).allSatisfy { !$0.isUrgent && !$0.again })
    }

    @Test func aCounterThatBeganAnewCountsFromZero() {
        #expect(looks([50, 50, 0, 2]).map(\.again) == [true, false, false, true])
        #expect(looks([50, 50, 3]).map(\.again) == [true, false, true])
    }

    @Test func anEdgeIsUrgent() {
        var ledger = TargetLedger(target: target, seriesMax: 100)
        let time = Timestamp(seconds: 1)
        let failed = ProbeReport(outcome: .failure(.timeout, "no answer"))
        #expect(ledger.record(failed, startedAt: time, duration: .zero).isUrgent)
    }
}
