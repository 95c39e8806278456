import Signals
import Telemetry
import Testing

@Suite struct RequestSignalsTests {
    @Test func ratioRateAndLatencyOfACellOverAllPods() throws {
        var engine = SignalEngine()
        for (pod, failed) in [("a", 30.0), ("b", 0)] {
            engine.feedRequests(pod, 3, ok: 1000, failed: 10)
            engine.feedRequests(pod, 13, ok: 1070, failed: 10 + failed)
        }
        let points = engine.advance(to: at(20))
        let ratio = try #require(points.first { $0.signal == .errorRatio && $0.at == at(20) })
        #expect(ratio.value == 30.0 / 170)
        #expect(ratio.valueIfMissingHealthy == ratio.value)
        #expect(ratio.volume == 170)
        #expect(ratio.coverage == Coverage(present: 2, expected: 2))
        #expect(ratio.contributions.map(\.contributor) == ["a", "b"])
        #expect(ratio.contributions[0] == Contribution(contributor: "a", value: 0.3, volume: 100))
        #expect(ratio.subject == orders)
        #expect(points.first { $0.signal == .requestRate }?.value == 17)
        let latency = try #require(points.first { $0.signal == .latencyMeanSeconds }?.value)
        #expect(abs(latency - 14.0 / 170) < 1e-9)
    }

    @Test func theFirstErrorsOfAKnownApplicationCountInFull() throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 100)
        engine.feedRequests("a", 13, ok: 193, failed: 7)
        let ratio = try #require(engine.points(.errorRatio, until: 20).last)
        #expect(ratio.value == 0.07)
        #expect(ratio.volume == 100)
    }

    @Test func theFirstRequestsOfAnIdleApplicationCountInFull() throws {
        var engine = SignalEngine()
        engine.feed("process_start_time_seconds", podLabels("a"), 3, 1_795_000_000)
        engine.feedRequests("a", 13, ok: 60, failed: 40)
        let ratio = try #require(engine.points(.errorRatio, until: 20).last)
        #expect(ratio.value == 0.4)
        #expect(ratio.volume == 100)
    }

    @Test func theFirstLookIsABaselineAndNoData() {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 1_000_000, failed: 400_000)
        #expect(engine.points(.errorRatio, until: 30).allSatisfy { $0.value == nil })
    }

    @Test func theStatusDecidesWhereThereIsNoOutcome() throws {
        var engine = SignalEngine()
        for (time, ok, failed) in [(3.0, 0.0, 0.0), (13, 90, 10)] {
            let labels = podLabels("a")
            engine.feed("http_server_requests_seconds_count", labels.merging(["status": "200"]), time, ok)
            engine.feed("http_server_requests_seconds_count", labels.merging(["status": "503"]), time, failed)
        }
        #expect(engine.points(.errorRatio, until: 20).last?.value == 0.1)
    }

    @Test func aCounterThatFallsStartsAnew() throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 1000, failed: 100)
        engine.feedRequests("a", 13, ok: 40, failed: 10)
        let ratio = try #require(engine.points(.errorRatio, until: 20).last)
        #expect(ratio.value == 0.2)
        #expect(ratio.volume == 50)
        #expect(engine.statistics.resets == 3)
    }

    @Test(arguments: [true, false]) func aRestartCountsFromZeroWhicheverSampleComesFirst(startFirst: Bool) throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 50, failed: 5)
        let labels = podLabels("a")
        let start = Sample(
            Series("process_start_time_seconds", labels), at(13), at(9).seconds)
        let counters = [
            Sample(
                Series("http_server_requests_seconds_count", labels.merging(["outcome": "SUCCESS"])), at(13), 90),
            Sample(
                Series("http_server_requests_seconds_count", labels.merging(["outcome": "SERVER_ERROR"])), at(13), 10),
        ]
        engine.ingest(startFirst ? [start] + counters : counters + [start], cluster: "test", agent: "node-1")
        let ratio = try #require(engine.points(.errorRatio, until: 20).last)
        #expect(ratio.volume == 100)
        #expect(ratio.value == 0.1)
        #expect(engine.statistics.processRestarts == 1)
    }

    @Test func afterAGapTheIncreaseStandsForOneStep() throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 0, failed: 0)
        engine.feedRequests("a", 13, ok: 100, failed: 0)
        _ = engine.advance(to: at(42))
        engine.feedRequests("a", 43, ok: 370, failed: 30)
        let ratio = try #require(engine.points(.errorRatio, until: 50).last)
        #expect(ratio.at == at(50))
        #expect(ratio.value == 0.1)
        #expect(abs(ratio.volume - 100) < 1e-9, "300 requests in 30 s are 100 a step")
    }

    @Test func noRequestsAreNoRatioButFullCoverage() throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 10, failed: 1)
        engine.feedRequests("a", 13, ok: 10, failed: 1)
        let ratio = try #require(engine.points(.errorRatio, until: 20).last)
        #expect(ratio.value == nil)
        #expect(ratio.volume == 0)
        #expect(ratio.coverage == Coverage(present: 1, expected: 1))
    }

    @Test func aMissingPodWouldBringRequestsWithoutErrors() throws {
        var engine = SignalEngine()
        for pod in ["a", "b"] {
            engine.feedRequests(pod, 3, ok: 0, failed: 0)
            engine.feedRequests(pod, 13, ok: 100, failed: 0)
        }
        engine.feedRequests("a", 23, ok: 190, failed: 10)
        let ratio = try #require(engine.points(.errorRatio, until: 40).first { $0.at == at(30) })
        #expect(ratio.value == 0.1)
        #expect(ratio.valueIfMissingHealthy == 0.05)
        #expect(ratio.coverage == Coverage(present: 1, expected: 2))
    }
}
