import Detection
import Foundation
import Telemetry

/// The scenarios of a seed.
package enum ScenarioCatalog {
    /// All scenarios; what is random in them follows from the seed.
    package static func all(seed: UInt64) -> [Scenario] {
        let builder = ScenarioBuilder(seed: seed)
        return builder.services(.clear) + builder.services(.marginal) + builder.memory(.clear)
            + builder.memory(.marginal) + builder.availability(.clear) + builder.availability(.marginal)
            + builder.databases(.clear) + builder.databases(.marginal) + builder.observers(.clear)
            + builder.observers(.marginal) + builder.quietServices() + builder.quietMemory() + builder.quietDatabases()
            + builder.quietObservers()
    }
}

/// Draws the numbers of scenarios.
struct ScenarioBuilder {
    let seed: UInt64

    /// A number of a scenario's own, the same whatever other scenarios draw.
    func draw(_ name: String, _ range: ClosedRange<Double>) -> Double {
        var random = ScenarioRandom(seed: seed, name: name)
        return random.within(range)
    }

    /// When a fault begins: on a cell's border, 20 to 40 minutes after the start.
    func start(_ name: String) -> Double { (draw(name + "/start", 120...240)).rounded() * 10 }

    func sort(_ kind: Scenario.Kind, clear: ClosedRange<Double>, marginal: ClosedRange<Double>, _ name: String)
        -> Double
    {
        draw("\(name)/\(kind.rawValue)", kind == .clear ? clear : marginal)
    }

    /// A fault that lasts from its start to the end of the scenario, or for a while.
    func fault(
        _ name: String, _ family: Family, _ kind: Scenario.Kind, expects: [String], lasting: Double = 2400,
        pods: Int = 3, rate: Double = 0, breachDelay: Double = 0,
        _ change: @escaping @Sendable (_ since: Double, _ now: inout Conditions, _ random: inout ScenarioRandom) -> Void
    ) -> Scenario {
        let full = "\(name)-\(kind.rawValue)"
        let start = start(full)
        return Scenario(
            full, family, kind, expects: expects, breachAt: start + breachDelay, seconds: start + lasting + 1800,
            pods: pods, rate: rate, faultAt: start, faultEnds: start + lasting
        ) { second, now, random in
            guard second >= start, second < start + lasting else { return }
            change(second - start, &now, &random)
        }
    }
}

extension ScenarioBuilder {
    /// Errors and latency.
    func services(_ kind: Scenario.Kind) -> [Scenario] {
        let share = sort(kind, clear: 0.3...0.9, marginal: 0.065...0.08, "errors")
        let low = sort(kind, clear: 0.035...0.045, marginal: 0.028...0.032, "errors-low")
        let onePod = sort(kind, clear: 0.9...1, marginal: 0.22...0.26, "errors-one-pod")
        let slow = sort(kind, clear: 2.5...8, marginal: 1.3...1.5, "latency")
        let slowPod = sort(kind, clear: 8...15, marginal: 4.5...5.5, "latency-one-pod")
        let burn = sort(kind, clear: 0.5...0.9, marginal: 0.2...0.25, "budget")
        return [
            fault("errors", .errorRate, kind, expects: ["error-rate"]) { _, now, _ in now.errorShare = share },
            fault("errors-low", .errorRate, kind, expects: ["error-rate-low", "error-rate"]) { _, now, _ in
                now.errorShare = low
            },
            fault("errors-one-pod", .errorRate, kind, expects: ["error-rate"]) { _, now, _ in
                now.podErrorShare = [1: onePod]
            },
            fault("errors-budget", .errorRate, kind, expects: ["error-rate", "error-budget"], lasting: 3600) {
                _, now, _ in
                now.errorShare = burn
            },
            fault("latency", .latency, kind, expects: ["latency"]) { _, now, random in
                now.latency = slow * random.within(0.9...1.1)
            },
            fault("latency-one-pod", .latency, kind, expects: ["latency"]) { _, now, random in
                now.podLatency = [2: slowPod * random.within(0.9...1.1)]
            },
            slowTail(kind),
            quietService(kind),
            latencyBelowItsThreshold(kind),
        ]
    }

    /// A part of the requests is slow, too few for the mean to pass its level.
    private func slowTail(_ kind: Scenario.Kind) -> Scenario {
        let share = sort(kind, clear: 0.1...0.14, marginal: 0.065...0.075, "slow-tail")
        let seconds = sort(kind, clear: 2.8...3.5, marginal: 2.2...2.4, "slow-tail-seconds")
        return fault("latency-slow-tail", .latency, kind, expects: ["latency-p95"]) { _, now, _ in
            now.slowShare = share
            now.slowSeconds = seconds
        }
    }

