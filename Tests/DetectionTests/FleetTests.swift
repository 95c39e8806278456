import Detection
import Signals
import Telemetry
import Testing
import TocsinTestKit

/// The engine and the detectors together, on what a fleet of agents reports.
@Suite struct FleetTests {
    @Test func fiftyHealthyPodsAndOneDeadAgentStayQuiet() {
        var fleet = Fleet(pods: 50)
        for _ in 0..<20 { fleet.pass() }
        fleet.deadNodes = ["node-7"]
        for _ in 0..<60 { fleet.pass() }
        #expect(fleet.findings.isEmpty)
        #expect(fleet.points.contains { $0.coverage == Coverage(present: 49, expected: 50) })
        #expect(fleet.points.last?.coverage.expected == 49, "the dead agent's pods are expected no more")
    }

    @Test func fortyNineFailingPodsOpenWithOneAgentDead() throws {
        var fleet = Fleet(pods: 50)
        for _ in 0..<20 { fleet.pass() }
        fleet.deadNodes = ["node-7"]
        for _ in 0..<40 { fleet.pass { $1.errors += 20 } }
        let opened = try #require(fleet.findings(of: "error-rate").first)
        #expect(opened.phase == .opened)
        // The second failing cell lifts the window of five minutes over the level; then the breach must hold.
        #expect(opened.at <= at(200 + 20 + 60))
        #expect(opened.affected >= 49)
    }

    @Test func faultToFindingTakesTwoIntervalsAndTheHold() throws {
        var fleet = Fleet(pods: 3)
        for _ in 0..<40 { fleet.pass() }
        var openedAtRound: Int?
        for _ in 0..<20 where openedAtRound == nil {
            fleet.pass { $1.errors += 20 }
            if !fleet.findings.isEmpty { openedAtRound = fleet.round }
        }
        #expect(openedAtRound.map { $0 * 10 <= 400 + 20 + 60 } == true)
        let opened = try #require(fleet.findings.first)
        #expect(opened.check == "error-rate")
        #expect(opened.affected == 3)
        #expect(opened.total == 3)
    }

    @Test func aRecoverySeenByHalfTheAgentsDoesNotClose() {
        var fleet = Fleet(pods: 10)
        for _ in 0..<10 { fleet.pass() }
        for _ in 0..<20 { fleet.pass { $1.errors += 10 } }
        #expect(fleet.findings(of: "error-rate").last?.phase == .ongoing)
        // Half the agents come and go, so that their pods stay expected; what is seen is healthy.
        for round in 0..<90 {
            fleet.deadNodes = round % 5 == 4 ? [] : ["node-0", "node-1", "node-2", "node-3", "node-4"]
            fleet.pass { index, pod in pod.errors += index < 5 && round < 40 ? 10 : 0 }
            if round < 40 {
                #expect(fleet.findings(of: "error-rate").last?.phase == .ongoing)
            }
        }
        fleet.deadNodes = []
        for _ in 0..<60 { fleet.pass() }
        #expect(fleet.findings(of: "error-rate").last?.phase == .closed)
        #expect(fleet.findings(of: "error-rate").count { $0.phase == .closed } == 1)
    }

    @Test func aClockAnHourAheadDelaysNoFinding() throws {
        func onset(_ clocks: [String: Double]) throws -> Timestamp {
            var fleet = Fleet(pods: 5)
            fleet.clockAhead = clocks
            for _ in 0..<10 { fleet.pass() }
            for _ in 0..<20 { fleet.pass { $1.errors += 20 } }
            return try #require(fleet.findings(of: "error-rate").first).at
        }
        #expect(try onset(["node-2": 3600]) == onset([:]))
    }

    @Test func oneFailingPodOfManyIsNamed() throws {
        var fleet = Fleet(pods: 8)
        for _ in 0..<10 { fleet.pass() }
        for _ in 0..<30 { fleet.pass { index, pod in pod.errors += index == 3 ? 18 : 0 } }
        let finding = try #require(fleet.findings(of: "error-rate").last)
        #expect(finding.affected == 1)
        #expect(finding.total == 8)
        #expect(finding.contributors.first?.contributor == "orders-3")
        #expect(finding.explanation.hasSuffix("(1 of 8 pods in breach)."))
    }

    @Test func aRolloutOpensNothing() {
        var fleet = Fleet(pods: 3)
        for round in 0..<60 {
            if round == 20 {
                for index in fleet.pods.indices {
                    fleet.pods[index] = Fleet.Pod(
                        name: "orders-new-\(index)", node: "node-\(index)", requests: 0, seconds: 0)
                }
            }
            fleet.pass()
        }
        #expect(fleet.findings.isEmpty)
    }

