import Foundation
import Incidents
import Testing

/// Virtual days of a shop in trouble, many times over: `make simulate SEEDS=1000`, one again with `SEED=17`.
struct SimulationTests {
    /// The seeds of this run: one to be replayed, so many as are asked for, or some tens.
    static var seeds: ClosedRange<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["TOCSIN_SIMULATION_SEED"].flatMap({ UInt64($0) }) { return seed...seed }
        return 1...max(1, environment["TOCSIN_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 24)
    }

    @Test(
        "Whatever happens, the log is the book, nothing is lost or doubled, each level is explained, each episode ends")
    func everySeedHolds() async throws {
        let width = UInt64(ProcessInfo.processInfo.activeProcessorCount)
        let outcomes = await withTaskGroup(of: [Outcome].self) { group in
            for lane in 0..<width {
                group.addTask { Self.seeds.filter { $0 % width == lane }.map { Outcome(seed: $0) } }
            }
            return await group.reduce(into: [Outcome]()) { $0 += $1 }
        }
        for failure in outcomes.compactMap(\.failure).prefix(3) { Issue.record("\(failure)") }
        #expect(outcomes.count == Self.seeds.count)
        let total = { (count: (Outcome) -> Int) in outcomes.reduce(0) { $0 + count($1) } }
        // A simulation in which nothing happens proves nothing.
        guard Self.seeds.count >= 10 else { return }
        #expect(total(\.events) > 200 * Self.seeds.count)
        #expect(total(\.restarts) > Self.seeds.count && total(\.clockJumps) > Self.seeds.count)
        let kinds = outcomes.reduce(into: Set<String>()) { $0.formUnion($1.kinds) }
        #expect(
            kinds.isSuperset(of: [
                "detected", "reopened", "finding_updated", "severity_changed", "acknowledged", "state_changed",
                "noted", "joined", "parted", "impact_changed", "recovery_held", "resolved", "silence_added",
                "silence_expired",
            ]))
    }

    @Test("A fault put in on purpose is found", arguments: Mutation.allCases)
    func canaryIsFound(mutation: Mutation) {
        let found = (UInt64(1)...30).lazy.compactMap { Outcome(seed: $0, mutation: mutation).failure }.first
        #expect(found != nil, "\(mutation.rawValue) goes unnoticed")
    }

    /// What a run came to.
    private struct Outcome: Sendable {
        var failure: SimulationFailure?
        var events: Int
        var restarts: Int
        var clockJumps: Int
        var kinds: Set<String>

        init(seed: UInt64, mutation: Mutation? = nil) {
            var simulation = Simulation(seed: seed, mutation: mutation)
            do throws(SimulationFailure) {
                try simulation.run()
            } catch {
                failure = error
            }
            events = simulation.log.count
            restarts = simulation.restarts
            clockJumps = simulation.clockJumps
            kinds = Set(simulation.log.map(\.kind.name))
        }
    }
}
