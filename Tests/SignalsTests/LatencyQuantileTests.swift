import Signals
import Telemetry
import Testing

/// Buckets of request times become quantiles that say between which bounds they lie.
@Suite struct LatencyQuantileTests {
    private static let bounds = [0.1, 0.25, 0.5, 1, 2.5]

    /// One look: requests so far at or below each bound, and all of them.
    private func look(
        _ engine: inout SignalEngine, _ pod: String, _ seconds: Double, _ counts: [Double], all: Double,
        bounds: [Double] = bounds, started: Double = 1_795_000_000, labels extra: LabelSet = LabelSet(),
        node: String = "node-1"
    ) {
        let labels = podLabels(pod, node: node)
        var samples = [Sample(Series("process_start_time_seconds", labels), at(seconds), started)]
        for (bound, count) in zip(bounds.map { "\($0)" } + ["+Inf"], counts + [all]) {
            let bucket = labels.merging(extra).merging(["le": "\(bound)"])
            samples.append(Sample(Series("http_server_requests_seconds_bucket", bucket), at(seconds), count))
        }
        engine.ingest(samples, cluster: "test", agent: node)
    }

    private func evidence(_ point: SignalPoint) throws -> QuantileEvidence {
        guard case .quantile(let evidence)? = point.evidence else {
            throw TestFailure("no evidence")
        }
        return evidence
    }

    private struct TestFailure: Error {
        init(_: String) {}
    }

