import AgentApp
import Foundation
import Telemetry
import Testing
import TocsinTestKit

/// After an outage: what is new first, the backlog beside it, nothing twice and nothing missing.
@Suite(.serialized)
struct LaneTests {
    /// One sample a series that says which round it is of; long values, so that a backlog has some size.
    private func round(_ number: Int, at time: Timestamp) -> [Sample] {
        (0..<40).map { series in
            Sample(
                Series("lane_test", ["series": "\(series)", "node": "node-a"]), time,
                (Double(number) + 0.1).squareRoot() * Double(series + 1))
        }
    }

    private func now() -> Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    @Test("What is new arrives while a backlog of ten minutes drains at its rate; all arrives once")
    func freshBeforeBacklog() async throws {
        let lab = try await FeedLab()
        // 600 rounds of an outage, some 300 bytes each: half a minute at this rate.
        let feed = try await lab.feed(backfillBytesPerSecond: 6 << 10)
        let end = now()
        let backlog = (0..<600).map { end - .seconds(600 - $0) }
        for (number, time) in backlog.enumerated() { await feed.record(round(number, at: time)) }

        let coordinator = try await lab.lab.startCoordinator()
        let link = Task { try await feed.run() }
        let fresh = now()
        await feed.record(round(9999, at: fresh))
        let seen = try await lab.lab.eventually(within: .seconds(30)) {
            try await lab.times("lane_test{series=\"7\"}").contains(fresh.millis) ? true : nil
        }
        #expect(seen == true, "the sample of now is there")
        let waiting = await feed.unacknowledged
        #expect(waiting > 100, "while most of the backlog is still on its way")
        #expect(try await lab.counter("samples_backfilled_total") < 600 * 40)

        let expected = backlog.map(\.millis) + [fresh.millis]
        let whole = try await lab.lab.eventually(within: .seconds(120)) { () -> [Int64]? in
            guard await feed.unacknowledged == 0 else { return nil }
            return try await lab.times("lane_test{series=\"7\"}")
        }
        #expect(whole == expected, "each round once, in order")
        let backfilled = try await lab.counter("samples_backfilled_total")
        #expect(backfilled > 400 * 40 && backfilled < 600 * 40)
        link.cancel()
        try? await link.value
        try await coordinator.terminate()
    }

    @Test("A coordinator and a link that break off in the middle of a backlog go on where they were")
    func interruptedBacklog() async throws {
        let lab = try await FeedLab()
        let end = now()
        let backlog = (0..<400).map { end - .seconds(400 - $0) }
        var extra: [Timestamp] = []
        do {
            let feed = try await lab.feed()
            for (number, time) in backlog.enumerated() { await feed.record(round(number, at: time)) }
            let run = Task { try await feed.run() }
            run.cancel()
            try? await run.value
        }
        var coordinator = try await lab.lab.startCoordinator()
        for _ in 0..<3 {
            let feed = try await lab.feed(backfillBytesPerSecond: 24 << 10)
            let link = Task { try await feed.run() }
            extra.append(now())
            await feed.record(round(extra.count, at: extra[extra.count - 1]))
            let time = extra[extra.count - 1].millis
            let arrived = try await lab.lab.eventually(within: .seconds(30)) {
                try await lab.times("lane_test{series=\"7\"}").contains(time) ? true : nil
            }
            try #require(arrived == true)
            coordinator.kill()
            _ = try await coordinator.waitForExit()
            link.cancel()
            try? await link.value
            coordinator = try await lab.lab.startCoordinator()
        }
        let feed = try await lab.feed()
        let link = Task { try await feed.run() }
        let whole = try await lab.lab.eventually(within: .seconds(120)) { () -> [Int64]? in
            guard await feed.unacknowledged == 0 else { return nil }
            return try await lab.times("lane_test{series=\"7\"}")
        }
        #expect(whole == (backlog + extra).map(\.millis), "each round once")
        link.cancel()
        try? await link.value
        try await coordinator.terminate()
    }
}
