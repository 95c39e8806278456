import Foundation
import Testing
import TocsinTestKit

/// Database files that were damaged while the coordinator was stopped.
///
/// `TOCSIN_DAMAGE_SEEDS` has so many further choices of bits tried on each file.
@Suite(.serialized)
struct DamagedStoreTests {
    /// A file of the data directory, by the name under which it is counted.
    enum File: String, CaseIterable {
        case samples, cells, incidents
    }

    /// What is done to which file; `log` is done to the write-ahead log beside it.
    private struct Case {
        var file: File
        var damage: Damage
        var isOfLog = false
        var isSpoolGone = false

        var name: String {
            "\(file)\(isOfLog ? "' log" : ""): \(damage)\(isSpoolGone ? ", and the agent's spool is gone" : "")"
        }
    }

    private static let cases = [
        Case(file: .samples, damage: .cut(0.5)), Case(file: .samples, damage: .empty, isSpoolGone: true),
        Case(file: .samples, damage: .flip(bits: 40, seed: 2)),
        Case(file: .samples, damage: .flip(bits: 1, seed: 1), isOfLog: true),
        Case(file: .cells, damage: .cut(0.6)), Case(file: .cells, damage: .flip(bits: 40, seed: 3)),
        Case(file: .incidents, damage: .cut(0.85)), Case(file: .incidents, damage: .empty),
        Case(file: .incidents, damage: .flip(bits: 1, seed: 4)),
        Case(file: .incidents, damage: .flip(bits: 40, seed: 5)),
        Case(file: .incidents, damage: .flipAt(0.5), isOfLog: true),
    ]

    @Test("The coordinator starts on any damage, tells of it, serves what is intact, and takes what is new")
    func damagedWhileStopped() async throws {
        let history = try await StoredHistory()
        defer { history.stopServices() }
        let seeds = ProcessInfo.processInfo.environment["TOCSIN_DAMAGE_SEEDS"].flatMap(Int.init) ?? 0
        let further = (0..<seeds).flatMap { seed in
            File.allCases.flatMap { file in
                [false, true].map { isOfLog in
                    Case(
                        file: file, damage: .flip(bits: [1, 4, 20][seed % 3], seed: UInt64(1000 + seed)),
                        isOfLog: isOfLog)
                }
            }
        }
        for one in seeds > 0 ? further : Self.cases { try await start(history, after: one) }
    }

    private func start(_ history: StoredHistory, after one: Case) async throws {
        let (file, damage) = (one.file, one.damage)
        try await history.restore(mergesLogs: !one.isOfLog)
        if one.isSpoolGone { try FileManager.default.removeItem(atPath: history.lab.path("agent-node-a")) }
        let folder = history.lab.path("coordinator")
        try damage.apply(to: "\(folder)/\(file).sqlite\(one.isOfLog ? "-wal" : "")")
        let fleet = try await history.start()
        let missing = try await history.judge(fleet)
        let log = try await history.log()
        let figures = try await history.figures().coordinator
        let aside = figures["tocsin_coordinator_databases_set_aside_total{file=\"\(file)\"}"] ?? -1
        let damagedEvents = figures["tocsin_coordinator_incident_events_damaged_total"] ?? -1
        let isAside = try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.contains(".corrupt-") }
        let said = fleet.coordinator.lines.contains {
            $0.contains("set aside") || $0.contains("cannot be read any more")
        }
        FileHandle.standardOutput.write(
            Data(
                "damage: \(one.name): set aside \(aside), events damaged \(damagedEvents), samples missing \(missing), notes \(log.notes)\n"
                    .utf8))
        if isAside {
            #expect(aside == 1 || damagedEvents > 0, "\(one.name): it is counted")
            #expect(said, "\(one.name): the log says so")
        } else {
            #expect(aside == 0, "\(one.name)")
        }
        switch damage {
        case .cut, .empty: #expect(isAside, "\(one.name)")
        case .flip, .flipAt: break
        }
        if file != .samples { #expect(missing == 0, "\(one.name): samples are in another file") }
        if one.isSpoolGone { #expect(missing > 0, "\(one.name): nobody has them any more") }
        if file == .incidents {
            #expect(
                log == history.log || aside == 1 || damagedEvents > 0,
                "\(one.name): \(log) instead of \(history.log), and nobody says so")
            if case .cut = damage { #expect(log.notes > 5, "\(one.name): what is left of it is taken over") }
        } else {
            #expect(log == history.log, "\(one.name): the incident log is in another file")
        }
        try await history.stop(fleet)
    }
}