    @Test(arguments: [
        // 80 within 0.1 s, 10 to 0.25, 4 to 0.5, 4 to 1, 1 to 2.5, 1 beyond.
        (share: SignalName.latencyP50Seconds, value: 0.0625, lower: 0.0, upper: 0.1),
        (.latencyP95Seconds, 0.625, 0.5, 1),
        (.latencyP99Seconds, 2.5, 1, 2.5),
    ]) func aQuantileLiesInItsBucket(share: SignalName, value: Double, lower: Double, upper: Double?) throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [1000, 1000, 1000, 1000, 1000], all: 1000)
        look(&engine, "a", 13, [1080, 1090, 1094, 1098, 1099], all: 1100)
        let point = try #require(engine.points(share, until: 20).last)
        #expect(abs((point.value ?? 0) - value) < 1e-9)
        #expect(point.volume == 100)
        #expect(point.coverage == Coverage(present: 1, expected: 1))
        #expect(point.contributions == [Contribution(contributor: "a", value: value, volume: 100)])
        let evidence = try evidence(point)
        #expect(evidence.lower == lower)
        #expect(evidence.upper == upper)
        #expect(evidence.bounds == Self.bounds + [.infinity])
        #expect(evidence.slower == [20, 10, 6, 2, 1, 0])
    }

    @Test func beyondTheHighestBoundItIsAtLeastThat() throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [0, 0, 0, 0, 0], all: 0)
        look(&engine, "a", 13, [10, 10, 10, 10, 10], all: 100)
        let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
        #expect(point.value == 2.5)
        let evidence = try evidence(point)
        #expect(evidence.lower == 2.5)
        #expect(evidence.upper == nil)
        #expect(evidence.slower(than: 1) == 90)
        #expect(evidence.slower(than: 3) == 0, "what is beyond 2.5 s may be short of 3 s")
    }

    @Test func podsAndLabelSetsAreSummedBeforeTheQuantileIsTaken() throws {
        var engine = SignalEngine()
        for (pod, node) in [("a", "node-1"), ("b", "node-2")] {
            for uri in ["/x", "/y"] {
                look(&engine, pod, 3, [0, 0, 0, 0, 0], all: 0, labels: ["uri": "\(uri)"], node: node)
            }
        }
        // 300 fast ones, and 20 that took 1 to 2.5 s, all of one pod's path.
        for (pod, node) in [("a", "node-1"), ("b", "node-2")] {
            look(&engine, pod, 13, [100, 100, 100, 100, 100], all: 100, labels: ["uri": "/x"], node: node)
            let slow = pod == "b" ? 20.0 : 0
            look(&engine, pod, 13, [50, 50, 50, 50, 50 + slow], all: 50 + slow, labels: ["uri": "/y"], node: node)
        }
        let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
        // The 304th of 320 requests: the fourth of the twenty slow ones.
        #expect(abs((point.value ?? 0) - (1 + 1.5 * 4 / 20)) < 1e-9)
        #expect(point.volume == 320)
        #expect(point.contributions.map(\.contributor) == ["b", "a"])
        #expect(point.contributions.map(\.volume) == [170, 150])
    }

    @Test func differentBoundsWidenTheErrorAndCountNothingTwice() throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [0, 0, 0, 0, 0], all: 0)
        look(&engine, "b", 4, [0, 0], all: 0, bounds: [0.2, 2])
        look(&engine, "a", 13, [50, 50, 50, 90, 100], all: 100)
        look(&engine, "b", 14, [100, 100], all: 100, bounds: [0.2, 2])
        let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
        let evidence = try evidence(point)
        // The 190th of 200: 190 are at or below 1 s of the first, and all of the second, which may be as low as 0.2 s.
        #expect(evidence.lower == 0.5)
        #expect(evidence.upper == 1)
        #expect(evidence.bounds == [0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, .infinity])
        #expect(evidence.slower(than: 1) == 10)
        #expect(evidence.slower(than: 2) == 0, "of the first it is not known")
    }

    @Test func aRestartAndAResetCountFromZero() throws {
        for started in [1_795_000_000, at(9).seconds] {
            var engine = SignalEngine()
            look(&engine, "a", 3, [50, 50, 50, 50, 50], all: 50)
            let isRestart = started != 1_795_000_000
            // A restart may be above the old counts by now; without a start time only a fall tells.
            let counts: [Double] = isRestart ? [60, 60, 60, 60, 60] : [40, 40, 40, 40, 40]
            look(&engine, "a", 13, counts, all: counts[0], started: started)
            let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
            #expect(point.volume == counts[0])
        }
    }

    @Test func theFirstRequestsOfAPathCountInFull() throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [10, 10, 10, 10, 10], all: 10, labels: ["uri": "/x"])
        look(&engine, "a", 13, [10, 10, 10, 10, 10], all: 10, labels: ["uri": "/x"])
        look(&engine, "a", 13, [0, 0, 0, 0, 7], all: 7, labels: ["uri": "/new"])
        let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
        #expect(point.volume == 7)
        #expect(try evidence(point).lower == 1)
    }

    @Test func noRequestsAreNoQuantileButFullCoverage() throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [5, 5, 5, 5, 5], all: 5)
        look(&engine, "a", 13, [5, 5, 5, 5, 5], all: 5)
        let point = try #require(engine.points(.latencyP95Seconds, until: 20).last)
        #expect(point.value == nil)
        #expect(point.evidence == nil)
        #expect(point.volume == 0)
        #expect(point.coverage == Coverage(present: 1, expected: 1))
    }

    @Test func aMissingPodWouldBringFastRequests() throws {
        var engine = SignalEngine()
        for pod in ["a", "b"] {
            look(&engine, pod, 3, [0, 0, 0, 0, 0], all: 0)
            look(&engine, pod, 13, [100, 100, 100, 100, 100], all: 100)
        }
        look(&engine, "a", 23, [192, 192, 192, 192, 200], all: 200)
        let point = try #require(engine.points(.latencyP95Seconds, until: 40).first { $0.at == at(30) })
        #expect((point.value ?? 0) > 1)
        // 8 of 200 are less than 5 %.
        #expect(point.valueIfMissingHealthy ?? 9 <= 0.1)
        #expect(try evidence(point).requestsIfMissingHealthy == 200)
        #expect(point.coverage == Coverage(present: 1, expected: 2))
    }

    @Test func withoutBucketsThereAreNoQuantiles() {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 10)
        engine.feedRequests("a", 13, ok: 20)
        let names = Set(engine.advance(to: at(20)).map(\.signal))
        #expect(names.contains(.latencyMeanSeconds))
        #expect(names.isDisjoint(with: [.latencyP50Seconds, .latencyP95Seconds, .latencyP99Seconds]))
    }

    @Test func whatIsNoBoundAndTooManyBoundsAreRefusedAndCounted() throws {
        var engine = SignalEngine(.init(bucketsMax: 5))
        look(&engine, "a", 3, [0, 0, 0, 0, 0], all: 0)
        let labels = podLabels("a")
        for text in ["0.7", "+Inf", "NaN", "soon"] {
            engine.feed("http_server_requests_seconds_bucket", labels.merging(["le": "\(text)"]), 4, 0)
        }
        #expect(engine.statistics.bucketsRefused == 1)
        #expect(engine.statistics.refused == 1)
        #expect(engine.statistics.ignored == 2)
        look(&engine, "a", 13, [90, 90, 90, 90, 100], all: 100)
        #expect(engine.points(.latencyP95Seconds, until: 20).last?.volume == 100)
    }

    @Test func theBoundsOfAnEarlierReleaseSayNothingAnyMore() throws {
        var engine = SignalEngine()
        look(&engine, "a", 3, [0, 0], all: 0, bounds: [0.1, 0.7])
        look(&engine, "a", 13, [100, 100], all: 100, bounds: [0.1, 0.7])
        _ = engine.advance(to: at(20))
        look(&engine, "a", 23, [0, 0], all: 0, bounds: [0.5, 1], started: at(15).seconds)
        look(&engine, "a", 33, [0, 100], all: 100, bounds: [0.5, 1], started: at(15).seconds)
        let point = try #require(engine.points(.latencyP95Seconds, until: 40).last)
        let evidence = try evidence(point)
        #expect((evidence.lower, evidence.upper) == (0.5, 1))
    }
}
