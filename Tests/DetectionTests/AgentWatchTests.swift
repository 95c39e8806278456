import Detection
import Foundation
import Signals
import Telemetry
import Testing

@Suite struct AgentWatchTests {
    /// Lets agents report every 5 s from `start` to `end`, and gives what the watch found.
    private func run(
        _ watch: inout AgentWatch, from start: Double, to end: Double, live: [Int], cluster: String = "test"
    ) -> [Finding] {
        var findings: [Finding] = []
        for second in stride(from: start, to: end, by: 5) {
            for node in live { watch.seen(cluster: cluster, node: "node-\(node)", at: at(second)) }
            findings += watch.advance(to: at(second))
        }
        return findings
    }

    private func watch(_ agents: Int) -> AgentWatch {
        var watch = AgentWatch(startedAt: at(0))
        for node in 0..<agents { watch.seen(cluster: "test", node: "node-\(node)", at: at(0)) }
        return watch
    }

    @Test func oneSilentAgentHasAFindingAfterTwoMinutes() throws {
        var watch = watch(10)
        let live = Array(1..<10)
        let findings = run(&watch, from: 0, to: 300, live: live)
        let opened = try #require(findings.first)
        #expect(findings.filter { $0.phase == .opened }.count == 1)
        #expect(opened.at == at(120))
        #expect(opened.onsetAt == at(0))
        #expect(opened.subject == Subject(cluster: "test", kind: .agent, path: "agent/node-0"))
        #expect(opened.check == "agent-silent" && opened.checkGroup == "agent" && opened.family == .fleet)
        #expect(opened.explanation == "No sign of life from the agent on node-0 for 2m, since 00:00:00Z.")
        let after = run(&watch, from: 300, to: 320, live: live + [0])
        #expect(after.map(\.phase) == [.closed])
        #expect(after.first?.explanation == "The agent on node-0 reports again, after 5m.")
    }

    @Test func suspectAndSilentComeBeforeTheFinding() {
        var watch = watch(2)
        var states: [AgentWatch.State?] = []
        for second in [10.0, 15, 25, 30, 60] {
            watch.seen(cluster: "test", node: "node-1", at: at(second))
            #expect(watch.advance(to: at(second)).isEmpty)
            states.append(watch.state(cluster: "test", node: "node-0"))
        }
        #expect(states == [.live, .suspect, .suspect, .silent, .silent] as [AgentWatch.State?])
        #expect(watch.agents.map(\.state) == [.silent, .live])
        #expect(watch.state(cluster: "test", node: "other") == nil)
    }

    @Test func manyAtOnceAreOneBlindFinding() throws {
        var watch = watch(10)
        let findings = run(&watch, from: 0, to: 300, live: Array(3..<10))
        #expect(Set(findings.map(\.check)) == ["agents-blind"])
        #expect(findings.filter { $0.phase == .opened }.count == 1)
        let opened = try #require(findings.first)
        #expect(opened.at == at(120))
        #expect(opened.subject.path == "agent/*")
        #expect(opened.affected == 3 && opened.total == 10 && opened.value == 0.3)
        #expect(opened.contributors.map(\.contributor) == ["node-0", "node-1", "node-2"])
        let after = run(&watch, from: 300, to: 330, live: Array(0..<10))
        #expect(after.map(\.phase) == [.closed])
    }

    @Test(arguments: [(agents: 15, silent: 3), (agents: 4, silent: 2)])
    func fewAtOnceAreFindingsOfTheirOwn(agents: Int, silent: Int) {
        var watch = watch(agents)
        let findings = run(&watch, from: 0, to: 200, live: Array(silent..<agents))
        #expect(findings.filter { $0.phase == .opened }.map(\.check) == Array(repeating: "agent-silent", count: silent))
    }

