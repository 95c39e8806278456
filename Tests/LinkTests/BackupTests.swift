import AgentApp
import Foundation
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

/// `tocsin-coordinator backup`: taken while everything works, restored after the machine is gone.
@Suite(.serialized)
struct BackupTests {
    private struct Audit: Decodable, Sendable, Hashable {
        var user: String
        var call: String
        var outcome: String
        var subject: String?
        var intact: Bool
    }

    private struct Replay: Decodable {
        struct Gap: Decodable {
            var reason: String
        }
        var hasState: Bool
        var gaps: [Gap]
    }

    private struct Report: Decodable {
        struct File: Decodable {
            var name: String
            var bytes: Int
        }
        var startedAt: Double
        var endedAt: Double
        var files: [File]
        var leftOut: [String]
    }

    private let feed: FeedLab
    private let lab: TocsinLab

    init() async throws {
        feed = try await FeedLab(
            nodes: ["node-a", "node-b"],
            more: "agents: {suspectAfter: 7s, silentAfter: 9s, incidentAfter: 12s}")
        lab = feed.lab
    }

    private func backup(to destination: String) async throws -> TocsinLab.Output {
        let process = try ChildProcess(
            "\(lab.binaries)/tocsin-coordinator", ["backup", destination, "--config", lab.path("coordinator.yaml")],
            directory: lab.folder.path)
        let exit = try await process.waitForExit(timeout: .seconds(60))
        return TocsinLab.Output(lines: process.lines, exit: exit)
    }

    /// Records a round of samples of now and gives its time.
    private func record(_ feed: AgentFeed, _ number: Int) async -> Int64 {
        let now = Timestamp(millis: Int64(Date().timeIntervalSince1970 * 1000))
        await feed.record(
            (0..<40).map { series in
                Sample(
                    Series("backup_test", ["series": "\(series)", "node": "node-a"]), now, Double(number * series) + 0.3
                )
            })
        return now.millis
    }

    /// What a copy must hold.
    private struct Expected {
        /// Times of rounds that were acknowledged before it was begun.
        var before: [Int64]
        var incident: TocsinLab.Incident
        var audit: [Audit]
    }

    @Test("A copy taken under load holds every acknowledged sample, the incidents and the audit log")
    func underLoad() async throws {
        try await restored(try await copied())
    }

