import CoordinatorApp
import Detection
import Telemetry
import Testing

@Suite struct WatchesTests {
    private let start = Timestamp(millis: 1_700_000_000_000)

    private func agents(_ count: Int, at time: Timestamp) -> [AgentSign] {
        (0..<count).map { AgentSign(cluster: "c", node: "node-\($0)", at: time) }
    }

    private func edge(_ kind: Edge.Kind, account: String, at time: Timestamp, count: Int = 1) -> Edge {
        Edge(
            kind, at: time, labels: ["instance": "orders"], attributes: ["account": account, "address": "10.0.0.9"],
            count: count)
    }

    /// Calls `advance` each second and gives all findings.
    private func run(_ watches: inout Watches, from: Int, to: Int, seen: (Int) -> [AgentSign] = { _ in [] })
        -> [Finding]
    {
        (from...to).flatMap { second -> [Finding] in
            let now = start + .seconds(second)
            if watches.isDue(at: now) { watches.seen(seen(second)) }
            return watches.advance(to: now)
        }
    }

    @Test func anAgentThatFallsSilentOpensAndClosesOneFinding() {
        var watches = Watches(startedAt: start)
        let alive = run(&watches, from: 0, to: 60) { agents(3, at: start + .seconds($0)) }
        #expect(alive.isEmpty)
        let others = { (second: Int) in Array(agents(3, at: start + .seconds(second)).dropFirst()) }
        let silent = run(&watches, from: 61, to: 200, seen: others)
        #expect(silent.filter { $0.phase == .opened }.map(\.subject.path) == ["agent/node-0"])
        let back = run(&watches, from: 201, to: 230) { agents(3, at: start + .seconds($0)) }
        #expect(back.filter { $0.phase == .closed }.map(\.subject.path) == ["agent/node-0"])
    }

    @Test func manyAtOnceAreOneBlindFinding() {
        var watches = Watches(startedAt: start)
        _ = run(&watches, from: 0, to: 60) { agents(10, at: start + .seconds($0)) }
        let findings = run(&watches, from: 61, to: 240) { second in
            Array(agents(10, at: start + .seconds(second)).dropFirst(4))
        }
        #expect(findings.filter { $0.phase == .opened }.map(\.check) == ["agents-blind"])
    }

    @Test func anAgentThatStaysAwayAfterARestartIsMissed() {
        var watches = Watches(startedAt: start)
        let known = agents(2, at: start + .seconds(-30))
        #expect(watches.restore(agents: known, open: [], at: start).isEmpty)
        let findings = run(&watches, from: 0, to: 200) {
            [AgentSign(cluster: "c", node: "node-1", at: start + .seconds($0))]
        }
        #expect(findings.filter { $0.phase == .opened }.map(\.subject.path) == ["agent/node-0"])
    }

    @Test func loginsAmongEdgesOpenFindingsAndRestartsKeepThem() throws {
        var watches = Watches(startedAt: start)
        let failures = [edge(.loginFailed, account: "ann", at: start, count: 30)]
        watches.take(failures + [edge(.podGone, account: "x", at: start)], cluster: "c", clockOffset: .zero, now: start)
        let opened = try #require(watches.advance(to: start).first)
        #expect(opened.check == "login-failures")
        #expect(opened.phase == .opened)
        #expect(opened.subject.path == "postgresql/orders")
        watches.take(
            [edge(.loginSucceeded, account: "ann", at: start + .seconds(5))], cluster: "c", clockOffset: .zero,
            now: start + .seconds(5))
        #expect(watches.advance(to: start + .seconds(6)).contains { $0.check == "login-after-failures" })

        var after = Watches(startedAt: start)
        let open = DetectorBank.OpenFinding(subject: opened.subject, check: opened.check, onsetAt: opened.onsetAt)
        #expect(after.restore(agents: [], open: [open], at: start + .seconds(60)).isEmpty)
        let closed = run(&after, from: 60, to: 2000).filter { $0.phase == .closed }
        #expect(closed.map(\.check) == ["login-failures"])
        #expect(closed.first?.onsetAt == opened.onsetAt)
    }

    @Test func aRefusedFileIsAFindingUntilItIsMended() {
        var watches = Watches(startedAt: start)
        watches.thresholds(file: "thresholds.yaml", errors: ["thresholds.yaml:3:1: x"], at: start)
        #expect(watches.advance(to: start).map(\.phase) == [.opened])
        watches.thresholds(file: "thresholds.yaml", errors: [], at: start + .seconds(1))
        #expect(watches.advance(to: start + .seconds(1)).map(\.phase) == [.closed])
    }

    /// Whatever the watches find has a row in the severity table to name.
    @Test func theirChecksAreKnown() {
        let names = Set(Watches(startedAt: start).checks.map(\.name))
        #expect(
            names == [
                "agent-silent", "agents-blind", "configuration-refused", "login-failures", "login-after-failures",
                "login-spray",
            ])
    }
}
