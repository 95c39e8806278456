import Signals
import Telemetry
import Testing

/// Edges that wait for no cell.
@Suite struct EdgePartTests {
    private let labels = podLabels("a").merging(["container": "app"])

    private func kill(_ engine: inout SignalEngine, _ seconds: Double, count: Int = 1, pod: String = "a") {
        let labels = podLabels(pod).merging(["container": "app"])
        let edge = Edge(.containerOOMKilled, at: at(seconds), labels: labels, count: count)
        engine.ingest([edge], cluster: "test", agent: "node-1")
    }

    private func look(_ engine: inout SignalEngine, _ seconds: Double, kills: Double, pod: String = "a") {
        let labels = podLabels(pod).merging(["container": "app"])
        engine.feed("kube_pod_container_oom_kills_total", labels, seconds, kills)
        engine.feed("kube_pod_container_restarts_total", labels, seconds, kills)
    }

    /// An engine that has seen two looks of each pod.
    private func seasoned(_ pods: [String] = ["a"]) -> SignalEngine {
        var engine = SignalEngine()
        for cell in [0.0, 10] {
            for pod in pods { look(&engine, cell + 5, kills: 0, pod: pod) }
            _ = engine.advance(to: at(cell + 10))
        }
        return engine
    }

    @Test func anEdgeIsGivenOutAtOnce() throws {
        var engine = seasoned(["a", "b"])
        kill(&engine, 22)
        let points = engine.advance(to: at(22.1))
        let point = try #require(points.first)
        #expect(points.count == 1)
        #expect(point.signal == .oomKills)
        #expect(point.value == 1)
        #expect(point.at == at(22))
        #expect(point.knownAt == at(22))
        #expect(point.isOfPart)
        #expect(point.coverage == Coverage(present: 2, expected: 2))
        #expect(point.contributions.map(\.contributor) == ["a/app"])
    }

    @Test func theCounterOfTheSameEventCountsNothingMore() {
        var engine = seasoned()
        kill(&engine, 22)
        _ = engine.advance(to: at(22.1))
        look(&engine, 25, kills: 1)
        #expect(engine.points(.oomKills, until: 30).map(\.value) == [0])
    }

    @Test func anEdgeBehindItsCounterGivesOutWhatTheCounterSaid() {
        var engine = seasoned(["a", "b"])
        look(&engine, 25, kills: 1)
        #expect(engine.advance(to: at(25.1)).isEmpty, "b is waited for")
        kill(&engine, 24)
        #expect(engine.points(.oomKills, until: 25.2).map(\.value) == [1])
        look(&engine, 26, kills: 0, pod: "b")
        #expect(engine.points(.oomKills, until: 30).map(\.value) == [0])
    }

    @Test func anEdgeOfACellThatHasClosedCountsOnceAndNothingIsToldOfTheFuture() {
        var engine = seasoned()
        look(&engine, 25, kills: 0)
        #expect(engine.points(.oomKills, until: 25.1).map(\.at) == [at(30)])
        kill(&engine, 27)
        let points = engine.advance(to: at(27.1))
        #expect(points.map(\.value) == [1])
        #expect(points.map(\.at) == [at(30.001)], "behind what was given out")
        #expect(points.map(\.knownAt) == [at(27)])
        look(&engine, 35, kills: 1)
        #expect(engine.points(.oomKills, until: 40).map(\.value) == [0])
    }

    @Test func anEdgeAheadOfACellThatIsHeldIsGivenOutInIt() {
        var engine = seasoned(["a", "b"])
        look(&engine, 25, kills: 0)
        #expect(engine.advance(to: at(31)).isEmpty, "b is missing")
        kill(&engine, 31)
        let points = engine.advance(to: at(31.1))
        #expect(points.map(\.value) == [1])
        #expect(points.map(\.at) == [at(20.001)])
        #expect(points.map(\.knownAt) == [at(31)])
    }

    @Test func everyEdgeHasAPlaceOfItsOwn() {
        var engine = seasoned()
        for _ in 0..<3 { kill(&engine, 22) }
        kill(&engine, 21, count: 2)
        let points = engine.advance(to: at(22.1))
        #expect(points.map(\.value) == [1, 1, 1, 2])
        #expect(points.map(\.at) == [at(22), at(22.001), at(22.002), at(22.003)])
        look(&engine, 25, kills: 5)
        #expect(engine.points(.oomKills, until: 30).map(\.value) == [0])
    }

    @Test func eventsThatOnlyTheCounterSawComeWithTheCell() {
        var engine = seasoned()
        kill(&engine, 22)
        _ = engine.advance(to: at(22.1))
        look(&engine, 25, kills: 3)
        #expect(engine.points(.oomKills, until: 30).map(\.value) == [2])
    }

    @Test func anEdgeOfASubjectThatIsNotKnownIsGivenOutToo() {
        var engine = SignalEngine()
        kill(&engine, 3)
        #expect(engine.advance(to: at(3.1)).map(\.value) == [1])
        #expect(engine.advance(to: at(60)).isEmpty)
    }
}
