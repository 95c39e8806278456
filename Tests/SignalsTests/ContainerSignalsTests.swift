import Signals
import Telemetry
import Testing

@Suite struct ContainerSignalsTests {
    private let kills = "kube_pod_container_oom_kills_total"
    private let restarts = "kube_pod_container_restarts_total"

    private func labels(_ pod: String) -> LabelSet { podLabels(pod).merging(["container": "app"]) }

    /// Looks at the pods in each of the first cells, and gives the sum of a signal's cells.
    private func sum(
        _ signal: SignalName, cells: Int, _ look: (inout SignalEngine, _ cell: Int, _ time: Double) -> Void
    ) -> Double {
        var engine = SignalEngine()
        var sum = 0.0
        for cell in 0..<cells {
            let time = Double(cell) * 10
            look(&engine, cell, time + 2)
            sum += engine.points(signal, until: time + 10).compactMap(\.value).reduce(0, +)
        }
        return sum + engine.points(signal, until: Double(cells) * 10 + 20).compactMap(\.value).reduce(0, +)
    }

    @Test func theWorkingSetIsAShareOfTheLimit() throws {
        var engine = SignalEngine()
        engine.feed("container_memory_working_set_bytes", labels("a"), 1, 900)
        engine.feed("container_spec_memory_limit_bytes", labels("a"), 2, 1000)
        engine.feed("container_memory_working_set_bytes", labels("unlimited"), 2, 5000)
        let point = try #require(engine.points(.workingSetRatio, until: 10).last)
        #expect(point.value == 0.9)
        #expect(point.coverage == Coverage(present: 1, expected: 1))
        #expect(point.contributions.map(\.contributor) == ["a/app"])
    }

    @Test func anEdgeAndACounterOfOneKillAreOne() {
        let total = sum(.oomKills, cells: 6) { engine, cell, time in
            engine.feed(kills, labels("a"), time, cell < 2 ? 0 : 1)
            if cell == 3 {
                let edge = Edge(.containerOOMKilled, at: at(time - 10), labels: labels("a"))
                engine.ingest([edge], cluster: "test", agent: "node-1")
            }
        }
        #expect(total == 1)
    }

    @Test func twoKillsBetweenTwoLooksStayTwo() {
        #expect(sum(.oomKills, cells: 5) { $0.feed(kills, labels("a"), $2, $1 < 2 ? 0 : 2) } == 2)
        let edges = sum(.oomKills, cells: 3) { engine, cell, time in
            guard cell == 1 else { return }
            let edge = Edge(.containerOOMKilled, at: at(time), labels: labels("a"), count: 2)
            engine.ingest([edge], cluster: "test", agent: "node-1")
        }
        #expect(edges == 2)
    }

    @Test func aNewOOMCounterOfAKnownAgentCountsInFull() {
        let total = sum(.oomKills, cells: 5) { engine, cell, time in
            engine.feed("kube_pod_ready", podLabels("a"), time, 1)
            if cell >= 2 { engine.feed(kills, labels("a"), time, 1) }
        }
        #expect(total == 1)
    }

    @Test func oldKillsDoNotCountAgainAfterARestartOfTheEngine() {
        let total = sum(.oomKills, cells: 5) { engine, _, time in
            engine.feed("kube_pod_ready", podLabels("a"), time, 1)
            engine.feed(kills, labels("a"), time, 3)
        }
        #expect(total == 0)
    }

    @Test func killsDoNotCountAgainAfterASilenceOfTheAgent() {
        let total = sum(.oomKills, cells: 40) { engine, cell, time in
            guard cell < 3 || cell > 30 else { return }
            engine.feed(kills, labels("a"), time, cell == 0 ? 0 : 2)
        }
        #expect(total == 2)
    }

    @Test func theOOMCounterStartsAnewWithItsAgent() {
        #expect(sum(.oomKills, cells: 5) { $0.feed(kills, labels("a"), $2, [0, 2, 2, 1, 1][$1]) } == 3)
    }

    @Test func theFirstRestartCountIsABaseline() {
        #expect(sum(.restarts, cells: 5) { $0.feed(restarts, labels("a"), $2, $1 < 3 ? 17 : 19) } == 2)
    }

    @Test func aStaleMarkerAndAReturnKeepTheBaseline() {
        let total = sum(.restarts, cells: 6) { engine, cell, time in
            engine.feed(restarts, labels("a"), time, cell == 2 ? StaleMarker.value : cell < 2 ? 4 : 5)
        }
        #expect(total == 1)
    }

    @Test func theVictimIsNamed() throws {
        var engine = SignalEngine()
        for cell in 0..<2 {
            for pod in ["a", "b", "c"] {
                engine.feed(kills, labels(pod), Double(cell) * 10 + 1, pod == "b" ? Double(cell) : 0)
            }
        }
        let point = try #require(engine.points(.oomKills, until: 20).last)
        #expect(point.value == 1)
        #expect(point.coverage == Coverage(present: 3, expected: 3))
        #expect(point.contributions.first == Contribution(contributor: "b/app", value: 1))
    }
}
