import Signals
import Telemetry
import Testing

@Suite struct EngineLimitsTests {
    @Test func subjectsContributorsAndSeriesAreBoundedAndCounted() {
        var engine = SignalEngine(.init(subjectsMax: 2, contributorsMax: 3, seriesMax: 5))
        for workload in ["Deployment/a", "Deployment/b", "Deployment/c"] {
            for pod in 0..<4 {
                engine.feed("kube_pod_ready", podLabels("p\(pod)", workload: workload), 1, 1)
            }
        }
        let statistics = engine.statistics
        #expect(statistics.subjects == 2)
        #expect(statistics.contributors == 5)
        #expect(statistics.series == 5)
        #expect(statistics.refused == 7)
        #expect(engine.advance(to: at(10)).map(\.coverage.expected) == [3, 2])
    }

    @Test func samplesOfSubjectsBeyondTheLimitAreCounted() {
        var engine = SignalEngine(.init(subjectsMax: 1))
        for workload in ["Deployment/a", "Deployment/b"] {
            for time in [1.0, 2] { engine.feed("kube_pod_ready", podLabels("p", workload: workload), time, 1) }
        }
        #expect(engine.statistics.subjects == 1)
        #expect(engine.statistics.subjectsRefused == 2)
        #expect(engine.statistics.refused == 2)
    }

    @Test func samplesThatWaitAreBounded() {
        var engine = SignalEngine(.init(pendingMax: 2))
        for time in [1.0, 12, 14, 16] { engine.feed("kube_pod_ready", podLabels("a"), time, 1) }
        #expect(engine.statistics.pending == 2)
        #expect(engine.statistics.refused == 1)
        _ = engine.advance(to: at(20))
        #expect(engine.statistics.pending == 0)
    }

    @Test func whatIsSilentForLongIsForgottenAndItsRoomUsedAgain() {
        var engine = SignalEngine(.init(forgetAfter: .seconds(120), seriesMax: 1))
        engine.feed("kube_pod_ready", podLabels("a"), 1, 1)
        for minute in 1...4 { _ = engine.advance(to: at(Double(minute) * 60)) }
        #expect(engine.statistics.series == 0)
        #expect(engine.statistics.subjects == 0)
        engine.feed("kube_pod_ready", podLabels("b"), 241, 0)
        #expect(engine.statistics.series == 1)
        #expect(engine.advance(to: at(250)).map(\.value) == [0])
    }

    @Test func anAgentThatIsForgottenLeavesItsRoomAndKeepsNoSeries() {
        var engine = SignalEngine(.init(agentsMax: 1))
        func kills(_ pod: String) -> LabelSet { podLabels(pod).merging(["container": "main"]) }
        engine.feed("kube_pod_container_oom_kills_total", kills("a"), 1, 0, agent: "gone")
        engine.feed("kube_pod_container_oom_kills_total", kills("b"), 1, 0, agent: "another")
        #expect(engine.statistics.agents == 1)
        engine.forget(agents: [("test", "gone"), ("test", "never seen"), ("other", "gone")])
        #expect(engine.statistics.agents == 0 && engine.statistics.series == 2)
        // Its series is sent by another one, which has a number that was its: a counter that is new counts in full only
        // when that one's pods were looked at before.
        engine.feed("kube_pod_container_oom_kills_total", kills("a"), 11, 1, agent: "another")
        #expect(engine.statistics.agents == 1)
        engine.feed("kube_pod_container_oom_kills_total", kills("c"), 12, 1, agent: "another")
        #expect(engine.points(.oomKills, until: 30).compactMap(\.value).reduce(0, +) == 1)
    }

    @Test func seriesThatNoSignalReadsCostNothing() {
        var engine = SignalEngine()
        engine.feed("container_cpu_usage_seconds_total", podLabels("a"), 1, 1)
        engine.feed("jvm_memory_used_bytes", podLabels("a").merging(["area": "nonheap", "id": "Metaspace"]), 1, 1)
        engine.feed("kube_pod_ready", ["zone": "eu"], 1, 1)
        #expect(engine.statistics.ignored == 3)
        #expect(engine.statistics.series == 0)
    }

    @Test func repeatedAndInvalidValuesAreCounted() {
        var engine = SignalEngine()
        for _ in 0..<2 { engine.feed("kube_pod_ready", podLabels("a"), 1, 1) }
        engine.feed("http_server_requests_seconds_count", podLabels("a"), 1, .nan)
        #expect(engine.statistics.repeated == 1)
        #expect(engine.statistics.invalid == 1)
    }

    @Test func thePointsListTheWorstContributorsOnly() throws {
        var engine = SignalEngine()
        for pod in 0..<300 {
            engine.feed("actuator_health_up", podLabels("p\(pod)"), 1, pod == 299 ? 0 : 1)
        }
        let point = try #require(engine.points(.healthUp, until: 10).last)
        #expect(point.contributions.count == SignalPoint.contributionsMax)
        #expect(point.contributions.first == Contribution(contributor: "p299", value: 0))
        #expect(point.coverage.present == 300)
    }

    @Test func aStepBelowASecondIsASecond() {
        #expect(SignalEngine(.init(step: .milliseconds(10))).step == .seconds(1))
    }
}
