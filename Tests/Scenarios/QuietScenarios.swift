import Detection
import Foundation
import Telemetry

extension ScenarioBuilder {
    /// What looks like a fault and is none.
    func quiet(
        _ name: String, _ family: Family, seconds: Double = 5400, pods: Int = 3, rate: Double = 0,
        _ change: @escaping Scenario.Change
    ) -> Scenario {
        Scenario("quiet-\(name)", family, .quiet, seconds: seconds, pods: pods, rate: rate, change: change)
    }

    /// A look-alike that lasts for a while from a start of its own.
    func quiet(
        _ name: String, _ family: Family, lasting: Double, pods: Int = 3, rate: Double = 0,
        _ change: @escaping @Sendable (_ since: Double, _ now: inout Conditions, _ random: inout ScenarioRandom) -> Void
    ) -> Scenario {
        let start = start("quiet-\(name)")
        return quiet(name, family, seconds: start + lasting + 2400, pods: pods, rate: rate) { second, now, random in
            guard second >= start, second < start + lasting else { return }
            change(second - start, &now, &random)
        }
    }

    /// Errors, latency, traffic.
    func quietServices() -> [Scenario] {
        let background = draw("background", 0.004...0.009)
        let climb = draw("climb", 3...5)
        return [
            quiet("nothing", .errorRate, seconds: 14_400) { _, _, _ in },
            quiet("background-errors", .errorRate, seconds: 14_400) { _, now, _ in now.errorShare = background },
            quiet("one-error-idle-service", .errorRate, seconds: 10_800, pods: 1, rate: 0.02) { second, now, _ in
                now.rate = 0.02
                now.errorShare = second == 5000 ? 1 : 0
                if second == 5000 { now.requests = 1 }
            },
            quiet("one-of-three", .errorRate, seconds: 10_800, pods: 1, rate: 0.0009) { second, now, _ in
                now.requests = [4000, 6000, 8000].contains(second) ? 1 : 0
                now.errorShare = second == 6000 ? 1 : 0
            },
            quiet("error-burst-20s", .errorRate, lasting: 20) { _, now, _ in now.errorShare = 0.9 },
            quiet("client-retries", .errorRate, lasting: 60) { _, now, _ in
                now.rate *= 3
                now.errorShare = 0.012
            },
            quiet("latency-spike-60s", .latency, lasting: 60) { _, now, _ in now.latency = 2.5 },
            // Of a hundred requests two or three are slow for hours, which no p95 may say.
            quiet("slow-few-requests", .latency, seconds: 7200) { _, now, _ in
                now.slowShare = 0.03
                now.slowSeconds = 4
            },
            // Half a request a second: in most cells one slow request is more than 5 % of them.
            quiet("slow-few-of-a-quiet-service", .latency, seconds: 10_800, pods: 1, rate: 0.5) { _, now, _ in
                now.slowShare = 0.025
                now.slowSeconds = 4
            },
            quiet("slow-tail-90s", .latency, lasting: 90) { _, now, _ in
                now.slowShare = 0.3
                now.slowSeconds = 3
            },
            quiet("slow-single-requests", .latency, seconds: 7200) { second, now, _ in
                if second.truncatingRemainder(dividingBy: 600) == 0 { now.podLatency = [1: 3] }
            },
            quiet("deploy", .availability, lasting: 900) { since, now, _ in Self.deploy(since, &now) },
            quiet("scale-down", .availability, seconds: 7200, pods: 6) { second, now, _ in
                if second >= 2400 { now.absent = [3, 4, 5] }
            },
            quiet("scale-up", .availability, seconds: 7200, pods: 6) { second, now, _ in
                if second < 2400 { now.absent = [3, 4, 5] }
                if (2400..<2460).contains(second) { now.notReady = [3, 4, 5] }
            },
            quiet("nobody-calls", .errorRate, seconds: 7200) { second, now, _ in
                if second > 1800 { now.rate = 0 }
            },
            quiet("daily-peak", .latency, seconds: 28_800) { second, now, _ in
                let peak = 0.5 - 0.5 * cos(second / 28_800 * 2 * .pi)
                now.rate *= 0.5 + climb * peak
                now.latency *= 1 + 1.2 * peak
                now.heapLive += 0.12 * peak
                now.workingSet += 0.08 * peak
                now.connections += 0.25 * peak
                now.gcOverhead += 0.04 * peak
            },
            quiet("counter-reset", .errorRate, lasting: 10) { _, now, _ in now.restarted = [0, 1, 2] },
            quiet("one-pod-restarts", .availability, lasting: 60) { since, now, _ in
                if since == 0 { now.crashed = [1] }
                now.notReady = [1]
            },
            quiet("node-drained", .availability, lasting: 200, pods: 5) { _, now, _ in now.notReady = [4] },
            quiet("two-restarts", .availability, lasting: 400) { since, now, _ in
                if since == 0 || since == 390 { now.crashed = [1] }
            },
            quiet("health-flap", .availability, lasting: 30) { _, now, _ in now.unhealthy = [1] },
        ]
    }

    /// Pods are replaced one after the other: out of service for 40 s each, slow for a minute, with an empty heap.
    private static func deploy(_ since: Double, _ now: inout Conditions) {
        for pod in 0..<3 {
            let own = since - Double(pod) * 90
            if own == 0 { now.restarted.insert(pod) }
            if (0..<40).contains(own) { now.notReady.insert(pod) }
            if (40..<100).contains(own) { now.podLatency[pod] = 1.6 }
            if own >= 0 { now.podHeap[pod] = min(now.heapLive, 0.05 + own / 600 * 0.4) }
        }
    }

