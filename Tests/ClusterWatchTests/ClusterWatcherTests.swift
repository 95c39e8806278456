import ClusterWatch
import Foundation
import KubeletReplay
import KubernetesAPI
import Telemetry
import Testing

/// Real captures through a local API server that checks tokens, and every way in which its watches go wrong.
///
/// One test after the other: each has megabytes of JSON to go through on both sides.
@Suite(.timeLimit(.minutes(5)), .serialized)
struct ClusterWatcherTests {
    /// The first lines of the replay are what the lists give; the rest comes on the watch.
    private static let before = 300

    private static func prepare(_ replay: ApiServerReplay) throws {
        for line in try ClusterCapture.lines("replay/watch-events.ndjson.gz").prefix(before) {
            try replay.send(line, to: TestCluster.events)
        }
        for line in try ClusterCapture.lines(of: "api/replicasets.json.gz", kind: "ADDED") {
            try replay.send(line, to: TestCluster.replicaSets)
        }
        for line in try ClusterCapture.lines(of: "api/deployments.json.gz", kind: "ADDED") {
            try replay.send(line, to: TestCluster.deployments)
        }
    }

    private static func sendRest(_ test: TestCluster) throws {
        for line in try ClusterCapture.lines("replay/watch-events.ndjson.gz").dropFirst(before) {
            try test.replay.send(line, to: TestCluster.events)
        }
    }

    /// All 841 occurrences of the 754 lines, each once, whatever happens between the lists and the last line.
    private func isComplete(_ breakIt: (TestCluster) async throws -> Void) async throws {
        try await TestCluster.with(preparing: Self.prepare) { test in
            try await test.untilAllStand()
            try await breakIt(test)
            try Self.sendRest(test)
            try await test.until("all occurrences") { test.stored.occurrences >= 841 }
            try await test.untilAllStand()
            #expect(test.stored.occurrences == 841)
            let rollouts = test.stored.edges.filter { $0.kind != .kubernetesEvent }
            #expect(rollouts.count == 6, "each rollout once")
            let counters = await test.watcher.counters
            #expect(counters.unreadable == 0 && counters.edgesDropped == 0 && counters.eventsShed == 0)
            #expect(counters.edgesStored == test.stored.edges.count)
            #expect(counters.events + counters.rollouts == counters.edgesStored)
            #expect(test.stored.batches.map(\.sequence) == (1...UInt64(test.stored.batches.count)).map { $0 })
        }
    }

    @Test func `five minutes of events and the rollouts of a cluster`() async throws {
        try await isComplete { _ in }
    }

    @Test func `410 in a line of the watch`() async throws {
        let line = try ClusterCapture.text("api/watch-events-410.ndjson")
        try await isComplete { $0.replay.endWatches(line: line) }
    }

    @Test func `410 as status of watch and list`() async throws {
        let body = try ClusterCapture.text("api/events-exact-old-rv-410.json")
        try await isComplete { test in
            test.replay.fail(.status(410, body), .watch)
            test.replay.fail(.status(410, body), .list)
            test.replay.endWatches()
            try await test.until("lists are refused") { test.replay.requests.count { $0.verb == .list } >= 7 }
            test.replay.fail(nil, .list)
            test.replay.fail(nil, .watch)
        }
    }

    @Test func `what the server has forgotten is listed`() async throws {
        try await isComplete { test in
            // While the watches are down, lines come and the server forgets them.
            test.replay.fail(.status(503, "{}"), .watch)
            test.replay.cutWatches()
            try Self.sendRest(test)
            test.replay.compact()
            test.replay.fail(nil, .watch)
        }
    }

    @Test func `a cut in the middle of an object`() async throws {
        let line = try #require(try ClusterCapture.lines("api/watch-events.ndjson.gz").first)
        try await isComplete { $0.replay.cutWatches(inside: line) }
    }

    @Test func `a token that rotates`() async throws {
        try await isComplete { test in
            test.replay.accept(tokens: ["rotated"])
            test.replay.cutWatches()
            let before = test.replay.requests.count
            try await test.until("401") { test.replay.requests.count >= before + 6 }
            let problems = await test.watcher.watches.compactMap(\.problem)
            #expect(problems.count == 3 && problems.allSatisfy { $0.message.contains("401") })
            try "rotated\n".write(toFile: test.tokenFile, atomically: true, encoding: .utf8)
        }
    }

    @Test func `an orderly end without a line lists events again, and nothing else`() async throws {
        try await isComplete { test in
            test.replay.endWatches()
            try await test.until("a second list of events") {
                test.replay.requests.count { $0.verb == .list && $0.uri.hasPrefix(TestCluster.events) } >= 2
            }
            try await test.untilAllStand()
            #expect(test.replay.requests.count { $0.verb == .list } == 4)
        }
    }

