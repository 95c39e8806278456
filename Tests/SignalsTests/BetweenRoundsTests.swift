import Signals
import Telemetry
import Testing

/// Looks that an agent takes between two rounds, since it has seen the first server errors.
@Suite struct BetweenRoundsTests {
    /// An engine that has seen three rounds of pods with 200 requests in each, at 4 s of a cell.
    private func seasoned(_ pods: [String] = ["a"]) -> SignalEngine {
        var engine = SignalEngine()
        for round in 0..<3 {
            for pod in pods { look(&engine, Double(round) * 10 + 4, requests: Double(round) * 200, pod: pod) }
            _ = engine.advance(to: at(Double(round) * 10 + 4.1))
        }
        return engine
    }

    private func look(
        _ engine: inout SignalEngine, _ seconds: Double, requests: Double, failed: Double = 0, pod: String = "a"
    ) {
        engine.feedRequests(pod, seconds, ok: requests - failed, failed: failed, agent: pod)
    }

    @Test func itsErrorsAreGivenOutAtOnceAndTheRestWithTheCell() throws {
        var engine = seasoned()
        // A second of a burst of 30 %, then three seconds more.
        look(&engine, 34, requests: 600, failed: 6)
        #expect(engine.points(.errorRatio, until: 34.1).map(\.value) == [0.03])
        look(&engine, 37, requests: 660, failed: 24)
        let points = engine.points(.errorRatio, until: 37.1)
        let part = try #require(points.first)
        #expect(points.count == 1)
        #expect(part.isOfPart)
        #expect(part.value == 0.3)
        #expect(part.volume == 60)
        #expect(part.at == at(40.001))
        #expect(part.knownAt == at(37))
        #expect(part.coverage == Coverage(present: 1, expected: 1))
        look(&engine, 44, requests: 800, failed: 66)
        let rest = try #require(engine.points(.errorRatio, until: 44.1).first)
        #expect(rest.at == at(50))
        #expect(rest.volume == 140)
        #expect(rest.value == 0.3)
    }

    @Test func rateAndLatencyAreOfTheWholeCell() throws {
        var engine = seasoned()
        look(&engine, 34, requests: 600, failed: 6)
        _ = engine.advance(to: at(34.1))
        look(&engine, 37, requests: 660, failed: 24)
        _ = engine.advance(to: at(37.1))
        look(&engine, 44, requests: 800, failed: 66)
        let points = engine.advance(to: at(44.1))
        #expect(points.first { $0.signal == .requestRate }?.value == 20)
        let latency = try #require(points.first { $0.signal == .latencyMeanSeconds })
        #expect(latency.volume == 200)
        #expect(abs((latency.value ?? 0) - 140.0 / 2000) < 1e-9, "what the successful ones took, over all")
    }

    @Test func theOthersCountAsHealthyForAsLong() throws {
        var engine = seasoned(["a", "b", "c"])
        for pod in ["a", "b", "c"] { look(&engine, 34, requests: 600, failed: pod == "a" ? 6 : 0, pod: pod) }
        _ = engine.advance(to: at(34.1))
        look(&engine, 37, requests: 660, failed: 24)
        let part = try #require(engine.points(.errorRatio, until: 37.1).first)
        #expect(part.coverage == Coverage(present: 1, expected: 3))
        #expect(part.value == 0.3)
        #expect(part.valueIfMissingHealthy == 0.1, "60 of 180 requests")
    }

    @Test func aLookWithoutErrorsWaitsForTheCell() {
        var engine = seasoned()
        look(&engine, 34, requests: 600, failed: 6)
        _ = engine.advance(to: at(34.1))
        look(&engine, 37, requests: 660, failed: 6)
        #expect(engine.advance(to: at(37.1)).isEmpty)
        look(&engine, 44, requests: 800, failed: 6)
        #expect(engine.points(.errorRatio, until: 44.1).map(\.volume) == [200])
    }

    @Test(arguments: [0.1, 1, 2.5]) func howOftenTimeIsSetDoesNotMatter(pause: Double) {
        func run(_ pause: Double) -> [SignalPoint] {
            var engine = SignalEngine()
            var points: [SignalPoint] = []
            var next = 0.0
            for (time, requests, failed) in [
                (4, 0, 0), (14, 200, 0), (24, 400, 0), (34, 600, 6), (37, 660, 24), (44, 800, 66), (54, 1000, 126),
            ] as [(Double, Double, Double)] {
                while next <= time {
                    points += engine.advance(to: at(next))
                    next += pause
                }
                look(&engine, time, requests: requests, failed: failed)
            }
            return points + engine.advance(to: at(100))
        }
        #expect(run(pause) == run(0.05))
    }
}
