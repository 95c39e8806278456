import Foundation
import Testing
import TocsinTestKit

/// The coordinator comes back to agents that have a backlog: what is new does not wait for it.
@Suite(.serialized)
struct BacklogTests {
    /// Longer than any pause between two attempts to connect, so that the agent has got used to its absence.
    private static let away: Duration = .seconds(30)
    private static let interval = 1.0

    private func down(_ fleet: DatabaseFleet, after moment: Double) async throws -> TocsinLab.Incident? {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return try await fleet.lab.eventually(within: .seconds(60), every: .milliseconds(100)) {
            try await fleet.lab.incidents().first {
                try $0.checkGroup == "down" && $0.state == "detected"
                    && Date($0.openedAt, strategy: format).timeIntervalSince1970 > moment
            }
        }
    }

    private func resolved(_ fleet: DatabaseFleet) async throws -> Bool {
        try await fleet.lab.eventually(within: .seconds(60)) {
            try await fleet.lab.incidents().allSatisfy { $0.state == "resolved" } ? true : nil
        } ?? false
    }

    @Test("A fault after the coordinator's return is found within an interval of when it always is, beside the backlog")
    func freshFirst() async throws {
        // So much that a backlog of the absence takes longer than the fault to be found.
        let services = try (0..<8).map { _ in try NumberedService() }
        defer { for service in services { service.stop() } }
        let targets = services.enumerated().map { "  - {name: service-\($0), url: \"\($1.url)\"}" }
        let fleet = try await DatabaseFleet(
            agent: "spool: {backfillRate: 2KiB}\nactuators:\n" + targets.joined(separator: "\n"))
        let metrics = MetricsPage(port: fleet.lab.httpPort)
        func backfilled() async throws -> Double {
            try await metrics.figures()["tocsin_coordinator_samples_backfilled_total"] ?? -1
        }
        var coordinator = try await fleet.lab.startCoordinator()
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed())

        // What it takes without a backlog.
        var faultAt = Date().timeIntervalSince1970
        try await fleet.database.kill9()
        try #require(try await down(fleet, after: faultAt) != nil)
        let usual = Date().timeIntervalSince1970 - faultAt
        try await fleet.database.start()
        try #require(try await resolved(fleet))

        coordinator.kill()
        _ = try await coordinator.waitForExit()
        let goneAt = Date().timeIntervalSince1970
        try await Task.sleep(for: Self.away)
        coordinator = try await fleet.lab.startCoordinator()
        faultAt = Date().timeIntervalSince1970
        try await fleet.database.kill9()
        let opened = try await down(fleet, after: faultAt)
        let took = Date().timeIntervalSince1970 - faultAt
        let before = try await backfilled()
        FileHandle.standardOutput.write(
            Data("backlog: \(took) s to the incident, \(usual) s without; \(before) samples backfilled\n".utf8))
        try #require(opened != nil)
        #expect(took < usual + Self.interval, "\(took) s instead of \(usual) s")

        try await fleet.database.start()
        #expect(try await resolved(fleet))
        let whole = try await fleet.lab.eventually(within: .seconds(60), every: .seconds(1)) { () -> [Double]? in
            let times = try await fleet.samples("probe_up{target=\"postgresql/orders\"}").map(\.time)
            let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
            return (gaps.max() ?? 99) < 2.5 && (times.first ?? .infinity) < goneAt ? times : nil
        }
        // It comes in bursts, each paid for with a pause.
        let isDrained = try await fleet.lab.eventually(within: .seconds(30), every: .seconds(1)) {
            try await backfilled() > before ? true : nil
        }
        #expect(isDrained == true, "the backlog was still on its way when the incident opened")
        #expect(whole != nil, "no second of the absence is missing in the end")
        #expect(Set(whole ?? []).count == whole?.count, "and none is there twice")
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
