import TargetAssignment
import Testing
import TocsinTestKit

/// A fleet of agents that give signs of life to one machine, second by second.
private struct Fleet {
    static let target = "postgresql/orders"
    static let lease = Duration.seconds(10)
    /// Lease, deadline and margin: after this long without a sign an agent has stopped for certain.
    static let hold = 13

    var machine: AssignmentMachine
    var second = 0
    var agents: [String: Set<TargetGrant>] = [:]
    var cut: Set<String> = []
    /// What each agent sees of the target: true when it fails.
    var isFailing: [String: Bool] = [:]
    /// The most that probed it at one time.
    var probersMax = 0

    init(_ names: [String]) {
        machine = Self.machine(at: 0)
        for name in names { agents[name] = [] }
    }

    static func machine(at second: Int) -> AssignmentMachine {
        AssignmentMachine(
            configuration: .init(lease: lease), targets: [.init(id: target, deadline: .seconds(2))],
            now: .seconds(second))
    }

    /// Order of the given agents.
    static func order(_ names: [String]) -> [String] { RendezvousOrder.agents(names, for: target) }

    /// Lets seconds pass; each agent that can be reached gives a sign of life, others stop when their lease ends.
    mutating func run(_ seconds: Int) {
        for _ in 0..<seconds {
            second += 1
            for name in agents.keys.sorted() where !cut.contains(name) {
                let grants = machine.heard(from: name, holding: agents[name] ?? [], now: .seconds(second))
                agents[name] = Set(grants)
                lastHeard[name] = second
                if !grants.isEmpty {
                    machine.reported(
                        Self.target, isFailing: isFailing[name] ?? false, by: name, now: .seconds(second))
                }
                probersMax = max(probersMax, probers.count)
            }
            for name in cut where second - (lastHeard[name] ?? 0) >= 10 { agents[name] = [] }
            probersMax = max(probersMax, probers.count)
        }
    }

    private var lastHeard: [String: Int] = [:]

    var probers: [String] { agents.filter { !$0.value.isEmpty }.keys.sorted() }
    var owner: String? { machine.owner(of: Self.target, now: .seconds(second)) }
    func role(_ name: String) -> TargetGrant.Role? { agents[name]?.first?.role }
}

struct AssignmentMachineTests {
    private static let names = (1...20).map { "node-\($0)" }

    @Test func theFirstInTheOrderOwnsOnceOldLeasesHaveRunOut() {
        var fleet = Fleet(Self.names)
        fleet.run(Fleet.hold - 1)
        #expect(fleet.probers.isEmpty, "a coordinator before may have granted it until now")
        fleet.run(2)
        #expect(fleet.probers == [Fleet.order(Self.names)[0]])
        fleet.run(60)
        #expect(fleet.probersMax == 1)
    }

