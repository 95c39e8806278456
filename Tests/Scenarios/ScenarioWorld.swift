package import Detection
import Foundation
package import Signals
package import Telemetry

/// What came of a scenario.
package struct ScenarioOutcome: Sendable {
    /// The scenario's name.
    package var name: String
    /// What should have come of it.
    package var kind: Scenario.Kind
    /// Its family.
    package var family: Family
    /// Whether an expected check opened at or after the breach.
    package var isDetected: Bool
    /// Intervals from the breach to the opening beyond the check's `for`, of the first expected check; nil when none
    /// opened.
    package var delayIntervals: Double?
    /// Intervals from the fault's end to the closing beyond the check's `leaveFor`, of the same check; nil when the
    /// fault's end is not known, or it never closed.
    package var closeIntervals: Double?
    /// Whether it opened again after the fault was over.
    package var opensAgain = false
    /// What opened that should not have: anything of a quiet scenario, anything before the breach of the others.
    package var falseFindings: [String]
    /// The first expected finding's sentence.
    package var sentence: String?
}

/// What a scenario's bank went through.
package enum BankEvent {
    /// It is another one from here on, with what is known by then.
    case began(DetectorBank)
    /// It was given closed cells, and looked for what is gone, and said so.
    case judged([SignalPoint], at: Timestamp, [Finding])
}