    /// Many times what is usual after some hours of it, and still less than a second: only what was learned tells.
    ///
    /// It takes two cells of five minutes, since one of them may have begun before.
    private func latencyBelowItsThreshold(_ kind: Scenario.Kind) -> Scenario {
        let times = sort(kind, clear: 6...8, marginal: 4...4.5, "latency-unusual")
        let name = "latency-unusual-\(kind.rawValue)"
        let start = start(name) + 12_000
        return Scenario(
            name, .latency, kind, expects: ["latency-unusual", "latency"], breachAt: start + 600, seconds: start + 4800,
            faultAt: start
        ) { second, now, _ in
            now.latency = min(now.latency, 0.1)
            if second >= start { now.latency *= times }
        }
    }

    /// A service with a request every half minute: the third failure of three proves it.
    private func quietService(_ kind: Scenario.Kind) -> Scenario {
        let share = kind == .clear ? 1.0 : draw("errors-idle", 0.5...0.65)
        return fault(
            "errors-idle-service", .errorRate, kind, expects: ["error-rate"], lasting: 3000, pods: 1, rate: 0.05,
            breachDelay: kind == .clear ? 80 : 300
        ) { _, now, _ in
            now.rate = 0.1
            now.errorShare = share
        }
    }

    /// Heaps, containers, kills.
    func memory(_ kind: Scenario.Kind) -> [Scenario] {
        let heap = sort(kind, clear: 0.93...0.97, marginal: 0.89...0.9, "heap")
        let overhead = sort(kind, clear: 0.4...0.8, marginal: 0.25...0.28, "gc")
        let container = sort(kind, clear: 0.95...0.97, marginal: 0.935...0.94, "container")
        let perHour = sort(kind, clear: 0.12...0.2, marginal: 0.09...0.1, "leak")
        return [
            fault("heap-full", .memory, kind, expects: ["heap-live"]) { _, now, _ in now.podHeap = [0: heap] },
            fault("gc-overhead", .memory, kind, expects: ["gc-overhead"]) { _, now, _ in now.gcOverhead = overhead },
            fault("container-full", .memory, kind, expects: ["container-memory"]) { _, now, _ in
                now.workingSet = container
            },
            fault("oom-kill", .memory, kind, expects: ["oom-kill"], lasting: 10, pods: kind == .clear ? 3 : 12) {
                _, now, _ in
                now.killed = [0]
                now.crashed = [0]
            },
            leak("heap-leak", kind, perHour: perHour, from: 0.45, level: 0.65) { $1.podHeap = [1: $0] },
            leak("memory-leak", kind, perHour: perHour, from: 0.6, level: 0.75) { $1.workingSet = $0 },
        ]
    }

    /// Growth from the start: it can be told when there are floors enough, the least level is passed, six hours are
    /// left, and no more than four times what was seen; and a floor takes three minutes.
    private func leak(
        _ name: String, _ kind: Scenario.Kind, perHour: Double, from: Double, level: Double,
        _ set: @escaping @Sendable (Double, inout Conditions) -> Void
    ) -> Scenario {
        let rule = Exhaustion()
        let evidence = rule.warmUp.inSeconds + 8 * 180
        // (1 - from) / rate - t = reach × (t - warm-up), solved for t.
        let reach = ((1 - from) / perHour * 3600 + rule.reachMax * rule.warmUp.inSeconds) / (1 + rule.reachMax)
        let passes = (level - from) / perHour * 3600
        let inSight = (1 - from) / perHour * 3600 - 6 * 3600
        let breach = max(passes, inSight, evidence, reach) + 180
        return Scenario(
            "\(name)-\(kind.rawValue)", .memory, kind, expects: [name], breachAt: breach,
            seconds: (1 - from) / perHour * 3600 * 0.95, faultAt: 0
        ) { second, now, _ in set(from + perHour * second / 3600, &now) }
    }

    /// Readiness, restarts, health.
    func availability(_ kind: Scenario.Kind) -> [Scenario] {
        let isClear = kind == .clear
        return [
            fault("one-not-ready", .availability, kind, expects: ["not-ready"], lasting: isClear ? 2400 : 360) {
                _, now, _ in
                now.notReady = [2]
            },
            fault(
                "half-not-ready", .availability, kind, expects: ["half-not-ready"], lasting: isClear ? 1200 : 160,
                pods: 4
            ) { _, now, _ in now.notReady = isClear ? [0, 1, 2] : [0, 1] },
            fault("none-ready", .availability, kind, expects: ["none-ready"], lasting: isClear ? 900 : 90) {
                _, now, _ in
                now.notReady = [0, 1, 2]
            },
            fault("health-down", .availability, kind, expects: ["health-down"], lasting: isClear ? 900 : 90) {
                _, now, _ in
                now.unhealthy = isClear ? [0, 1, 2] : [1]
            },
            fault(
                "crash-loop", .availability, kind, expects: ["crash-loop"], lasting: 600,
                breachDelay: isClear ? 60 : 540
            ) { since, now, _ in
                let times: Set<Double> = isClear ? [0, 30, 60, 180, 360] : [0, 270, 540]
                if times.contains(since) { now.crashed = [0] }
            },
        ]
    }

