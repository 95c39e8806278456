import Detection
import Scenarios
import Testing

@Suite struct ScenarioTests {
    private static let seed: UInt64 = 20_261_125

    @Test func thereAreEnoughAndTheirNamesDiffer() {
        let all = ScenarioCatalog.all(seed: Self.seed)
        #expect(all.count >= 60)
        #expect(Set(all.map(\.name)).count == all.count)
        for family in Family.allCases {
            for kind in Scenario.Kind.allCases {
                #expect(all.contains { $0.family == family && $0.kind == kind }, "\(family) \(kind)")
            }
        }
    }

    @Test(arguments: [
        "errors-clear", "errors-idle-service-clear", "latency-one-pod-clear", "heap-leak-clear", "oom-kill-clear",
        "none-ready-clear", "connections-full-clear", "latency-unusual-clear", "agents-blind-clear",
        "login-spray-clear",
    ])
    func clearFaultsAreFound(name: String) throws {
        let outcome = try play(name)
        #expect(outcome.isDetected)
        #expect(outcome.falseFindings.isEmpty)
        #expect((outcome.delayIntervals ?? 0) <= 18, "a leak's floor takes 18 cells")
    }

    @Test(arguments: [
        "quiet-deploy", "quiet-nightly-batch", "quiet-one-error-idle-service", "quiet-one-of-three",
        "quiet-scale-down", "quiet-probe-outage", "quiet-clock-jump", "quiet-counter-reset",
        "quiet-coordinator-restart", "quiet-error-burst-20s", "quiet-gc-after-start", "quiet-agent-restart",
    ])
    func whatLooksLikeAFaultIsQuiet(name: String) throws {
        #expect(try play(name).falseFindings == [])
    }

    @Test func mostMarginalFaultsAreFound() throws {
        let noise = try QuietNoise.recorded()
        let marginal = ScenarioCatalog.all(seed: Self.seed).filter { $0.kind == .marginal && $0.seconds < 5000 }
        let outcomes = marginal.filter { $0.family == .database || $0.family == .errorRate }.map { scenario in
            var world = ScenarioWorld(scenario, seed: Self.seed, noise: noise)
            return world.run()
        }
        #expect(ScenarioSummary(outcomes).marginalDetected >= 0.9)
    }

    @Test func aSeedGivesTheSameOutcomeAgain() throws {
        let one = try play("errors-marginal")
        let other = try play("errors-marginal")
        #expect(one.sentence == other.sentence && one.delayIntervals == other.delayIntervals)
    }

    @Test func aHealthyWeekIsQuiet() throws {
        var week = SimulatedMonth(
            workloads: 2, days: 2, stepSeconds: 30, seed: Self.seed, noise: try QuietNoise.recorded())
        #expect(week.run().findings.map(\.explanation) == [])
    }

    private func play(_ name: String) throws -> ScenarioOutcome {
        let scenario = try #require(ScenarioCatalog.all(seed: Self.seed).first { $0.name == name })
        var world = ScenarioWorld(scenario, seed: Self.seed, noise: try QuietNoise.recorded())
        return world.run()
    }
}
