import Signals
import Telemetry
import Testing

/// Recorded answers of real JVMs: what they say of their heap differs by collector.
@Suite struct HeapSignalsTests {
    private func points(_ name: String) throws -> [SignalName: SignalPoint] {
        var engine = SignalEngine()
        engine.ingest(try fixture(name, pod: "a", 3), cluster: "test", agent: "node-1")
        let points = engine.advance(to: at(10))
        return Dictionary(uniqueKeysWithValues: points.map { ($0.signal, $0) })
    }

    @Test func g1HasItsMaximumOnTheOldGeneration() throws {
        let points = try points("g1-pressure")
        #expect(points[.heapUsedRatio]?.value == (5.9896408E7 + 78248) / 6.7108864E7)
        #expect(points[.heapLiveRatio]?.value == 0.8925260305404663)
        #expect(points[.gcOverhead]?.value == 0.4820678850123585)
    }

    @Test func parallelHasItsMaximumInParts() throws {
        let points = try points("parallel-pressure")
        let used = 1.1944512E7 + 4.4891048E7
        #expect(points[.heapUsedRatio]?.value == used / (1.2582912E7 + 4.5088768E7 + 4718592))
        #expect(points[.heapLiveRatio]?.value == 0.9956148724223293)
        #expect(points[.gcOverhead]?.value == 0.8731138958278216)
    }

    @Test func serialHasItsMaximumInParts() throws {
        let points = try points("serial-baseline")
        #expect(
            points[.heapUsedRatio]?.value == (2928800 + 2.1803616E7) / (1.7891328E7 + 2228224 + 4.4761088E7))
    }

    @Test func generationalZGCTellsTheWholeHeapTwice() throws {
        let points = try points("zgc")
        #expect(points[.heapUsedRatio]?.value == (2.5165824E7 + 2.7262976E7) / 1.34217728E8)
        #expect(points[.heapLiveRatio]?.value == 0.1875)
    }

    @Test func notANumberIsNeitherAValueNorAGap() throws {
        // Usage after collection is NaN and the live size 0 until ZGC's first major collection.
        let points = try points("zgc-nan")
        #expect(points[.heapLiveRatio] == nil)
        #expect(points[.heapUsedRatio]?.value == (2.9360128E7 + 2.3068672E7) / 1.34217728E8)
    }

    @Test func theLiveSizeStepsInForAMissingUsage() throws {
        var engine = SignalEngine()
        let lines = try fixture("g1-pressure", pod: "a", 3).filter { $0.series.metric != "jvm_memory_usage_after_gc" }
        engine.ingest(lines, cluster: "test", agent: "node-1")
        #expect(engine.points(.heapLiveRatio, until: 10).last?.value == 5.9896408E7 / 6.7108864E7)
    }

    @Test func backToBackMajorCyclesOfZGCAreOverhead() throws {
        var engine = SignalEngine()
        let concurrent = "jvm_gc_concurrent_phase_time_seconds_sum"
        engine.ingest(try fixture("zgc", pod: "a", 3), cluster: "test", agent: "node-1")
        let later = try fixture("zgc", pod: "a", 13).map { sample in
            let isMajor = sample.series.labels["gc"] == "ZGC Major Cycles" && sample.series.metric == concurrent
            return isMajor ? Sample(sample.series, sample.timestamp, sample.value + 8.7) : sample
        }
        engine.ingest(later, cluster: "test", agent: "node-1")
        let overhead = try #require(engine.points(.gcOverhead, until: 20).last?.value)
        #expect(abs(overhead - 0.87) < 1e-9)
    }

    @Test func pausesStepInForAMissingOverhead() throws {
        var engine = SignalEngine()
        for (time, paused) in [(3.0, 12.0), (13, 14.5)] {
            engine.feed("jvm_gc_pause_seconds_sum", podLabels("a").merging(["gc": "PS MarkSweep"]), time, paused)
        }
        #expect(engine.points(.gcOverhead, until: 20).last?.value == 0.25)
    }

    @Test func theFullestJVMIsTheSubjects() throws {
        var engine = SignalEngine()
        engine.ingest(try fixture("g1-pressure", pod: "a", 3), cluster: "test", agent: "node-1")
        engine.ingest(try fixture("serial-baseline", pod: "b", 4), cluster: "test", agent: "node-2")
        let point = try #require(engine.points(.heapLiveRatio, until: 10).last)
        #expect(point.value == 0.8925260305404663)
        #expect(point.contributions.map(\.contributor) == ["a", "b"])
    }

    @Test func healthAndPool() throws {
        var engine = SignalEngine()
        for (pod, up, pending) in [("a", 1.0, 0.0), ("b", 0, 6)] {
            engine.feed("actuator_health_up", podLabels(pod), 3, up)
            engine.feed("hikaricp_connections_pending", podLabels(pod).merging(["pool": "HikariPool-1"]), 3, pending)
        }
        let points = engine.advance(to: at(10))
        #expect(points.first { $0.signal == .healthUp }?.value == 0)
        #expect(points.first { $0.signal == .healthUp }?.contributions.first?.contributor == "b")
        #expect(points.first { $0.signal == .poolPending }?.value == 6)
    }
}
