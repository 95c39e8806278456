import Signals
import Telemetry
import Testing

@Suite struct CellClosingTests {
    private func ready(_ engine: inout SignalEngine, _ pod: String, _ seconds: Double, _ value: Double = 1) {
        engine.feed("kube_pod_ready", podLabels(pod), seconds, value)
    }

    @Test func aCellClosesAtItsEndWhenAllHaveReported() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        ready(&engine, "b", 9)
        #expect(engine.advance(to: at(9.9)).isEmpty)
        let points = engine.advance(to: at(10))
        #expect(points.map(\.at) == [at(10)])
        #expect(points.map(\.value) == [1])
        #expect(points.map(\.step) == [.seconds(10)])
    }

    @Test func aMissingContributorHoldsACellForOneStepAtMost() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        ready(&engine, "b", 2)
        _ = engine.advance(to: at(10))
        ready(&engine, "a", 11)
        #expect(engine.advance(to: at(29.9)).isEmpty)
        let points = engine.advance(to: at(30))
        #expect(points.map(\.at) == [at(20)])
        #expect(points.map(\.coverage) == [Coverage(present: 1, expected: 2)])
    }

    @Test func aContributorBehindTheEndDoesNotHoldTheCell() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        ready(&engine, "b", 2)
        _ = engine.advance(to: at(10))
        ready(&engine, "b", 12)
        ready(&engine, "a", 20.5)
        let points = engine.advance(to: at(20.5))
        #expect(points.map(\.at) == [at(20)])
    }

    @Test func aProbeThatWobblesAroundABorderIsNotMissing() {
        var engine = SignalEngine()
        ready(&engine, "a", 9.99)
        ready(&engine, "a", 20.01)
        ready(&engine, "a", 29.98)
        let points = engine.advance(to: at(30))
        #expect(points.map(\.coverage.present) == [1, 1, 1])
    }

    @Test func aSilentContributorIsMissingForFiveStepsAndThenEnded() {
        var engine = SignalEngine()
        var expected: [Int] = []
        for cell in 0..<12 {
            ready(&engine, "a", Double(cell) * 10 + 1)
            if cell < 2 { ready(&engine, "b", Double(cell) * 10 + 2, 0) }
            expected += engine.points(.readyRatio, until: Double(cell) * 10 + 10).map(\.coverage.expected)
        }
        expected += engine.points(.readyRatio, until: 130).map(\.coverage.expected)
        #expect(expected == [2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1])
    }

    @Test func aStaleMarkerEndsAContributorAtOnce() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        ready(&engine, "b", 2, 0)
        _ = engine.advance(to: at(10))
        ready(&engine, "a", 11)
        ready(&engine, "b", 12, StaleMarker.value)
        let points = engine.advance(to: at(20))
        #expect(points.map(\.value) == [1])
        #expect(points.map(\.coverage) == [Coverage(present: 1, expected: 1)])
    }

    @Test func aSubjectWhoseContributorsAllFellSilentHasNoDataAndThenNoPoints() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        let points = engine.advance(to: at(300))
        #expect(points.map(\.value) == [1, nil, nil, nil, nil, nil])
        #expect(points.map(\.valueIfMissingHealthy) == [1, nil, nil, nil, nil, nil])
        ready(&engine, "a", 301)
        #expect(engine.advance(to: at(310)).map(\.at) == [at(310)])
    }

    @Test func aClockAnHourAheadDelaysNobody() throws {
        var engine = SignalEngine()
        for cell in 0..<4 {
            let time = Double(cell) * 10
            _ = engine.advance(to: at(time + 1))
            ready(&engine, "a", time + 1)
            engine.feed("kube_pod_ready", podLabels("b", node: "node-2"), time + 3601, 0, agent: "node-2")
            let points = engine.advance(to: at(time + 10))
            #expect(points.map(\.at) == [at(time + 10)], "no cell waits for the agent")
            #expect(points.first?.value == 0.5, "and its data count as of now")
        }
        #expect(engine.statistics.clamped == 4)
    }

    @Test func aClockAnHourBehindIsRefusedAndDelaysNobody() {
        var engine = SignalEngine()
        _ = engine.advance(to: at(1))
        ready(&engine, "a", 1)
        engine.feed("kube_pod_ready", podLabels("b", node: "node-2"), -3600, 0, agent: "node-2")
        #expect(engine.advance(to: at(10)).map(\.coverage) == [Coverage(present: 1, expected: 1)])
        #expect(engine.statistics.tooOld == 1)
    }

    @Test func aKnownClockOffsetIsTakenOff() {
        var engine = SignalEngine()
        let sample = Sample(Series("kube_pod_ready", podLabels("a")), at(3601), 1)
        engine.ingest([sample], cluster: "test", agent: "node-1", clockOffset: .seconds(3600))
        #expect(engine.advance(to: at(10)).map(\.at) == [at(10)])
        #expect(engine.statistics.clamped == 0)
    }

    @Test func aPodThatJoinsIsExpectedFromTheFirstCellThatIsOpenThen() {
        var engine = SignalEngine()
        ready(&engine, "a", 1)
        ready(&engine, "b", 5, 0)
        ready(&engine, "a", 11)
        ready(&engine, "b", 15, 0)
        ready(&engine, "c", 16, 0)
        ready(&engine, "a", 21)
        ready(&engine, "b", 25, 0)
        ready(&engine, "c", 26, 0)
        let points = engine.advance(to: at(30))
        #expect(points.map(\.value) == [0.5, 0.5, 1.0 / 3])
        #expect(points.map(\.volume) == [2, 2, 3])
    }

    @Test func lateIncreasesGoToTheOpenCell() throws {
        var engine = SignalEngine()
        engine.feedRequests("a", 3, ok: 0, failed: 0)
        _ = engine.advance(to: at(35))
        engine.feedRequests("a", 13, ok: 90, failed: 10)
        let points = engine.points(.errorRatio, until: 50)
        #expect(points.compactMap(\.value) == [0.1])
        #expect(engine.statistics.late > 0)
    }

    @Test func theOrderInWhichAgentsArriveDoesNotMatter() {
        let steps = (0..<30).map { Double($0) * 10 }
        func run(_ order: [Int]) -> [SignalPoint] {
            var engine = SignalEngine()
            var points: [SignalPoint] = []
            for time in steps {
                for agent in order {
                    let count = time * Double(7 + agent % 3) / 3.3
                    engine.feedRequests(
                        "pod-\(agent)", time + Double(agent), ok: count, failed: count / 17, agent: "node-\(agent)")
                }
                points += engine.advance(to: at(time + 10))
            }
            return points
        }
        let first = run([0, 1, 2, 3, 4, 5, 6])
        #expect(first.count > 80)
        #expect(first == run([6, 5, 4, 3, 2, 1, 0]))
        #expect(first == run([3, 0, 6, 2, 5, 1, 4]))
        #expect(first == run([0, 1, 2, 3, 4, 5, 6]))
    }
}
