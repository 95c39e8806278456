import SampleLink
import Testing

/// Both machines under seeded chance.
///
/// A failing seed is in the test's name and runs alone.
@Suite struct LinkSimulationTests {
    private struct Weather {
        var restores = false
        var forgets = false
        var damage = false
        var drops = false
    }

    private func run(seed: UInt64, _ weather: Weather) -> LinkWorld {
        var world = LinkWorld(seed: seed, usesLanes: !seed.isMultiple(of: 3))
        for _ in 0..<3000 {
            step(&world, weather)
            if !world.faults.isEmpty { return world }
        }
        drain(&world)
        return world
    }

    private func step(_ world: inout LinkWorld, _ weather: Weather) {
        switch Int.random(in: 0..<100, using: &world.random) {
        case 0..<15: world.append()
        case 15..<25: world.connect()
        case 25..<45: world.send()
        case 45..<65: world.deliverUp()
        case 65..<80: world.deliverDown()
        case 80..<90: world.commit(Int.random(in: 1...5, using: &world.random))
        case 90..<92: world.disconnect()
        case 92: world.restartAgent()
        case 93: world.crashCoordinator()
        case 94 where weather.drops: world.dropOldest()
        case 95 where weather.damage: world.damageOne()
        case 96 where weather.restores && world.chance(1, in: 4): world.restoreOldCopy()
        case 97 where weather.restores && world.copy == nil: world.copy = world.spool
        case 98 where weather.forgets && world.chance(1, in: 4): world.forget()
        default: break
        }
    }

    /// No more faults: all that is held must arrive.
    private func drain(_ world: inout LinkWorld) {
        for _ in 0..<100_000 where world.faults.isEmpty {
            world.connect()
            world.send()
            world.deliverUp()
            world.commit(10)
            world.deliverDown()
            if world.agent.isStreaming, world.agent.backlog == 0, world.up.isEmpty, world.down.isEmpty { return }
        }
        world.faults.append("did not drain")
    }

    private func check(_ world: LinkWorld, seed: UInt64) {
        let note: Comment = "seed \(seed)"
        #expect(world.faults == [], note)
        var copies: [Int: Int] = [:]
        for (id, entries) in world.store.stored {
            #expect(Set(entries.map(\.sequence)).count == entries.count, note)
            if !world.usesLanes {
                #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.sequence < $1.sequence }, note)
            }
            let losses = world.store.losses[id] ?? []
            for entry in entries {
                copies[entry.payload, default: 0] += 1
                #expect(!losses.contains { $0.contains(entry.sequence) }, note)
            }
        }
        #expect(copies.allSatisfy { $0.value == 1 || world.repeatable.contains($0.key) }, note)
        for (payload, place) in world.appended where copies[payload] == nil {
            let declared = world.store.losses[place.session]?.contains { $0.contains(place.sequence) } ?? false
            let known = declared || world.lostByAgent.contains(payload) || world.vanished.contains(payload)
            #expect(known, "seed \(seed): payload \(payload) at \(place) is neither stored nor lost")
        }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>) func crashesLoseNothing(seed: UInt64) {
        let world = run(seed: seed, Weather())
        check(world, seed: seed)
        #expect(world.store.losses.values.allSatisfy { $0.isEmpty })
        #expect(world.store.stored.values.map(\.count).reduce(0, +) == world.nextPayload)
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>) func droppedAndDamagedAreDeclared(seed: UInt64) {
        let world = run(seed: seed, Weather(damage: true, drops: true))
        check(world, seed: seed)
        // Declared to the coordinator, not merely known to the agent: there is one session, and it explains every hole.
        let stored = world.store.stored[0, default: []].map(\.sequence)
        let lost = world.store.losses[0, default: []].flatMap { Array($0) }
        #expect((stored + lost).sorted() == Array(1...world.spool.last))
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>) func forgetfulCoordinator(seed: UInt64) {
        let world = run(seed: seed, Weather(forgets: true, drops: true))
        check(world, seed: seed)
    }

    @Test(arguments: 1...120 as ClosedRange<UInt64>) func oldCopiesOfTheSpool(seed: UInt64) {
        let world = run(seed: seed, Weather(restores: true, damage: true, drops: true))
        check(world, seed: seed)
    }

    @Test func theSimulationSeesEachEvent() {
        var events: [String: Int] = [:]
        for seed in 1...40 as ClosedRange<UInt64> {
            let world = run(seed: seed, Weather(restores: true, forgets: true, damage: true, drops: true))
            events.merge(world.events, uniquingKeysWith: +)
        }
        for event in [
            "restored", "new session", "forgot", "reconnect", "loss by spool", "loss by coordinator", "backfill",
        ] {
            #expect(events[event, default: 0] > 0, "\(event) never happened")
        }
    }
}
