import CellStore
import ConfigurationKit
import CoordinatorSettings
import Detection
import Foundation
import IncidentStore
import Incidents
import Logging
import Runbook
import SampleStore
import Signals
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

@testable import CoordinatorApp

/// A real run — PostgreSQL, agent and coordinator as processes — and what its stores say afterwards.
@Suite(.serialized)
struct RecordedRunTests {
    @Test(
        "A recorded live run replays from its stored samples to the same findings, with a clock an hour ahead too",
        arguments: [0, 3600])
    func replayEqualsLive(ahead: Int) async throws {
        let began = Timestamp(seconds: Date().timeIntervalSince1970)
        let database = try await PostgresCluster.start(.init(maxConnections: 20))
        try await database.execute("CREATE ROLE tocsin LOGIN; GRANT pg_monitor TO tocsin")
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: "node-a", interval: "1s",
            probes: """
                databases:
                  - {name: orders, host: 127.0.0.1, port: \(database.port), database: postgres, user: tocsin, sslMode: disable}
                """)
        let coordinator = try await lab.startCoordinator()
        var variables: [String: String] = [:]
        if ahead != 0 {
            let clock = try FakeClock(in: lab.folder)
            try clock.set(ahead: ahead)
            variables = clock.variables
        }
        let agent = try lab.startAgent(node: "node-a", variables: variables)
        for round in 0..<2 {
            try #require(
                try await lab.eventually(within: .seconds(60)) {
                    try await lab.targets().contains { $0.outcome == "success" && $0.id.hasPrefix("postgresql/") }
                        ? true : nil
                } == true)
            try await database.kill9()
            try #require(
                try await lab.eventually(within: .seconds(60)) {
                    try await lab.incidents().contains { $0.checkGroup == "down" && $0.state != "resolved" }
                        ? true : nil
                } == true, "round \(round)")
            try await database.start()
            try #require(
                try await lab.eventually(within: .seconds(90)) {
                    try await lab.incidents().contains { $0.state != "resolved" } ? nil : true
                } == true, "round \(round)")
        }
        // Live, the last cell may close by the clock; in a record only what comes after it can close it.
        // An answer of the command line has the agent's times, so what has come is told by its number.
        let over = Date().timeIntervalSince1970
        let before = try await lab.agents().first?.samplesTotal ?? 0
        try #require(
            try await lab.eventually(within: .seconds(60)) {
                let samples = try await lab.agents().first?.samplesTotal ?? 0
                return Date().timeIntervalSince1970 > over + 5 && samples > before + 100 ? true : nil
            } == true)
        let asked = try await lab.json(Replay.self, ["replay", "--since", "1h"])
        try await expectOtherThresholds(in: lab)
        try await agent.terminate()
        try await coordinator.terminate()

        let live = try await logged(in: lab.path("coordinator"))
        #expect(live.filter { $0.check == "database-down" }.count == 4, "\(live)")
        try await expectStoredCells(in: lab, say: live, as: asked)
        let replayed = try await replayed(lab, from: began)
        #expect(replayed == live)
    }

    /// A caller's own thresholds decide, and wrong ones are refused with their place.
    private func expectOtherThresholds(in lab: TocsinLab) async throws {
        func file(_ checks: String) throws -> String {
            let severity = "severity: [{check: \"*\", level: P3, because: degraded}]"
            _ = try lab.folder.write("kind: thresholds\n\(checks)\n\(severity)\n", to: "own.yaml")
            return lab.path("own.yaml")
        }
        let patient = try file(
            """
            checks:
              database-down: {family: database, title: Down, signal: database_up, below: 0.5, for: 1h, leaveFor: 1m}
            """)
        let found = try await lab.json(Replay.self, ["replay", "--since", "1h", "--thresholds", patient])
        #expect(found.findings.isEmpty && found.cells > 100)
        let refused = try await lab.tocsin([
            "replay", "--thresholds", try file("checks: {down: {signal: database_up}}"),
        ])
        #expect(refused.exit == .code(2) && refused.text.contains("thresholds:2:"), "\(refused.text)")
    }

    /// What the command line says of a replay.
    private struct Replay: Decodable {
        struct Finding: Decodable {
            var at: String
            var onsetAt: String
            var phase: String
            var check: String
            var subject: String
            var value: Double
        }

        var hasState: Bool
        var cells: Int
        var findings: [Finding]
    }

    /// The cells that the coordinator stored say the same as its incidents' log, onsets included whatever the clock.
    private func expectStoredCells(in lab: TocsinLab, say live: [CoreFeed.Change], as asked: Replay) async throws {
        let store = try CellStore(directory: lab.path("coordinator"))
        let thresholds = try thresholds(lab)
        let replay = CellReplay(
            store,
            .init(
                from: Timestamp(millis: 0), to: Timestamp(seconds: Date().timeIntervalSince1970 + 10), lead: .zero,
                isOther: false
            ) { thresholds.checks(for: $0) })
        var found: [Finding] = []
        while let part = try await replay.next() { found += part }
        let changes = found.filter { $0.phase != .ongoing }.map { CoreFeed.Change($0, $0.phase) }
        #expect(changes == live)
        let summary = await replay.summary
        #expect(summary.gaps.isEmpty && summary.hasState && summary.cells > 100)

        #expect(asked.hasState && asked.cells > 100)
        let texts = live.map {
            "\($0.phase) \($0.check) \($0.subject) \($0.at.rfc3339) \($0.onsetAt.rfc3339) \($0.value)"
        }
        #expect(
            asked.findings.map { "\($0.phase) \($0.check) \($0.subject) \($0.at) \($0.onsetAt) \($0.value)" } == texts)
    }

    private func thresholds(_ lab: TocsinLab) throws -> ThresholdSettings {
        try ThresholdSettings.load(path: lab.path("thresholds.yaml"), step: .seconds(1), environment: [:]).value
    }

    private func logged(in directory: String) async throws -> [CoreFeed.Change] {
        let store = try IncidentStore(directory: directory)
        let events = Mutex<[IncidentEvent]>([])
        _ = try await store.load { part in events.withLock { $0 += part } }
        return CoreFeed.changes(events.withLock { $0 })
    }

    private func replayed(_ lab: TocsinLab, from oldest: Timestamp) async throws -> [CoreFeed.Change] {
        let store = try SampleStore(directory: lab.path("coordinator"))
        let newest = Timestamp(seconds: Date().timeIntervalSince1970)
        let thresholds = try thresholds(lab)
        let watches = Watches(startedAt: oldest)
        var core = DetectionCore(
            engine: SignalEngine(configuration: .init(step: .seconds(1)), startedAt: oldest),
            bank: DetectorBank { thresholds.checks(for: $0) }, watches: watches,
            book: IncidentBook(severities: SeverityTable(thresholds, watches: watches)),
            escalation: EscalationMachine(policy: thresholds.escalation), thresholds: thresholds)
        var stored = try await StoredRecording(samples: store)
        let recording = try await stored.read(from: oldest, to: newest)
        let last = try #require(recording.items.last?.at)
        return core.replay(recording, to: last).filter { $0.phase != .ongoing }.map { CoreFeed.Change($0, $0.phase) }
    }
}
