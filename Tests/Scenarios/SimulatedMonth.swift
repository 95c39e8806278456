package import Detection
import Foundation
package import Signals
package import Telemetry

/// Weeks of healthy workloads: days and nights, weekends, deploys, batches, short disturbances that are no incidents.
///
/// It makes the signals themselves, not samples, so that a month of 200 workloads takes about a minute.
package struct SimulatedMonth {
    /// What came of it.
    package struct Outcome: Sendable {
        /// What opened; all of it is false.
        package var findings: [Finding]
        /// Points judged.
        package var points: Int
        /// All findings, of every phase.
        package var digest = FindingDigest()
    }

    private let workloads: Int
    private let days: Int
    private let stepSeconds: Double
    private let seed: UInt64
    private let noise: QuietNoise
    private let checks: [Check]
    private var living: [SimulatedWorkload] = []
    private var nextIndex = 0

    /// Makes a month.
    package init(
        workloads: Int, days: Int, stepSeconds: Double, seed: UInt64, noise: QuietNoise,
        checks: [Check] = ShippedChecks.all
    ) {
        self.checks = checks
        self.workloads = workloads
        self.days = days
        self.stepSeconds = stepSeconds
        self.seed = seed
        self.noise = noise
    }

    /// Cells of each signal.
    package var cells: Int { Int(Double(days) * 86_400 / stepSeconds) }

    /// When it begins.
    package static var start: Timestamp { SimulatedWorkload.origin }

    /// The next cell of all workloads, in the order in which an engine gives it; an alternative to `run`.
    package mutating func nextCell() -> [SignalPoint] {
        if living.isEmpty {
            living = (0..<workloads).map { index in
                SimulatedWorkload(index: index, seed: seed, stepSeconds: stepSeconds, noise: noise)
            }
        }
        var points: [SignalPoint] = []
        for index in living.indices { points += living[index].points(ofCell: nextIndex) }
        nextIndex += 1
        return points
    }

    /// Lives through it, one workload after the other.
    package mutating func run() -> Outcome {
        var outcome = Outcome(findings: [], points: 0)
        for index in 0..<workloads {
            var workload = SimulatedWorkload(index: index, seed: seed, stepSeconds: stepSeconds, noise: noise)
            var bank = DetectorBank(checks: checks)
            for cell in 0..<cells {
                let points = workload.points(ofCell: cell)
                outcome.points += points.count
                let findings = bank.process(points)
                outcome.digest.take(findings)
                outcome.findings += findings.filter { $0.phase == .opened }
            }
        }
        return outcome
    }
}

/// One healthy workload, and its database if it has one.
struct SimulatedWorkload {
    private let subject: Subject
    private let database: Subject?
    private let stepSeconds: Double
    private let step: Duration
    static let origin = Timestamp(millis: 1_793_491_200_000)
    private var random: ScenarioRandom
    /// Of its own, so that buckets change nothing of what else is drawn.
    private var spread: ScenarioRandom
    private var requests: NoiseStream
    private var latency: NoiseStream
    private var memory: NoiseStream
    private var factors = (requests: 1.0, latency: 1.0, memory: 1.0)

    // What kind of service it is.
    private let rate: Double
    private let meanLatency: Double
    private let errors: Double
    private let heap: Double
    private let heapTooth: (depth: Double, seconds: Double)
    private let plateau: (share: Double, seconds: Double)
    private let swing: Double
    private let weekend: Double
    private let peakHour: Double
    private let hasBatch: Bool
    private let batchHour: Double
    private let pods: Double
    private let connections: Double

    // What happens to it.
    private var deployedAt = -86_400.0
    private var nextDeploy: Double
    private var disturbance: (kind: Int, until: Double) = (-1, 0)
    private var nextDisturbance: Double
    private var generation = 0

    init(index: Int, seed: UInt64, stepSeconds: Double, noise: QuietNoise) {
        var random = ScenarioRandom(seed: seed, name: "workload-\(index)")
        subject = Subject(cluster: "test", kind: .workload, path: "shop/Deployment/service-\(index)")
        database = index % 8 == 0 ? Subject(cluster: "test", kind: .postgresql, path: "postgresql/db-\(index)") : nil
        self.stepSeconds = stepSeconds
        step = .milliseconds(Int64(stepSeconds * 1000))
        requests = NoiseStream(noise.requests, ScenarioRandom(seed: random.bits()))
        latency = NoiseStream(noise.latency, ScenarioRandom(seed: random.bits()))
        memory = NoiseStream(noise.memory, ScenarioRandom(seed: random.bits()))
        // A third of the services are nearly idle.
        rate = random.unit() < 0.33 ? random.within(0.002...0.2) : random.within(1...80)
        meanLatency = random.within(0.02...0.2)
        errors = random.within(0...0.006)
        heap = random.within(0.25...0.5)
        heapTooth = (random.within(0.02...0.12), random.within(900...9000))
        plateau = (random.within(0.5...0.76), random.within(1800...10_800))
        swing = random.within(0.3...0.85)
        weekend = random.within(0.4...1)
        peakHour = random.within(10...20)
        hasBatch = random.unit() < 0.5
        batchHour = random.within(0...5)
        pods = Double(2 + random.below(5))
        connections = random.within(0.1...0.4)
        nextDeploy = random.within(0...302_400)
        nextDisturbance = random.within(0...172_800)
        self.random = random
        spread = ScenarioRandom(seed: seed, name: "workload-\(index)/spread")
    }

