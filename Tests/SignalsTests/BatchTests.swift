import Signals
import Telemetry
import Testing
import TocsinTestKit

/// Samples by number: the same signals as by name.
struct BatchTests {
    private let numbering = SampleBatch.Numbering(stream: 7, frame: 1)

    private func batch(
        _ samples: [(Series, Double)], _ seconds: Double, of series: [Series], in numbering: SampleBatch.Numbering
    ) throws -> SampleBatch {
        let numbers = try samples.map { sample in
            UInt32(try #require(series.firstIndex(of: sample.0)))
        }
        return SampleBatch(
            numbering: numbering, series: SeriesList(series), numbers: numbers,
            times: samples.map { _ in at(seconds).millis }, bits: samples.map(\.1.bitPattern))
    }

    private func pod(_ name: String) -> Series { Series("kube_pod_ready", podLabels(name)) }

    @Test("Whatever comes by number gives the same points and the same counts as by name", arguments: 1...20)
    func sameAsByName(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let limits = SignalEngine.Configuration(
            silentStepsMax: 2, forgetAfter: .seconds(120), subjectsMax: 5, contributorsMax: 3, seriesMax: 40,
            bucketsMax: 2, agentsMax: seed % 5 == 0 ? 1 : 10, pendingMax: 60)
        var (byName, byNumber) = (SignalEngine(limits), SignalEngine(limits))
        let names = Self.everySeries
        var chains = (0..<3).map { _ in (numbering: SampleBatch.Numbering(stream: 0, frame: 0), series: [Series]()) }
        for round in 0..<200 {
            let agent = Int.random(in: 0..<3, using: &random)
            if round < 3 || Int.random(in: 0..<10, using: &random) == 0 {
                chains[agent] = (.init(stream: UInt64(agent), frame: UInt64(round)), [])
            }
            // Silent for long now and then, so that all is forgotten and slots are given to others.
            let now = Double(round) * 7 + Double(round / 60) * 400
            var samples: [Sample] = []
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let one = names[Int.random(in: 0..<(round % 60 < 30 ? names.count / 2 : names.count), using: &random)]
                let time = now + Double(Int.random(in: -4...2, using: &random)) * Double(round % 11 == 0 ? 100 : 1)
                let value = [0, 1, Double(round), .nan, StaleMarker.value].randomElement(using: &random) ?? 0
                samples.append(Sample(one, at(time), value))
            }
            for sample in samples where !chains[agent].series.contains(sample.series) {
                chains[agent].series.append(sample.series)
            }
            let series = chains[agent].series
            let columns = SampleBatch(
                numbering: chains[agent].numbering, series: SeriesList(series),
                numbers: try samples.map { UInt32(try #require(series.firstIndex(of: $0.series))) },
                times: samples.map(\.timestamp.millis), bits: samples.map(\.value.bitPattern))
            let offset = Duration.seconds(agent)
            byName.ingest(samples, cluster: "test", agent: "node-\(agent)", clockOffset: offset)
            byNumber.ingest(columns, cluster: "test", agent: "node-\(agent)", clockOffset: offset)
            #expect(byName.advance(to: at(now)) == byNumber.advance(to: at(now)))
            #expect(byName.statistics == byNumber.statistics)
        }
        let statistics = byNumber.statistics
        #expect(statistics.points > 100 && statistics.ignored > 0 && statistics.refused > 0)
        #expect(statistics.tooOld > 0 && statistics.clamped > 0 && statistics.pending + statistics.late > 0)
    }

    @Test func aNumberingThatBeginsAnewIsReadAnew() throws {
        var engine = SignalEngine()
        let (one, other) = (pod("a"), pod("b"))
        let first = try batch([(one, 1)], 1, of: [one], in: numbering)
        engine.ingest(first, cluster: "test", agent: "node-1")
        let anew = SampleBatch.Numbering(stream: 7, frame: 2)
        engine.ingest(try batch([(other, 0)], 2, of: [other], in: anew), cluster: "test", agent: "node-1")
        #expect(engine.statistics.series == 2)
        #expect(engine.advance(to: at(10)).map(\.value) == [0.5])
    }

    @Test func whatWasForgottenIsLookedUpAgain() throws {
        var engine = SignalEngine(.init(forgetAfter: .seconds(120), seriesMax: 1))
        let (one, other) = (pod("a"), pod("b"))
        let known = [one, other]
        engine.ingest(try batch([(one, 1)], 1, of: known, in: numbering), cluster: "test", agent: "node-1")
        for minute in 1...4 { _ = engine.advance(to: at(Double(minute) * 60)) }
        #expect(engine.statistics.series == 0)
        // Another series has the slot by now.
        engine.ingest(try batch([(other, 0)], 241, of: known, in: numbering), cluster: "test", agent: "node-2")
        engine.ingest(try batch([(one, 1)], 242, of: known, in: numbering), cluster: "test", agent: "node-1")
        #expect(engine.statistics.refused == 1)
        #expect(engine.advance(to: at(250)).map(\.value) == [0])
    }

    private static var everySeries: [Series] {
        var all: [Series] = []
        for pod in 0..<8 {
            let labels = podLabels("p\(pod)", workload: "Deployment/w\(pod % 4)")
            for metric in [
                "kube_pod_ready", "container_cpu_usage_seconds_total", "http_server_requests_seconds_count",
                "process_start_time_seconds", "actuator_health_up",
            ] { all.append(Series(metric, labels)) }
            for pool in ["G1 Eden Space", "Metaspace"] {
                let area = pool == "Metaspace" ? "nonheap" : "heap"
                all.append(Series("jvm_memory_used_bytes", labels.merging(["id": pool, "area": area])))
            }
            for bound in ["0.1", "0.5", "1", "+Inf"] {
                all.append(Series("http_server_requests_seconds_bucket", labels.merging(["le": bound])))
            }
            all.append(
                Series("kube_pod_container_restarts_total", labels.merging(["container": "main"])))
        }
        all.append(Series("pg_up", ["instance": "orders"]))
        all.append(Series("kube_pod_ready", ["zone": "eu"]))
        return all
    }
}