    /// An incident with an audit record: node-b is heard of once.
    private func acknowledgedIncident() async throws -> TocsinLab.Incident {
        let short = try await feed.feed(node: "node-b")
        let shortRun = Task { try await short.run() }
        await short.record([Sample(Series("once"), Timestamp(seconds: Date().timeIntervalSince1970), 1)])
        _ = try await lab.eventually(within: .seconds(20)) { await short.unacknowledged == 0 ? true : nil }
        shortRun.cancel()
        try? await shortRun.value
        let opened = try #require(
            try await lab.eventually(within: .seconds(60)) {
                try await lab.incidents().first { $0.subject == "agent/node-b" }
            })
        #expect(try await lab.tocsin(["incident", "ack", opened.id]).exit == .code(0))
        return opened
    }

    /// Takes the copy while an agent sends without a pause; the machine is gone afterwards.
    private func copied() async throws -> Expected {
        let coordinator = try await lab.startCoordinator()
        let link = try await feed.feed()
        let run = Task { try await link.run() }
        let opened = try await acknowledgedIncident()

        // Where the coordinator keeps an authority of its own, as with `tokens.authority`.
        let key = lab.path("coordinator/tls/ca.key")
        try FileManager.default.createDirectory(atPath: lab.path("coordinator/tls"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: lab.path("tls/ca.key"), toPath: key)

        // Rounds without a pause, and the copy in the middle of them.
        let acknowledged = Mutex<[Int64]>([])
        let load = Task {
            var number = 0
            var waiting: [Int64] = []
            while !Task.isCancelled {
                waiting.append(await record(link, number))
                number += 1
                // Now and then all that was recorded has been acknowledged: that much a copy must hold from here on.
                while number % 25 == 0, await link.unacknowledged > 0, !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(5))
                }
                if await link.unacknowledged == 0 {
                    acknowledged.withLock { [waiting] in $0 += waiting }
                    waiting = []
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        _ = try await lab.eventually(within: .seconds(30)) { acknowledged.withLock { $0.count } > 100 ? true : nil }
        let before = acknowledged.withLock { $0 }
        let output = try await backup(to: lab.path("copy"))
        #expect(output.exit == .code(0), "\(output.text)")
        _ = try await lab.eventually(within: .seconds(10)) {
            acknowledged.withLock { $0.count } > before.count + 50 ? true : nil
        }
        let incidents = try await lab.incidents()
        let audit = try await lab.json([Audit].self, ["audit"])
        #expect(!incidents.isEmpty && audit.contains { $0.call == "AcknowledgeIncident" && $0.outcome == "done" })
        #expect(try await feed.counter("store_failing") == 0, "the copy stopped nobody's work")

        let report = try JSONDecoder().decode(
            Report.self, from: Data(contentsOf: URL(fileURLWithPath: lab.path("copy/backup.json"))))
        #expect(report.leftOut.isEmpty && report.endedAt >= report.startedAt)
        #expect(
            Set(report.files.map(\.name)).isSuperset(of: [
                "samples.sqlite", "incidents.sqlite", "cells.sqlite", "tls/ca.key",
            ]))
        #expect(
            try String(contentsOfFile: lab.path("copy/tls/ca.key"), encoding: .utf8)
                == String(contentsOfFile: key, encoding: .utf8))
        let rights = try FileManager.default.attributesOfItem(atPath: lab.path("copy/tls/ca.key"))[.posixPermissions]
        #expect((rights as? NSNumber)?.intValue == 0o600, "a key stays its owner's")
        #expect(try await backup(to: lab.path("copy")).exit == .code(1), "a copy is not written over")

        load.cancel()
        await load.value
        coordinator.kill()
        _ = try await coordinator.waitForExit()
        run.cancel()
        try? await run.value
        return Expected(before: before, incident: opened, audit: audit)
    }

    /// The copy becomes the data folder of another machine.
    private func restored(_ expected: Expected) async throws {
        let (before, incident, audit) = (expected.before, expected.incident, expected.audit)
        let manager = FileManager.default
        try manager.removeItem(atPath: lab.path("coordinator"))
        try manager.moveItem(atPath: lab.path("copy"), toPath: lab.path("coordinator"))
        let coordinator = try await lab.startCoordinator()
        let stored = Set(try await feed.times("backup_test{series=\"7\"}"))
        #expect(
            before.count > 100 && stored.isSuperset(of: before), "\(Set(before).subtracting(stored).count) are missing")
        #expect(try await lab.incidents().contains { $0.id == incident.id && $0.subject == incident.subject })
        #expect(try await lab.json([Audit].self, ["audit"]) == audit, "every record, unbroken")

        let replay = try await lab.json(Replay.self, ["replay", "--since", "1h"])
        #expect(replay.hasState && replay.gaps.map(\.reason) == ["the coordinator was not running"])

        // The agent goes on; what only the old machine had is told as lost.
        let after = try await feed.feed()
        let resumed = Task { try await after.run() }
        let fresh = await record(after, 99)
        let arrived = try await lab.eventually(within: .seconds(30)) {
            try await feed.times("backup_test{series=\"7\"}").contains(fresh) ? true : nil
        }
        #expect(arrived == true)
        resumed.cancel()
        try? await resumed.value
        try await coordinator.terminate()
    }

    @Test("No copy is made of what is no data folder, and none is left half made")
    func refusals() async throws {
        let missing = try await backup(to: lab.path("nothing"))
        #expect(missing.exit == .code(1) && missing.text.contains("no incidents.sqlite"), "\(missing.text)")
        let coordinator = try await lab.startCoordinator()
        try FileManager.default.createDirectory(atPath: lab.path("full"), withIntermediateDirectories: false)
        _ = try lab.folder.write("x", to: "full/x")
        #expect(try await backup(to: lab.path("full")).exit == .code(1))
        try await coordinator.terminate()
        // Damage in the samples' file: the incidents are copied all the same, and the exit code tells.
        let path = lab.path("coordinator/samples.sqlite")
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: 0)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 8192))
        try file.close()
        let damaged = try await backup(to: lab.path("partial"))
        #expect(damaged.exit == .code(1) && damaged.text.contains("left out"), "\(damaged.text)")
        let names = try FileManager.default.contentsOfDirectory(atPath: lab.path("partial")).sorted()
        #expect(names.contains("incidents.sqlite") && !names.contains { $0.hasPrefix("samples") })
        #expect(!FileManager.default.fileExists(atPath: lab.path("partial.partial")))
    }
}
