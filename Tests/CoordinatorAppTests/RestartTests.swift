import Detection
import Incidents
import Telemetry
import Testing

@testable import CoordinatorApp

@Suite struct RestartTests {
    private let feed: CoreFeed
    private let end = CoreFeed.start + .seconds(2400)

    init() throws { feed = try CoreFeed() }

    @Test func aReplayOfARunFindsTheSame() throws {
        var live = feed.core(at: CoreFeed.start)
        let changes = feed.run(&live, from: CoreFeed.start, to: end)
        #expect(
            changes.map { "\($0.phase) \($0.check)" } == [
                "opened database-down", "closed database-down", "opened long-query", "opened error-rate",
                "closed long-query", "closed error-rate",
            ], "\(changes)")
        var other = feed.core(at: CoreFeed.start)
        let replayed = other.replay(feed.recording(from: CoreFeed.start, to: end), to: end)
        let found = replayed.filter { $0.phase != .ongoing }.map { CoreFeed.Change($0, $0.phase) }
        #expect(found == changes)
        #expect(other.points == live.points)
    }

    /// Wherever the coordinator is killed, and however long it is away: the log says the same as without.
    @Test(arguments: [605, 625, 640, 700, 785, 820, 1210, 1290, 1330, 1345, 1420, 1505, 1700], [0, 2, 20, 45])
    func aRestartChangesNothing(second: Int, away: Int) throws {
        var whole = feed.core(at: CoreFeed.start)
        let expected = feed.run(&whole, from: CoreFeed.start, to: end)

        var before = feed.core(at: CoreFeed.start)
        let killedAt = CoreFeed.start + .seconds(second)
        var changes = feed.run(&before, from: CoreFeed.start, to: killedAt)

        let startedAt = killedAt + .seconds(away)
        let from = killedAt - .seconds(480)
        var after = feed.core(at: from, book: before.book)
        let open = before.book.openFindings.map {
            DetectorBank.OpenFinding(subject: $0.subject, check: $0.check, onsetAt: $0.onsetAt)
        }
        #expect(after.bank.restore(open: open, at: from).isEmpty)
        let stored = feed.recording(from: from, to: killedAt - .milliseconds(300))
        let replayed = after.replay(stored, to: killedAt)
        changes += CoreFeed.changes(after.reconcile(after: replayed, now: startedAt))
        after.catchUp = CatchUp(
            awaiting: [.init(cluster: "c", node: "node-0"), .init(cluster: "c", node: "node-1")],
            startedAt: startedAt)
        // The agents deliver what they kept when they are back, a second after the start.
        let kept = feed.recording(from: killedAt - .milliseconds(299), to: startedAt)
        for item in kept.items {
            if case .samples(let samples) = item.content {
                after.ingest(samples: samples, cluster: item.cluster, agent: item.agent)
            }
        }
        changes += feed.run(&after, from: startedAt, to: end)
        #expect(changes == expected, "killed at \(second) for \(away) s")
        #expect(after.book.incidents.count == whole.book.incidents.count)
        #expect(after.book.openIncidents.isEmpty)
    }

    @Test func anAgentThatStaysAwayDelaysForFifteenSecondsOnly() {
        var waiting = CatchUp(awaiting: [.init(cluster: "c", node: "gone")], startedAt: CoreFeed.start)
        #expect(!waiting.isOver(at: CoreFeed.start + .seconds(14)))
        #expect(waiting.isOver(at: CoreFeed.start + .seconds(15)))
        let old = [Sample(Series("pg_up"), CoreFeed.start - .seconds(1), 1)]
        waiting.add(samples: old, cluster: "c", agent: "gone", clockOffset: .zero)
        #expect(!waiting.isOver(at: CoreFeed.start + .seconds(1)), "what it kept is not the last of it")
        let new = [Sample(Series("pg_up"), CoreFeed.start + .seconds(61), 1)]
        waiting.add(samples: new, cluster: "c", agent: "gone", clockOffset: .seconds(60))
        #expect(waiting.isOver(at: CoreFeed.start + .seconds(2)))
        #expect(waiting.sorted.items.map(\.at) == [CoreFeed.start - .seconds(1), CoreFeed.start + .seconds(1)])
    }
}