    @Test func `a missing right stops nothing else and is not final`() async throws {
        let refusal = #"{"kind":"Status","message":"deployments.apps is forbidden","code":403}"#
        try await TestCluster.with(preparing: { replay in
            replay.fail(.status(403, refusal), .list, at: TestCluster.deployments)
            try Self.prepare(replay)
        }) { test in
            try await test.until("two watches stand, one is refused") {
                let watches = await test.watcher.watches
                return test.replay.watchCount == 2 && watches.count { $0.problem == nil } == 2
                    && watches.contains { $0.name == "deployments" && $0.problem?.status == 403 }
            }
            let broken = await test.watcher.watches.first { $0.problem != nil }
            #expect(broken?.brokenSince == ClusterCapture.now)
            #expect(broken?.problem?.message.hasPrefix("listing deployments: 403") == true)
            try await test.until("rollouts") { test.stored.edges.count { $0.kind == .rolloutStarted } == 3 }
            test.replay.fail(nil, .list, at: TestCluster.deployments)
            try await test.untilAllStand()
            try await test.until("ends of rollouts") { test.stored.edges.count { $0.kind == .rolloutFinished } == 2 }
        }
    }

    @Test func `after a restart nothing that is stored is made again`() async throws {
        var stored: [Edge] = []
        try await TestCluster.with(pageSize: 40, preparing: Self.prepare) { test in
            try await test.untilAllStand()
            try await test.until("edges of the lists") { test.stored.edges.count { $0.kind != .kubernetesEvent } == 6 }
            let events = try ClusterCapture.events(inWatch: "replay/watch-events.ndjson.gz").prefix(Self.before)
            let known = Set(events.map(\.uid)).count
            try await test.until("events") { test.stored.edges.count == known + 6 }
            #expect(test.replay.requests.count { $0.verb == .list && $0.uri.contains("continue=40") } == 1)
            stored = test.stored.edges
        }
        try await TestCluster.with(stored: stored, preparing: Self.prepare) { test in
            try await test.untilAllStand()
            try Self.sendRest(test)
            let sum = 841 - stored.filter { $0.kind == .kubernetesEvent }.reduce(0) { $0 + $1.count }
            try await test.until("the rest") { test.stored.occurrences >= sum }
            #expect(test.stored.occurrences == sum)
            #expect(test.stored.edges.allSatisfy { $0.kind == .kubernetesEvent })
        }
    }

    @Test func `a batch that cannot be stored is offered again, and what waits is bounded`() async throws {
        try await TestCluster.with(
            configure: {
                $0.waitingMax = 20
                $0.rolloutScope = .none
            },
            preparing: { replay in
                for line in try ClusterCapture.lines("replay/watch-events.ndjson.gz").prefix(1) {
                    try replay.send(line, to: TestCluster.events)
                }
            }
        ) { test in
            try await test.untilAllStand(1)
            try await test.until("the first edge") { test.stored.edges.count == 1 }
            test.stored.refuse(true)
            let lines = try ClusterCapture.lines("replay/watch-events.ndjson.gz").dropFirst().prefix(100)
            for line in lines { try test.replay.send(line, to: TestCluster.events) }
            try await test.until("all lines, and two tries") {
                await test.watcher.counters.events == 101 && test.stored.refused.count >= 2
            }
            let offered = test.stored.refused
            #expect(Set(offered).count == 1 && offered.first?.sequence == 2)
            let first = offered.first?.edges.count ?? 0
            let dropped = await test.watcher.counters.edgesDropped
            // How many lines come in one piece decides how many find the queue full.
            #expect((100 - first - 20...80).contains(dropped))
            test.stored.refuse(false)
            try await test.until("the rest") { test.stored.edges.count == 101 - dropped }
            #expect(test.stored.batches.map(\.sequence) == (1...UInt64(test.stored.batches.count)).map { $0 })
        }
    }

    @Test func `events of the other API, rollouts of one namespace`() async throws {
        let events = "/apis/events.k8s.io/v1/namespaces/oddsmaker/events"
        let replicaSets = "/apis/apps/v1/namespaces/oddsmaker/replicasets"
        try await TestCluster.with(
            configure: {
                $0.eventsAPI = .events
                $0.rolloutScope = .namespaces(["oddsmaker"])
            },
            preparing: { replay in
                for line in try ClusterCapture.lines(of: "api/replicasets.json.gz", kind: "ADDED") {
                    try replay.send(line, to: replicaSets)
                }
            }
        ) { test in
            try await test.untilAllStand()
            for line in try ClusterCapture.lines("api/watch-events-v1.ndjson.gz") {
                try test.replay.send(line, to: events)
            }
            try await test.until("27 lines") { test.stored.edges.count { $0.kind == .kubernetesEvent } == 27 }
            #expect(test.stored.edges.count { $0.kind == .rolloutStarted } == 3)
            let stuck = test.stored.edges.filter { $0.attributes["object"]?.hasPrefix("Pod/oddsmaker-stuck") == true }
            #expect(
                !stuck.isEmpty && stuck.allSatisfy { $0.labels[LabelName.workload] == "Deployment/oddsmaker-stuck" })
        }
    }
}