    @Test func aSilentOwnerIsReplacedWhenItHasStoppedForCertain() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let first = try #require(fleet.owner)
        fleet.cut = [first]
        fleet.run(9)
        #expect(fleet.probers == [first], "cut off, it goes on until its lease ends")
        fleet.run(3)
        #expect(fleet.probers.isEmpty)
        fleet.run(3)
        #expect(fleet.owner == Fleet.order(Self.names)[1])
        #expect(fleet.probersMax == 1)
        // It comes back and stands first: after a whole lease it takes over again, one at a time.
        fleet.cut = []
        fleet.run(5)
        #expect(fleet.owner != first)
        fleet.run(15)
        #expect(fleet.owner == first)
        #expect(fleet.probersMax == 1)
    }

    @Test func aRestartedOwnerGoesOnAtOnce() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let owner = try #require(fleet.owner)
        fleet.agents[owner] = []
        fleet.run(1)
        #expect(fleet.probers == [owner])
        #expect(fleet.probersMax == 1)
    }

    @Test func aRestartedCoordinatorLeavesTheTargetWithItsOwner() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let owner = try #require(fleet.owner)
        fleet.machine = Fleet.machine(at: fleet.second)
        fleet.run(40)
        #expect(fleet.probers == [owner])
        #expect(fleet.probersMax == 1)
    }

    @Test func aRestartedCoordinatorWaitsForAnOwnerThatItDoesNotHear() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let owner = try #require(fleet.owner)
        fleet.cut = [owner]
        fleet.machine = Fleet.machine(at: fleet.second)
        fleet.run(40)
        #expect(fleet.probers == [Fleet.order(Self.names)[1]])
        #expect(fleet.probersMax == 1)
    }

    @Test func anOwnerThatLeavesInOrderIsReplacedAtOnce() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let first = try #require(fleet.owner)
        fleet.agents[first] = nil
        fleet.machine.left(first, now: .seconds(fleet.second))
        fleet.run(1)
        #expect(fleet.owner == Fleet.order(Self.names)[1])
        #expect(fleet.probersMax == 1)
    }

    @Test func downCountsWhenAWitnessSaysSoToo() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let order = Fleet.order(Self.names)
        fleet.isFailing[order[0]] = true
        fleet.run(3)
        #expect(!fleet.machine.isDownConfirmed(Fleet.target, now: .seconds(fleet.second)))
        for name in Self.names { fleet.isFailing[name] = true }
        fleet.run(2)
        #expect(fleet.role(order[1]) == .witness)
        #expect(fleet.machine.isDownConfirmed(Fleet.target, now: .seconds(fleet.second)))
        #expect(fleet.probersMax == 2)
        for name in Self.names { fleet.isFailing[name] = false }
        fleet.run(4)
        #expect(fleet.probers == [order[0]], "the witness is no longer needed")
        #expect(fleet.probersMax == 2)
    }

    @Test func whatAnOwnerSaidBeforeItWasKnownCounts() {
        // After a restart the report comes before the heartbeat that says what is held, and is not repeated.
        var machine = Fleet.machine(at: 0)
        let names = ["node-1", "node-2"]
        let holding: Set<TargetGrant> = [TargetGrant(target: Fleet.target, role: .owner)]
        machine.reported(Fleet.target, isFailing: true, by: "node-1", now: .seconds(1))
        var roles: [String: TargetGrant.Role?] = [:]
        for second in 1...20 {
            for name in names {
                let held = second == 1 && name == "node-1" ? holding : []
                roles[name] = machine.heard(from: name, holding: held, now: .seconds(second)).first?.role
            }
        }
        #expect(roles == ["node-1": .owner, "node-2": .witness])
    }

    @Test func anOwnerThatAloneSeesItDownIsPassedOver() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let order = Fleet.order(Self.names)
        fleet.isFailing[order[0]] = true
        fleet.run(8)
        #expect(fleet.owner == order[0])
        #expect(!fleet.machine.isDownConfirmed(Fleet.target, now: .seconds(fleet.second)))
        fleet.run(10)
        #expect(fleet.owner == order[1])
        #expect(fleet.role(order[1]) == .owner)
        fleet.run(40)
        #expect(fleet.owner == order[1], "it does not go back while the other one is passed over")
        #expect(fleet.probersMax == 2)
    }

    @Test func aLoneAgentIsBelieved() {
        var fleet = Fleet(["node-1"])
        fleet.isFailing["node-1"] = true
        fleet.run(20)
        #expect(fleet.probers == ["node-1"])
        #expect(fleet.machine.isDownConfirmed(Fleet.target, now: .seconds(fleet.second)))
    }

    @Test func aWitnessThatFallsSilentIsReplacedNotDoubled() {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let order = Fleet.order(Self.names)
        for name in Self.names { fleet.isFailing[name] = true }
        fleet.run(4)
        fleet.cut = [order[1]]
        fleet.run(30)
        #expect(fleet.role(order[2]) == .witness)
        fleet.cut = [order[0], order[1]]
        fleet.run(40)
        #expect(fleet.owner == order[2])
        #expect(fleet.probersMax == 2)
    }

    @Test func samplesCountWhenTheirAgentHadTheRole() throws {
        var fleet = Fleet(Self.names)
        fleet.run(20)
        let first = try #require(fleet.owner)
        fleet.cut = [first]
        fleet.run(20)
        let second = try #require(fleet.owner)
        func counts(_ agent: String, _ at: Int) -> Bool {
            fleet.machine.counts(Fleet.target, from: agent, at: .seconds(at))
        }
        #expect(counts(first, 15), "what it spooled while it was the owner arrives late and counts")
        #expect(!counts(first, 38), "what it took afterwards does not")
        #expect(counts(second, 38))
        #expect(!counts(second, 15))
        #expect(counts(second, -5), "before this coordinator's time nobody here knows better")
        #expect(!fleet.machine.knows("postgresql/other"))
    }

    /// Any mix of partitions, kills, coordinator restarts and failures: never a third prober.
    @Test(arguments: 1...20)
    func neverMoreThanTwoWhateverHappens(seed: Int) {
        var generator = SeededRandom(seed: UInt64(seed))
        let names = Array(Self.names.prefix(6))
        var fleet = Fleet(names)
        for _ in 0..<60 {
            fleet.run(Int.random(in: 1...12, using: &generator))
            let name = names.randomElement(using: &generator) ?? names[0]
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: fleet.cut.insert(name)
            case 1: fleet.cut = []
            case 2: if !fleet.cut.contains(name) { fleet.agents[name] = [] }
            case 3: fleet.machine = Fleet.machine(at: fleet.second)
            case 4: fleet.isFailing[name] = Bool.random(using: &generator)
            default: for name in names { fleet.isFailing[name] = Bool.random(using: &generator) }
            }
            #expect(fleet.probersMax <= 2)
        }
        fleet.cut = []
        fleet.isFailing = [:]
        fleet.run(150)
        #expect(fleet.probers.count == 1, "and in calm one of them has it")
    }
}
