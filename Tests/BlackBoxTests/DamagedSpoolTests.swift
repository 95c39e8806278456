import Foundation
import Testing
import TocsinTestKit

/// An agent's spool that was damaged while its process was away.
///
/// `TOCSIN_DAMAGE_SEEDS` has so many further choices of bits tried on each file.
@Suite(.serialized)
struct DamagedSpoolTests {
    /// A file of the spool.
    private enum File: String, CaseIterable {
        case segment = ".seg"
        case marks = "STATE"
        case identity = "SPOOL"
    }

    private static let damages: [(File, Damage)] = [
        (.segment, .cut(0.97)), (.segment, .flipAt(0.85)), (.segment, .flip(bits: 8, seed: 6)), (.segment, .cut(0.6)),
        (.segment, .empty), (.marks, .empty), (.identity, .flip(bits: 3, seed: 7)),
    ]

    /// What is in no file any more and was never sent is told with its time, whatever took it.
    @Test(
        "The agent starts on any damage, sends what is intact, and declares the rest with its time",
        arguments: [false, true])
    func damagedWhileStopped(isKilled: Bool) async throws {
        let history = try await StoredHistory(killsAgent: isKilled)
        defer { history.stopServices() }
        let seeds = ProcessInfo.processInfo.environment["TOCSIN_DAMAGE_SEEDS"].flatMap(Int.init) ?? 0
        let further = (0..<seeds).flatMap { seed in
            File.allCases.map { ($0, Damage.flip(bits: [1, 4, 20][seed % 3], seed: UInt64(2000 + seed))) }
        }
        for (file, damage) in seeds > 0 ? further : Self.damages {
            try await start(history, after: damage, of: file)
        }
    }

    private func start(_ history: StoredHistory, after damage: Damage, of file: File) async throws {
        try await history.restore()
        let folder = history.lab.path("agent-\(StoredHistory.node)/spool/data")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let name = try #require(names.last { $0.hasSuffix(file.rawValue) })
        try damage.apply(to: "\(folder)/\(name)")
        let fleet = try await history.start()
        let missing = try await history.judge(fleet)
        let figures = try await history.figures()
        let lost = figures.coordinator["tocsin_coordinator_samples_lost_total"] ?? -1
        let given = figures.agent.first { $0.key.hasPrefix("tocsin_agent_samples_lost_total") }?.value ?? -1
        let said = fleet.agent.lines.filter { $0.contains("spool") || $0.contains("did not end in order") }
        FileHandle.standardOutput.write(
            Data(
                """
                damage: \(name): \(damage): numbers missing \(missing), samples lost \(given) by the agent, \(lost) by \
                the coordinator\n
                """.utf8))
        if history.endsInOrder {
            if missing > 0 { #expect(!said.isEmpty || given > 0, "\(damage): \(fleet.agent.lines.prefix(10))") }
        } else {
            #expect(said.contains { $0.contains("did not end in order") }, "\(damage): the log says so")
        }
        if file != .segment { #expect(missing == 0 || !history.endsInOrder, "\(damage): all records are there") }
        #expect(try await history.log() == history.log)
        try await history.stop(fleet)
    }
}