    @Test func oneAfterTheOtherIsNotAtOnce() {
        var watch = watch(10)
        var findings = run(&watch, from: 0, to: 600, live: Array(1..<10))
        findings += run(&watch, from: 600, to: 1200, live: Array(2..<10))
        findings += run(&watch, from: 1200, to: 1800, live: Array(3..<10))
        #expect(
            findings.filter { $0.phase == .opened }.map(\.check) == ["agent-silent", "agent-silent", "agent-silent"])
    }

    @Test func blindAbsorbsWhatStandsAndGivesItBack() {
        var watch = watch(10)
        var findings = run(&watch, from: 0, to: 600, live: Array(1..<10))
        #expect(findings.filter { $0.phase == .opened }.map(\.subject.path) == ["agent/node-0"])
        findings = run(&watch, from: 600, to: 900, live: Array(5..<10))
        #expect(findings.filter { $0.phase != .ongoing }.map(\.subject.path) == ["agent/node-0", "agent/*"])
        #expect(findings.filter { $0.phase != .ongoing }.map(\.phase) == [.closed, .opened])
        findings = run(&watch, from: 900, to: 960, live: Array(1..<10))
        #expect(findings.filter { $0.phase != .ongoing }.map(\.subject.path) == ["agent/*", "agent/node-0"])
        #expect(findings.filter { $0.phase != .ongoing }.map(\.phase) == [.closed, .opened])
    }

    @Test func aStandstillOfTheCoordinatorIsNoSilence() {
        var watch = watch(10)
        _ = run(&watch, from: 0, to: 60, live: Array(0..<10))
        #expect(watch.advance(to: at(900)).isEmpty)
        #expect(run(&watch, from: 905, to: 1000, live: Array(0..<10)).isEmpty)
    }

    @Test func aClockThatJumpsBackBlindsNobody() {
        var watch = watch(4)
        _ = run(&watch, from: 3600, to: 3700, live: Array(0..<4))
        let findings = run(&watch, from: 100, to: 400, live: Array(1..<4))
        #expect(findings.filter { $0.phase == .opened }.map(\.subject.path) == ["agent/node-0"])
    }

    @Test func clustersAreJudgedApart() {
        var watch = watch(4)
        for node in 0..<20 { watch.seen(cluster: "other", node: "node-\(node)", at: at(0)) }
        var findings: [Finding] = []
        for second in stride(from: 0.0, to: 200, by: 5) {
            for node in 0..<20 { watch.seen(cluster: "other", node: "node-\(node)", at: at(second)) }
            findings += watch.advance(to: at(second))
        }
        #expect(findings.filter { $0.phase == .opened }.map(\.subject.cluster) == ["test"])
    }

    @Test func anAgentThatStaysAwayIsForgottenAndItsFindingSaysSo() throws {
        var watch = watch(2)
        let findings = run(&watch, from: 0, to: 3600, live: [1]).filter { $0.phase != .ongoing }
        #expect(findings.map(\.phase) == [.opened], "it is an incident first")
        #expect(watch.takeForgotten().isEmpty)
        let closed = run(&watch, from: 3600, to: 3610, live: [1])
        #expect(closed.map(\.phase) == [.closed])
        #expect(
            closed.first?.explanation == "Not back after 1h: the node node-0 is taken for gone, and forgotten.")
        #expect(watch.takeForgotten().map(\.node) == ["node-0"])
        #expect(watch.takeForgotten().isEmpty)
        // The registry may still name it: an old sign is none.
        watch.seen(cluster: "test", node: "node-0", at: at(0))
        #expect(run(&watch, from: 3610, to: 4000, live: [1]).isEmpty)
        #expect(watch.agents.map(\.node) == ["node-1"])
        #expect(run(&watch, from: 4000, to: 4010, live: [0, 1]).isEmpty && watch.agents.count == 2, "it may come back")
    }

    @Test func whileManyAreSilentNobodyIsForgottenForADay() {
        var watch = watch(10)
        let live = Array(5..<10)
        let first = run(&watch, from: 0, to: 80_000, live: live).filter { $0.phase != .ongoing }
        #expect(first.map(\.check) == ["agents-blind"])
        #expect(watch.agents.count == 10)
        // Three come back: the others have findings of their own, which stand as long as any.
        let most = Array(2..<10)
        let own = run(&watch, from: 80_000, to: 83_000, live: most).filter { $0.phase != .ongoing }
        #expect(own.map(\.subject.path) == ["agent/*", "agent/node-0", "agent/node-1"])
        let gone = run(&watch, from: 83_000, to: 84_000, live: most).filter { $0.phase != .ongoing }
        #expect(gone.map(\.phase) == [.closed, .closed])
        #expect(watch.agents.count == 8)
    }

    @Test func allThatAreSilentForADayAreForgottenAndTheBlindFindingCloses() {
        var watch = watch(4)
        let findings = run(&watch, from: 0, to: 86_420, live: []).filter { $0.phase != .ongoing }
        #expect(findings.map(\.check) == ["agents-blind", "agents-blind"])
        #expect(findings.map(\.phase) == [.opened, .closed] && watch.agents.isEmpty)
    }

    @Test func theLongestSilentMakesRoom() {
        var watch = AgentWatch(configuration: .init(agentsMax: 2), startedAt: at(0))
        for node in 0..<2 { watch.seen(cluster: "test", node: "node-\(node)", at: at(0)) }
        _ = run(&watch, from: 0, to: 200, live: [1])
        watch.seen(cluster: "test", node: "node-2", at: at(200))
        let findings = watch.advance(to: at(200))
        #expect(findings.map(\.phase) == [.closed])
        #expect(
            findings.first?.explanation
                == "Silent for 3m15s, the agent on node-0 is forgotten to make room for another.")
        #expect(watch.agents.map(\.node) == ["node-1", "node-2"] && watch.refusedCount == 0)
        watch.seen(cluster: "test", node: "node-3", at: at(200))
        #expect(watch.agents.map(\.node) == ["node-1", "node-2"] && watch.refusedCount == 1)
    }

    @Test func afterARestartNobodyIsSilentAtOnceAndWhatStoodStands() throws {
        var watch = watch(10)
        _ = run(&watch, from: 0, to: 300, live: Array(1..<10))
        let bytes = try JSONEncoder().encode(watch.snapshot)
        var other = AgentWatch(startedAt: at(900))
        other.restore(try JSONDecoder().decode(AgentWatch.Snapshot.self, from: bytes), at: at(900))
        let findings = run(&other, from: 900, to: 1100, live: Array(1..<10))
        #expect(!findings.contains { $0.phase != .ongoing || $0.subject.path != "agent/node-0" } && !findings.isEmpty)

        var third = AgentWatch(startedAt: at(900))
        let mine = DetectorBank.OpenFinding(
            subject: Subject(cluster: "test", kind: .agent, path: "agent/node-0"), check: "agent-silent", onsetAt: at(0)
        )
        let foreign = DetectorBank.OpenFinding(subject: orders, check: "latency", onsetAt: at(0))
        #expect(third.restore(open: [mine, foreign], at: at(900)) == [foreign])
        third.seen(cluster: "test", node: "node-0", at: at(905))
        #expect(third.advance(to: at(905)).map(\.phase) == [.closed])
    }

    @Test func agentsAreBounded() {
        var watch = AgentWatch(configuration: .init(agentsMax: 1), startedAt: at(0))
        watch.seen(cluster: "test", node: "a", at: at(0))
        watch.seen(cluster: "test", node: "b", at: at(0))
        #expect(watch.agents.map(\.node) == ["a"])
        #expect(watch.refusedCount == 1)
    }
}