/// Pods, a database and agents that live through a scenario, with the real engine and the real detectors behind them.
package struct ScenarioWorld {
    private struct Pod {
        var series: [Series]
        var ok = 5000.0
        var failed = 3.0
        var seconds = 400.0
        /// Requests at or below each bound, and all.
        var buckets = Array(repeating: 0.0, count: LatencyShape.bounds.count + 1)
        var restarts = 0.0
        var kills = 0.0
        var startedAt: Double
        var offset: Double
    }

    /// Told of all that the bank goes through, in its order.
    package var observe: ((BankEvent) -> Void)?

    static let step = 10.0
    static let cluster = "test"
    private let scenario: Scenario
    private let checks: [Check]
    private var random: ScenarioRandom
    /// Of its own, so that buckets change nothing of what else is drawn.
    private var spread: ScenarioRandom
    private var requests: NoiseStream
    private var latency: NoiseStream
    private var memory: NoiseStream
    private var factors = (requests: 1.0, latency: 1.0, memory: 1.0)
    private var base: Conditions
    private var pods: [Pod] = []
    private let databaseSeries: [Series]
    private let targetSeries: [Series]
    private let origin: Timestamp
    private var engine: SignalEngine
    private var bank: DetectorBank
    private var agents: AgentWatch
    private var logins: LoginWatch
    private var opened: [(finding: Finding, second: Double)] = []
    private var closed: [(finding: Finding, second: Double)] = []
    private var history: [SignalName: [(second: Double, value: Double?)]] = [:]

    static let agentsCount = 12

    /// Makes a world; all that is random in it follows from the seed and the scenario's name.
    package init(_ scenario: Scenario, seed: UInt64, noise: QuietNoise, checks: [Check] = ShippedChecks.all) {
        self.checks = checks
        self.scenario = scenario
        var random = ScenarioRandom(seed: seed, name: scenario.name)
        requests = NoiseStream(noise.requests, ScenarioRandom(seed: random.bits()))
        latency = NoiseStream(noise.latency, ScenarioRandom(seed: random.bits()))
        memory = NoiseStream(noise.memory, ScenarioRandom(seed: random.bits()))
        // A time of the week in November 2026.
        origin = Timestamp(millis: 1_795_478_400_000 + Int64(random.below(7 * 1440)) * 60_000)
        base = Conditions(
            rate: scenario.rate > 0 ? scenario.rate : random.within(6...40), latency: random.within(0.05...0.2),
            heapLive: random.within(0.25...0.45), workingSet: random.within(0.4...0.65))
        base.connections = random.within(0.15...0.45)
        let start = origin - .seconds(10)
        engine = SignalEngine(startedAt: start)
        bank = DetectorBank(checks: checks)
        agents = AgentWatch(startedAt: origin)
        logins = LoginWatch(
            subject: Subject(cluster: Self.cluster, kind: .workload, path: "shop/Deployment/orders"), startedAt: origin)
        databaseSeries = Self.databaseNames.map { Series($0, ["instance": "orders-db"]) }
        targetSeries = [
            Series("probe_up", ["namespace": "shop", "workload": "Deployment/orders", "target": "actuator/orders"])
        ]
        for index in 0..<scenario.pods {
            pods.append(
                Pod(
                    series: Self.podSeries("orders-\(index)", node: "node-\(index)"),
                    startedAt: origin.seconds - random.within(3600...90_000), offset: random.within(0...9.5)))
        }
        self.random = random
        spread = ScenarioRandom(seed: seed, name: scenario.name + "/spread")
    }

    /// All findings so far, of the watches too.
    package private(set) var digest = FindingDigest()

    /// Lives through the scenario.
    package mutating func run() -> ScenarioOutcome {
        let cells = Int(scenario.seconds / Self.step)
        for cell in 0..<cells {
            let second = Double(cell) * Self.step
            if cell % 6 == 0 { factors = (requests.next(), latency.next(), min(1.05, max(0.95, memory.next()))) }
            var now = base
            now.time = origin + .milliseconds(Int64(second * 1000))
            scenario.change(second, &now, &random)
            if now.coordinatorRestarts { restart(second) }
            pass(second, now)
        }
        return judge()
    }

    /// A signal of the workload as it was judged, by the seconds since the start.
    package func points(of signal: SignalName) -> [(second: Double, value: Double?)] { history[signal] ?? [] }

    /// When a check's findings opened, in seconds since the start.
    package func openings(of check: String) -> [Double] {
        opened.filter { $0.finding.check == check }.map(\.second)
    }

    // MARK: One cell

    private mutating func pass(_ second: Double, _ now: Conditions) {
        for index in pods.indices where !now.absent.contains(index) {
            live(index, now, second)
            guard !now.unheard.contains(index) else { continue }
            let ahead = now.clockAhead[index] ?? 0
            report(index, now, at: origin + .milliseconds(Int64((second + pods[index].offset + ahead) * 1000)))
        }
        reportDatabase(now, at: origin + .milliseconds(Int64((second + 4) * 1000)))
        let time = origin + .milliseconds(Int64((second + Self.step) * 1000))
        for half in [5.0, 10] {
            let moment = origin + .milliseconds(Int64((second + half) * 1000))
            for agent in 0..<Self.agentsCount where !now.silentAgents.contains(agent) {
                agents.seen(cluster: Self.cluster, node: "node-\(agent)", at: moment)
            }
            if !now.isCoordinatorStopped { note(agents.advance(to: moment), second + half) }
        }
        note(logins.take(now.logins) + logins.advance(to: time), second + Self.step)
        guard !now.isCoordinatorStopped else { return }
        let points = engine.advance(to: time)
        for point in points where point.subject.kind == .workload {
            history[point.signal, default: []].append((second + Self.step, point.value))
        }
        let findings = bank.process(points) + bank.advance(to: time)
        observe?(.judged(points, at: time, findings))
        note(findings, second + Self.step)
    }

    private mutating func note(_ findings: [Finding], _ second: Double) {
        digest.take(findings)
        for finding in findings where finding.phase == .opened { opened.append((finding, second)) }
        for finding in findings where finding.phase == .closed { closed.append((finding, second)) }
    }

    /// What happens in a pod.
    private mutating func live(_ index: Int, _ now: Conditions, _ second: Double) {
        if now.restarted.contains(index) || now.crashed.contains(index) {
            pods[index].ok = 0
            pods[index].failed = 0
            pods[index].seconds = 0
            for place in pods[index].buckets.indices { pods[index].buckets[place] = 0 }
            pods[index].startedAt = origin.seconds + second
        }
        if now.crashed.contains(index) { pods[index].restarts += 1 }
        if now.killed.contains(index) { pods[index].kills += 1 }
        guard !now.notReady.contains(index) else { return }
        let count = now.requests ?? random.poisson(now.rate * Self.step * factors.requests)
        let failed = random.binomial(count, now.podErrorShare[index] ?? now.errorShare)
        pods[index].ok += count - failed
        pods[index].failed += failed
        let mean = (now.podLatency[index] ?? now.latency) * factors.latency * (1 + 0.1 * random.normal())
        let slow = spread.binomial(count, now.slowShare)
        pods[index].seconds += (count - slow) * mean + slow * now.slowSeconds
        let counts = LatencyShape.counts(count, mean: mean, slow: slow, slowSeconds: now.slowSeconds, &spread)
        for place in counts.indices { pods[index].buckets[place] += counts[place] }
    }

    private mutating func report(_ index: Int, _ now: Conditions, at time: Timestamp) {
        let pod = pods[index]
        let heap = min(1, (now.podHeap[index] ?? now.heapLive) * factors.memory + 0.01 * random.unit())
        let workingSet = min(1, now.workingSet * factors.memory + 0.004 * random.unit())
        let values: [Double] =
            [
                now.notReady.contains(index) ? 0 : 1, pod.restarts, pod.kills, pod.startedAt, pod.ok, pod.failed,
                pod.seconds,
                heap, max(0, now.gcOverhead * (1 + 0.2 * random.normal())), now.unhealthy.contains(index) ? 0 : 1,
                now.poolPending, workingSet * 1_073_741_824, 1_073_741_824,
            ] + pod.buckets
        let samples = zip(pod.series, values).map { Sample($0, time, $1) }
        engine.ingest(samples, cluster: Self.cluster, agent: "node-\(index)")
    }

    private mutating func reportDatabase(_ now: Conditions, at time: Timestamp) {
        var samples: [Sample] = []
        if let isUp = now.databaseUp {
            let clients = (now.connections * 97 + 1.5 * random.normal()).rounded()
            let values: [Double] =
                isUp
                ? [
                    1, 0, 100, 3, min(97, max(0, clients)), now.longestQuery, now.idleInTransaction, now.lockWaiters,
                    now.lockWait,
                ] : [0]
            samples = zip(databaseSeries, values).map { Sample($0, time, $1) }
        }
        samples.append(Sample(targetSeries[0], time, now.targetUp ? 1 : 0))
        engine.ingest(samples, cluster: Self.cluster, agent: "node-0")
    }

    /// The coordinator starts anew: signals from nothing, detectors and watches from their snapshots.
    private mutating func restart(_ second: Double) {
        let now = origin + .milliseconds(Int64(second * 1000))
        engine = SignalEngine(startedAt: now)
        let snapshot = bank.snapshot
        bank = DetectorBank(checks: checks)
        bank.restore(snapshot)
        observe?(.began(bank))
        let watch = agents.snapshot
        agents = AgentWatch(startedAt: now)
        agents.restore(watch, at: now)
    }

    // MARK: Judging

    private func judge() -> ScenarioOutcome {
        let isQuiet = scenario.kind == .quiet
        let wrong = opened.filter { isQuiet || $0.second < scenario.faultAt }
        let right = opened.filter {
            !isQuiet && scenario.expects.contains($0.finding.check) && $0.second >= scenario.faultAt
        }
        var outcome = ScenarioOutcome(
            name: scenario.name, kind: scenario.kind, family: scenario.family, isDetected: !right.isEmpty,
            delayIntervals: nil,
            falseFindings: wrong.map { "\($0.finding.check): \($0.finding.explanation)" }, sentence: nil)
        if let first = right.first {
            let check = ShippedChecks.all.first { $0.name == first.finding.check }
            let hold = check?.holdFor.inSeconds ?? 0
            outcome.delayIntervals = (first.second - scenario.breachAt - hold) / Self.step
            outcome.sentence = first.finding.explanation
            if let end = scenario.faultEnds,
                let over = closed.first(where: { $0.finding.check == first.finding.check && $0.second >= end })
            {
                outcome.closeIntervals = (over.second - end - (check?.leaveFor.inSeconds ?? 0)) / Self.step
                outcome.opensAgain = right.contains { $0.second > end }
            }
        }
        return outcome
    }

    // MARK: Series

    private static func podSeries(_ pod: String, node: String) -> [Series] {
        let labels: LabelSet = ["namespace": "shop", "workload": "Deployment/orders", "pod": pod, "node": node]
        let container = labels.merging(["container": "app"])
        return [
            Series("kube_pod_ready", labels), Series("kube_pod_container_restarts_total", container),
            Series("kube_pod_container_oom_kills_total", container), Series("process_start_time_seconds", labels),
            Series("http_server_requests_seconds_count", labels.merging(["outcome": "SUCCESS"])),
            Series("http_server_requests_seconds_count", labels.merging(["outcome": "SERVER_ERROR"])),
            Series("http_server_requests_seconds_sum", labels.merging(["outcome": "SUCCESS"])),
            Series("jvm_memory_usage_after_gc", labels.merging(["area": "heap", "pool": "long-lived"])),
            Series("jvm_gc_overhead", labels), Series("actuator_health_up", labels),
            Series("hikaricp_connections_pending", labels.merging(["pool": "main"])),
            Series("container_memory_working_set_bytes", container),
            Series("container_spec_memory_limit_bytes", container),
        ]
            + (LatencyShape.bounds.map { "\($0)" } + ["+Inf"]).map {
                Series("http_server_requests_seconds_bucket", labels.merging(["le": "\($0)"]))
            }
    }

    private static let databaseNames = [
        "pg_up", "pg_connection_slots_exhausted", "pg_settings_max_connections", "pg_settings_reserved_connections",
        "pg_client_connections", "pg_longest_query_seconds", "pg_longest_idle_in_transaction_seconds",
        "pg_locks_waiting",
        "pg_longest_lock_wait_seconds",
    ]
}