    mutating func points(ofCell cell: Int) -> [SignalPoint] {
        let second = Double(cell) * stepSeconds
        if cell % max(1, Int(60 / stepSeconds)) == 0 { startMinute(second) }
        let hour = second / 3600
        let day = (Int(hour / 24) + 6) % 7
        let season = 0.5 + 0.5 * cos(2 * .pi * (hour - peakHour) / 24)
        let traffic = (1 - swing + swing * season) * (day >= 5 ? weekend : 1)
        let hourOfDay = hour.truncatingRemainder(dividingBy: 24)
        let batch = hasBatch && hourOfDay >= batchHour && hourOfDay < batchHour + 0.5 ? 1.0 : 0
        let at = Self.origin + .milliseconds(Int64((second + stepSeconds) * 1000))
        var points = service(at, second, traffic: traffic, season: season, batch: batch)
        points += memory(at, second, season: season, batch: batch)
        if let database { points += self.database(database, at, traffic: traffic, batch: batch, hourOfDay: hourOfDay) }
        return points
    }

    private mutating func startMinute(_ second: Double) {
        factors = (requests.next(), latency.next(), min(1.05, max(0.95, memory.next())))
        if second >= nextDeploy {
            deployedAt = second
            nextDeploy = second + random.within(1...6) * 86_400
            generation += 1
        }
        if second >= nextDisturbance {
            let kind = random.below(5)
            disturbance = (kind, second + [20.0, 60, 100, 120, 40][kind])
            nextDisturbance = second + random.within(0.5...3) * 86_400
        }
    }

    private func disturbed(_ kind: Int, _ second: Double) -> Bool {
        disturbance.kind == kind && second < disturbance.until
    }

    private mutating func service(
        _ at: Timestamp, _ second: Double, traffic: Double, season: Double, batch: Double
    ) -> [SignalPoint] {
        let mean = rate * stepSeconds * traffic * factors.requests
        let count = random.poisson(mean)
        let failed = random.binomial(count, disturbed(0, second) ? 0.8 : errors)
        let age = second - deployedAt
        var seconds = meanLatency * (1 + 0.6 * season + batch) * factors.latency * (1 + 0.1 * random.normal())
        if age < 60 * pods { seconds += 0.5 / pods }
        if disturbed(1, second) { seconds = 2 }
        let out = age < 60 * pods && age.truncatingRemainder(dividingBy: 60) < 40 ? 1.0 : 0
        let isOut = disturbed(2, second) ? 1.0 : out
        let ready = (pods - isOut) / pods
        let hasRequests = count > 0
        return [
            point(.errorRatio, at, hasRequests ? failed / count : nil, volume: count),
            point(.requestRate, at, count / stepSeconds),
            point(.latencyMeanSeconds, at, hasRequests ? max(0.001, seconds) : nil, volume: count),
            quantile(at, LatencyShape.counts(count, mean: max(0.001, seconds), &spread)),
            point(.readyRatio, at, ready, volume: pods), point(.healthUp, at, 1), point(.poolPending, at, 0),
            point(.restarts, at, 0), point(.oomKills, at, 0),
        ]
    }

    private mutating func memory(_ at: Timestamp, _ second: Double, season: Double, batch: Double) -> [SignalPoint] {
        let age = second - deployedAt
        let filled = 1 - exp(-age / plateau.seconds)
        let tooth = heapTooth.depth * (age / heapTooth.seconds).truncatingRemainder(dividingBy: 1)
        var live = (heap * (0.4 + 0.6 * filled) + tooth + 0.08 * season + 0.1 * batch) * factors.memory
        live = min(1, live + 0.01 * random.unit())
        var set = (0.35 + (plateau.share - 0.35) * filled + 0.04 * season + 0.05 * batch) * factors.memory
        if disturbed(3, second) { set = 0.96 }
        let overhead = age < 120 ? 0.15 : disturbed(4, second) ? 0.3 : 0.01 + 0.02 * season
        let pod = "service-\(generation)"
        return [
            point(.heapLiveRatio, at, live, contributor: pod), point(.gcOverhead, at, overhead),
            point(.workingSetRatio, at, min(1, set), contributor: pod),
        ]
    }

    private mutating func database(
        _ subject: Subject, _ at: Timestamp, traffic: Double, batch: Double, hourOfDay: Double
    ) -> [SignalPoint] {
        let backup = hourOfDay >= 2 && hourOfDay < 2.07 ? (hourOfDay - 2) * 3600 : 0
        let wait = random.unit() < 0.01 ? random.within(0...12) : 0
        let used = connections * (0.5 + traffic) + 0.2 * batch + 0.02 * random.normal()
        return [
            point(.databaseUp, at, 1, of: subject), point(.connectionRatio, at, max(0, used), of: subject),
            point(.longestQuerySeconds, at, max(backup, random.unit() * 3), of: subject),
            point(.idleInTransactionSeconds, at, 0, of: subject),
            point(.lockWaiters, at, wait > 0 ? 2 : 0, of: subject),
            point(.longestLockWaitSeconds, at, wait, of: subject),
        ]
    }

    private func quantile(_ at: Timestamp, _ counts: [Double]) -> SignalPoint {
        let p95 = LatencyShape.p95(counts)
        var point = point(.latencyP95Seconds, at, p95?.value, volume: counts.last ?? 0)
        point.evidence = p95.map { .quantile($0.evidence) }
        return point
    }

    private func point(
        _ signal: SignalName, _ at: Timestamp, _ value: Double?, volume: Double = 0, contributor: String? = nil,
        of other: Subject? = nil
    ) -> SignalPoint {
        var contributions: [Contribution] = []
        if let contributor, let value { contributions = [Contribution(contributor: contributor, value: value)] }
        return SignalPoint(
            subject: other ?? subject, signal: signal, at: at, step: step, value: value, valueIfMissingHealthy: value,
            volume: volume, coverage: Coverage(present: Int(pods), expected: Int(pods)), contributions: contributions)
    }
}