    @Test func anOOMKillIsFoundOnceAndPasses() throws {
        var fleet = Fleet(pods: 3)
        for round in 0..<40 {
            fleet.pass { index, pod in
                guard round == 12, index == 1 else { return }
                pod.kills += 1
                pod.restarts += 1
            }
        }
        let found = fleet.findings(of: "oom-kill")
        #expect(found.count { $0.phase == .opened } == 1)
        #expect(found.last?.phase == .closed)
        let opened = try #require(found.first)
        #expect(opened.at == at(122), "with the look of the last pod")
        #expect(opened.contributors.map(\.contributor) == ["orders-1/app"])
        #expect(opened.explanation == "OOM kills 1, at the limit of 1 since 00:02:02Z (1 of 3 containers affected).")
        #expect(fleet.findings(of: "oom-repeated").isEmpty)
    }

    @Test func slowAnswersAreFoundByTheirMean() throws {
        var fleet = Fleet(pods: 2)
        for _ in 0..<10 { fleet.pass() }
        for _ in 0..<15 { fleet.pass { $1.seconds += 60 } }
        let finding = try #require(fleet.findings(of: "latency").last)
        #expect(abs(finding.value - 3.05) < 1e-9, "61 s over 20 requests")
        #expect(finding.explanation.hasPrefix("Mean latency 3.05 s of 240 requests over 1m, above 1 s since"))
    }

    @Test func theHeapUnderPressureIsFound() throws {
        var fleet = Fleet(pods: 1)
        let labels: LabelSet = [
            "namespace": "shop", "workload": "Deployment/orders", "pod": "orders-0", "node": "node-0", "area": "heap",
            "pool": "long-lived",
        ]
        // Usage after collection of a JVM that was filled step by step (OpenJDK 17, G1, 64 MiB).
        let recorded = [0.297542, 0.297542, 0.372745, 0.887973, 0.918535]
        for round in 0..<20 {
            fleet.feed("jvm_memory_usage_after_gc", labels, recorded[min(round, recorded.count - 1)])
            fleet.pass()
        }
        let opened = try #require(fleet.findings(of: "heap-live").first)
        #expect(opened.onsetAt == at(30))
        #expect(opened.at == at(90))
        #expect(opened.explanation.hasPrefix("Heap live after collection 91.9 %, above 85 % since 00:00:30Z"))
    }

    @Test func theDatabaseIsFoundDownFullAndBusy() throws {
        var fleet = Fleet(pods: 0)
        let labels: LabelSet = ["instance": "orders-db"]
        for round in 0..<60 {
            let isDown = (40..<46).contains(round)
            fleet.feed("pg_up", labels, isDown ? 0 : 1)
            if !isDown {
                fleet.feed("pg_settings_max_connections", labels, 100)
                fleet.feed("pg_settings_reserved_connections", labels, 3)
                fleet.feed("pg_connection_slots_exhausted", labels, (10..<20).contains(round) ? 1 : 0)
                if !(10..<20).contains(round) { fleet.feed("pg_client_connections", labels, 40) }
                fleet.feed("pg_longest_query_seconds", labels, (25..<30).contains(round) ? 301 : 0.2)
            }
            fleet.pass()
        }
        #expect(fleet.findings(of: "connections").map(\.phase).filter { $0 != .ongoing } == [.opened, .closed])
        #expect(fleet.findings(of: "long-query").map(\.phase).filter { $0 != .ongoing } == [.opened, .closed])
        let down = fleet.findings(of: "database-down").filter { $0.phase != .ongoing }
        #expect(down.map(\.phase) == [.opened, .closed])
        #expect(down.first?.onsetAt == at(403))
        #expect(down.first?.subject == Subject(cluster: "test", kind: .postgresql, path: "postgresql/orders-db"))
    }

    @Test func aReplayGivesTheSameFindings() {
        func run() -> [Finding] {
            var fleet = Fleet(pods: 7)
            var random = SeededRandom(seed: 4711)
            for _ in 0..<200 {
                fleet.deadNodes = random.next() % 4 == 0 ? ["node-\(random.next() % 7)"] : []
                let isBad = fleet.round / 40 % 2 == 1
                fleet.pass { _, pod in
                    pod.errors += Double(random.next() % (isBad ? 20 : 2))
                    if random.next() % 300 == 0 { pod.kills += 1 }
                    if random.next() % 100 == 0 { pod.requests = 0; pod.errors = 0; pod.seconds = 0 }
                }
            }
            return fleet.findings
        }
        let first = run()
        #expect(first.count > 50)
        #expect(first == run())
    }
}