    /// Heaps and containers.
    func quietMemory() -> [Scenario] {
        let plateau = draw("plateau", 0.6...0.78)
        let constant = draw("plateau/constant", 1800...7200)
        let high = draw("high-heap", 0.76...0.79)
        return [
            quiet("high-heap", .memory, seconds: 14_400) { _, now, _ in now.heapLive = high },
            quiet("gc-after-start", .memory, seconds: 21_600) { second, now, _ in
                // The old generation fills until its first collection, again and again.
                now.heapLive = 0.15 + 0.3 * (second / 4000).truncatingRemainder(dividingBy: 1)
                if second < 300 { now.gcOverhead = 0.09 }
            },
            quiet("heap-plateau", .memory, seconds: 28_800) { second, now, _ in
                now.heapLive = plateau - (plateau - 0.2) * exp(-second / constant)
            },
            quiet("page-cache-plateau", .memory, seconds: 28_800) { second, now, _ in
                now.workingSet = 0.8 - 0.4 * exp(-second / constant)
            },
            quiet("heap-warm-up", .memory, seconds: 10_800) { second, now, _ in
                now.heapLive = 0.1 + 0.45 * min(1, second / 600)
                if second < 120 { now.gcOverhead = 0.3 }
            },
            quiet("nightly-batch", .memory, lasting: 2400) { since, now, _ in
                let rise = min(1, min(since, 2400 - since) / 300)
                now.workingSet = max(now.workingSet, 0.55 + 0.3 * rise)
                now.heapLive += 0.25 * rise
                now.latency *= 1 + 1.5 * rise
                now.gcOverhead += 0.1 * rise
                now.longestQuery = 200 * rise
                now.connections += 0.25 * rise
            },
            quiet("gc-spike", .memory, lasting: 180) { _, now, _ in now.gcOverhead = 0.4 },
            quiet("memory-spike", .memory, lasting: 120) { _, now, _ in now.workingSet = 0.97 },
            quiet("saw-tooth", .memory, seconds: 28_800) { second, now, _ in
                now.heapLive = 0.4 + 0.12 * (second / 5400).truncatingRemainder(dividingBy: 1)
            },
        ]
    }

    /// PostgreSQL.
    func quietDatabases() -> [Scenario] {
        [
            quiet("backup-query", .database, lasting: 280) { since, now, _ in now.longestQuery = since },
            quiet("short-lock-waits", .database, seconds: 7200) { second, now, _ in
                now.lockWait = second.truncatingRemainder(dividingBy: 60) < 20 ? 8 : 0
                now.lockWaiters = now.lockWait > 0 ? 3 : 0
            },
            quiet("database-restarts", .database, lasting: 20) { _, now, _ in now.databaseUp = false },
            quiet("connection-peak", .database, lasting: 120) { _, now, _ in now.connections = 0.86 },
            quiet("pool-busy", .database, lasting: 30) { _, now, _ in now.poolPending = 4 },
            quiet("many-waiters-20s", .database, lasting: 20) { _, now, _ in now.lockWaiters = 30 },
            quiet("database-unknown", .database, lasting: 600) { _, now, _ in now.databaseUp = nil },
            quiet("idle-in-transaction-4m", .database, lasting: 240) { since, now, _ in now.idleInTransaction = since },
        ]
    }

    /// Agents, probes, clocks, the coordinator, logins.
    func quietObservers() -> [Scenario] {
        [
            quiet("probe-outage", .fleet, lasting: 300, pods: 6) { _, now, _ in now.unheard = [1, 2] },
            quiet("all-probes-out", .fleet, lasting: 600) { _, now, _ in now.unheard = [0, 1, 2] },
            quiet("probe-timeout", .fleet, lasting: 30) { _, now, _ in now.targetUp = false },
            quiet("clock-jump", .fleet, lasting: 1200) { _, now, _ in now.clockAhead = [1: 3600] },
            quiet("clock-back", .fleet, lasting: 1200) { _, now, _ in now.clockAhead = [1: -120] },
            quiet("agent-restart", .fleet, lasting: 60) { _, now, _ in now.silentAgents = [3] },
            quiet("all-agents-reconnect", .fleet, lasting: 50) { _, now, _ in now.silentAgents = Set(0..<12) },
            quiet("coordinator-stops", .fleet, lasting: 300) { _, now, _ in now.isCoordinatorStopped = true },
            quiet("coordinator-restart", .fleet, lasting: 600) { since, now, _ in
                now.coordinatorRestarts = since == 0 || since == 300
            },
            quiet("forgotten-passwords", .security, seconds: 7200) { second, now, random in
                guard random.unit() < 0.02 else { return }
                let person = random.below(200)
                let tries = 1 + random.below(3)
                now.logins = (0...tries).map {
                    LoginEvent(
                        at: now.time + .seconds($0), account: "person\(person)", address: "10.0.0.\(person % 250)",
                        isSuccess: $0 == tries)
                }
            },
            quiet("batch-account", .security, seconds: 7200) { second, now, _ in
                // A job with an old password tries every five minutes.
                guard second.truncatingRemainder(dividingBy: 300) == 0 else { return }
                now.logins = [LoginEvent(at: now.time, account: "batch", address: "10.0.0.9", isSuccess: false)]
            },
        ]
    }
}
