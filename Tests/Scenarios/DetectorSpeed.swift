import Detection
import Foundation
import Signals
import Telemetry

/// How long a point takes, and how large a detector gets.
package enum DetectorSpeed {
    /// Nanoseconds a point of the plain detectors and of the adaptive one, of a sample by name, and bytes of state.
    package static func measure() -> [String: Double] {
        [
            "detect_ns_per_point": plain(cells: 2000),
            "detect_all_ns_per_point": nanoseconds(
                ShippedChecks.all, signals: plainSignals, subjects: 200, cells: 1000),
            "detect_adaptive_ns_per_point": nanoseconds(
                ShippedChecks.measures.filter(\.measure.isAdaptive), signals: [.requestRate], subjects: 100,
                cells: 20_000),
            "detect_ingest_ns_per_sample": ingest(), "detect_state_bytes": plainBytes,
            "adaptive_ns_per_point": surprise(), "adaptive_state_bytes": Double(SurpriseModel().stateBytes),
            "detect_adaptive_state_bytes": bytes(ShippedChecks.measures.filter(\.measure.isAdaptive), cells: 181_440),
        ]
    }

    /// Nanoseconds a point of the plain detectors, the best of five; for profiles, which want nothing else beside it.
    package static func plain(cells: Int) -> Double {
        nanoseconds(ShippedChecks.thresholds, signals: plainSignals, subjects: 200, cells: cells)
    }

    private static let plainSignals: [SignalName] = [
        .errorRatio, .requestRate, .latencyMeanSeconds, .latencyP95Seconds, .heapLiveRatio, .gcOverhead, .healthUp,
        .poolPending,
        .readyRatio,
        .workingSetRatio, .oomKills, .restarts, .probeUp,
    ]

    /// The largest of the plain detectors.
    private static var plainBytes: Double {
        (ShippedChecks.thresholds + ShippedChecks.measures.filter { !$0.measure.isAdaptive }).map {
            bytes([$0], cells: 2000)
        }.max() ?? 0
    }

    private static func value(of signal: SignalName, _ random: inout ScenarioRandom) -> Double {
        switch signal {
        case .errorRatio: random.unit() * 0.01
        case .requestRate: 20 + 5 * random.normal()
        case .latencyMeanSeconds: 0.1 + 0.02 * random.unit()
        case .latencyP95Seconds: 0.3 + 0.02 * random.unit()
        case .heapLiveRatio, .workingSetRatio: 0.55 + 0.02 * random.unit()
        case .gcOverhead: 0.01
        case .healthUp, .readyRatio, .probeUp: 1
        default: 0
        }
    }

    /// The best of five, each over a prepared cell of all subjects again and again.
    private static func nanoseconds(_ checks: [Check], signals: [SignalName], subjects: Int, cells: Int) -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            var random = ScenarioRandom(seed: 1)
            var bank = DetectorBank(checks: checks)
            var points = cell(signals, subjects: subjects, &random)
            _ = bank.process(points)
            var spent = Duration.zero
            var found = 0
            for index in 1...max(1, cells / 5) {
                let at = origin + .seconds(index * 10)
                for position in points.indices { points[position].at = at }
                let started = ProcessorTime.now
                found += bank.process(points).count
                spent += ProcessorTime.now - started
            }
            precondition(found == 0, "the points are healthy")
            best = min(best, spent / .nanoseconds(1) / Double(points.count * max(1, cells / 5)))
        }
        return best
    }

    private static let origin = Timestamp(millis: 1_795_478_400_000)

    private static func cell(_ signals: [SignalName], subjects: Int, _ random: inout ScenarioRandom) -> [SignalPoint] {
        (0..<subjects).flatMap { index -> [SignalPoint] in
            let subject = Subject(cluster: "production", kind: .workload, path: "shop/Deployment/service-\(index)")
            return signals.map { signal in
                let value = value(of: signal, &random)
                let hasVolume = [.errorRatio, .latencyMeanSeconds, .latencyP95Seconds].contains(signal)
                return SignalPoint(
                    subject: subject, signal: signal, at: origin, step: .seconds(10), value: value,
                    valueIfMissingHealthy: value, volume: hasVolume ? 200 : 0,
                    coverage: Coverage(present: 3, expected: 3),
                    contributions: (0..<3).map {
                        Contribution(contributor: "service-\(index)-pod-\($0)", value: value)
                    }, evidence: signal == .latencyP95Seconds ? buckets : nil)
            }
        }
    }

    /// As many buckets as Micrometer makes, all requests but one in a hundred below 0.5 s.
    private static let buckets: SignalEvidence = {
        let bounds = (0..<68).map { 0.001 * pow(30_000, Double($0) / 67) } + [.infinity]
        return .quantile(
            QuantileEvidence(
                share: 0.95, lower: 0.28, upper: 0.33, bounds: bounds,
                slower: bounds.map { $0 < 0.3 ? 200 : $0 < 0.5 ? 2 : 0 }, requestsIfMissingHealthy: 200))
    }()

    /// A state's size in its compact form: eight bytes a number, the bytes of strings.
    private static func bytes(_ checks: [Check], cells: Int) -> Double {
        var random = ScenarioRandom(seed: 2)
        var bank = DetectorBank(checks: checks)
        for index in 0..<cells {
            var points = cell(checks.map(\.signal), subjects: 1, &random)
            for position in points.indices { points[position].at = origin + .seconds(index * 10) }
            _ = bank.process(points)
        }
        return Double(bank.stateBytes) / Double(max(1, checks.count))
    }

    /// A point that is a cell of its own, the dearest there is; best of five.
    private static func surprise() -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            var random = ScenarioRandom(seed: 3)
            var model = SurpriseModel()
            let values = (0..<50_000).map { _ in 20 + 5 * random.normal() }
            var told = 0
            let started = ProcessorTime.now
            for (index, value) in values.enumerated() {
                let verdict = model.take(value, at: origin + .seconds(index * 300), step: .seconds(300))
                if let verdict, verdict.alarm > 0 { told += 1 }
            }
            best = min(best, (ProcessorTime.now - started) / .nanoseconds(1) / Double(values.count))
            precondition(told < values.count / 100, "noise is not odd")
        }
        return best
    }

    private static func ingest() -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            var engine = SignalEngine(startedAt: origin - .seconds(10))
            let series = (0..<10).flatMap { pod -> [Series] in
                let labels: LabelSet = [
                    "namespace": "shop", "workload": "Deployment/orders", "pod": "orders-\(pod)", "node": "node-1",
                ]
                return [
                    "kube_pod_ready", "jvm_gc_overhead", "actuator_health_up", "hikaricp_connections_pending",
                    "jvm_memory_usage_after_gc", "jvm_threads_live_threads", "process_start_time_seconds",
                    "http_server_requests_seconds_count", "http_server_requests_seconds_sum",
                ].map { Series($0, labels) }
            }
            var spent = Duration.zero
            for round in 0..<500 {
                let at = origin + .seconds(round * 10)
                let samples = series.map { Sample($0, at, 1000 + Double(round)) }
                let started = ProcessorTime.now
                engine.ingest(samples, cluster: "production", agent: "node-1")
                spent += ProcessorTime.now - started
                _ = engine.advance(to: at + .seconds(10))
            }
            best = min(best, spent / .nanoseconds(1) / Double(series.count * 500))
        }
        return best
    }
}