    /// PostgreSQL and the pools in front of it.
    func databases(_ kind: Scenario.Kind) -> [Scenario] {
        let isClear = kind == .clear
        let used = sort(kind, clear: 0.88...0.93, marginal: 0.83...0.85, "connections")
        let full = sort(kind, clear: 1...1, marginal: 0.97...0.98, "connections-full")
        let wait = isClear ? 900.0 : draw("lock-wait/lasting", 41...50).rounded()
        return [
            fault("database-down", .database, kind, expects: ["database-down"], lasting: isClear ? 600 : 60) {
                _, now, _ in
                now.databaseUp = false
            },
            fault("connections", .database, kind, expects: ["connections"], lasting: isClear ? 1800 : 420) {
                _, now, _ in
                now.connections = used
            },
            fault("connections-full", .database, kind, expects: ["connections-full"], lasting: isClear ? 900 : 120) {
                _, now, _ in now.connections = full
            },
            fault(
                "long-query", .database, kind, expects: ["long-query"], lasting: isClear ? 2400 : 330, breachDelay: 296
            ) { since, now, _ in now.longestQuery = since + 4 },
            fault(
                "idle-in-transaction", .database, kind, expects: ["idle-in-transaction"], lasting: isClear ? 2400 : 330,
                breachDelay: 296
            ) { since, now, _ in now.idleInTransaction = since + 4 },
            fault("lock-wait", .database, kind, expects: ["lock-wait"], lasting: wait, breachDelay: 26) {
                since, now, _ in
                now.lockWait = since + 4
                now.lockWaiters = 2
            },
            fault("lock-waiters", .database, kind, expects: ["lock-waiters"], lasting: isClear ? 600 : 60) {
                _, now, _ in
                now.lockWaiters = isClear ? 45 : 22
            },
            fault("pool-pending", .database, kind, expects: ["pool-pending"], lasting: isClear ? 900 : 90) {
                _, now, _ in
                now.poolPending = isClear ? 12 : 1
            },
        ]
    }

    /// Agents, targets, logins.
    func observers(_ kind: Scenario.Kind) -> [Scenario] {
        let isClear = kind == .clear
        let burst = isClear ? 10 : 2
        return [
            // The watch opens two minutes after the last sign of life, at the latest a call of 5 s later.
            fault(
                "agent-silent", .fleet, kind, expects: ["agent-silent"], lasting: isClear ? 900 : 150, breachDelay: 120
            ) { _, now, _ in now.silentAgents = [7] },
            fault(
                "agents-blind", .fleet, kind, expects: ["agents-blind"], lasting: isClear ? 900 : 150, breachDelay: 120
            ) {
                _, now, _ in now.silentAgents = isClear ? [2, 3, 4, 5, 6] : [4, 5, 6]
            },
            fault("target-down", .fleet, kind, expects: ["target-down"], lasting: isClear ? 900 : 80) { _, now, _ in
                now.targetUp = false
            },
            logins("login-burst", kind, expects: ["login-failures"], breachDelay: isClear ? 10 : 90) { since, at in
                (0..<burst).map {
                    LoginEvent(at: at, account: "alice", address: "10.9.0.\($0)", isSuccess: since < 0)
                }
            },
            logins("login-guess", kind, expects: ["login-after-failures"], breachDelay: 120) { since, at in
                guard since <= 120, isClear || since > 30 else { return [] }
                return [LoginEvent(at: at, account: "bob", address: "10.9.1.1", isSuccess: since == 120)]
            },
            logins("login-spray", kind, expects: ["login-spray"], breachDelay: isClear ? 540 : 1080) { since, at in
                let every = isClear ? 60.0 : 120
                guard since.truncatingRemainder(dividingBy: every) == 0 else { return [] }
                return [
                    LoginEvent(at: at, account: "user\(Int(since / every))", address: "203.0.113.7", isSuccess: false)
                ]
            },
        ]
    }

    private func logins(
        _ name: String, _ kind: Scenario.Kind, expects: [String], breachDelay: Double,
        _ events: @escaping @Sendable (_ since: Double, _ at: Timestamp) -> [LoginEvent]
    ) -> Scenario {
        fault(name, .security, kind, expects: expects, breachDelay: breachDelay) { since, now, _ in
            now.logins = events(since, now.time)
        }
    }
}
