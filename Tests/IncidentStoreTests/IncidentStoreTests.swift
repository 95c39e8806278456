import Detection
import Foundation
import GRDB
import Incidents
import SQLiteFile
import Signals
import Telemetry
import Testing

@testable import IncidentStore

struct IncidentStoreTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    static func note(_ sequence: UInt64, incident: Int = 1, text: String = "seen") -> IncidentEvent {
        IncidentEvent(
            sequence: sequence, incident: IncidentID(rawValue: incident), at: Timestamp(millis: Int64(sequence) * 10),
            kind: .noted(by: "anna", text: text))
    }

    private func load(_ store: IncidentStore) async throws -> ([IncidentEvent], IncidentStore.LoadReport) {
        var events: [IncidentEvent] = []
        let report = try await store.load(batchEvents: 7) { events += $0 }
        return (events, report)
    }

    private func sql(_ statement: String, _ arguments: StatementArguments = []) throws {
        let queue = try DatabaseQueue(path: folder.path + "/" + IncidentStore.fileName, configuration: .waiting)
        try queue.write { try $0.execute(sql: statement, arguments: arguments) }
        try queue.close()
    }

    @Test func givesBackWhatWasAppendedInOrder() async throws {
        let events = (1...50).map { Self.note($0, incident: Int($0 % 3) + 1) }
        do {
            let store = try IncidentStore(directory: folder.path)
            #expect(store.openReport == .init())
            try await store.append(Array(events[..<20]))
            try await store.append([])
            try await store.append(Array(events[20...]))
        }
        let store = try IncidentStore(directory: folder.path)
        let (loaded, report) = try await load(store)
        #expect(loaded == events)
        #expect(report == .init(events: 50))
        #expect(try await store.events(of: IncidentID(rawValue: 2)) == events.filter { $0.incident.rawValue == 2 })
        #expect(try await store.incidentIDs(before: nil, limit: 2).map(\.rawValue) == [3, 2])
        #expect(try await store.incidentIDs(before: IncidentID(rawValue: 2), limit: 9).map(\.rawValue) == [1])
    }

    @Test func everyKindOfEventComesBackTheSame() async throws {
        let subject = Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/cart")
        let check = Check(
            name: "error-rate", group: "error-rate", family: .errorRate, title: "High error rate", signal: .errorRatio,
            direction: .above, enter: 0.05, leave: 0.04, holdFor: .zero, leaveFor: .zero)
        let now = Timestamp(millis: 1_700_000_000_000)
        let finding = Finding(
            subject: subject, check: check, phase: .opened, at: now, onsetAt: now, value: 0.1, worstValue: .infinity,
            threshold: 0.05, volume: 10, affected: 1, total: 2, coverage: Coverage(present: 2, expected: 2),
            contributors: [Contribution(contributor: "cart-1", value: 0.2, volume: 5)], explanation: "é \"quoted\"")
        let assessment = SeverityAssessment(
            severity: .p2, check: "error-rate", origin: "o", because: "b", sentence: "s")
        let entry = LedgerEntry(at: now, severity: .p2, check: "error-rate", rule: "r", because: "b", sentence: "s")
        let kinds: [IncidentEvent.Kind] = [
            .detected(
                subject: subject, family: .errorRate, checkGroup: "g", title: "t", episode: 1, onsetAt: now,
                detectedAt: now),
            .reopened(title: "t", episode: 2, onsetAt: now, detectedAt: now),
            .findingOpened(finding: finding, assessment: assessment),
            .findingUpdated(finding: finding, assessment: assessment), .findingClosed(finding: finding),
            .severityChanged(from: nil, to: .p2, entry: entry), .severityChanged(from: .p1, to: .p2, entry: entry),
            .acknowledged(by: "anna", severity: .p2), .noted(by: "anna", text: "line\nline"),
            .stateChanged(from: .detected, to: .investigating, by: "anna"), .resolved(by: .system, cause: nil),
            .resolved(by: .person(name: "anna"), cause: "deploy"),
        ]
        let events = kinds.enumerated().map {
            IncidentEvent(sequence: UInt64($0) + 1, incident: IncidentID(rawValue: 1), at: now, kind: $1)
        }
        let store = try IncidentStore(directory: folder.path)
        try await store.append(events)
        #expect(try await load(store).0 == events)
    }

    @Test func anAppendIsAllOrNothing() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append([Self.note(1), Self.note(2)])
        for batch in [[Self.note(3), Self.note(3)], [Self.note(2)], [Self.note(3), Self.note(1)]] {
            await #expect(throws: StoreError(.conflict, "")) { try await store.append(batch) }
        }
        await #expect(throws: StoreError(.invalid, "")) { try await store.append([Self.note(3), Self.note(0)]) }
        #expect(try await load(store).0.map(\.sequence) == [1, 2])
    }

    @Test func everyCommitIsSynced() async throws {
        let file = try SQLiteFile(
            .init(path: folder.path + "/any.sqlite", quarantineMax: 1, checksPages: true), migrator: EventTable.migrator
        )
        let (synchronous, journal) = try await file.writeWithoutTransaction { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode")
            )
        }
        #expect(synchronous == 2)
        #expect(journal == "wal")
    }

    @Test func damagedRowsAreSkippedReportedAndSetAside() async throws {
        do {
            let store = try IncidentStore(directory: folder.path)
            try await store.append((1...20).map { Self.note($0) })
        }
        try sql("UPDATE events SET body = replace(body, 'seen', 'sEEn') WHERE sequence = 5")
        try sql("UPDATE events SET at = 'yesterday' WHERE sequence = 9")
        try sql("UPDATE events SET incident = 4 WHERE sequence = 20")
        let store = try IncidentStore(directory: folder.path)
        #expect(store.openReport == .init())
        let (events, report) = try await load(store)
        #expect(events.map(\.sequence) == (1...20).filter { ![5, 9, 20].contains($0) })
        #expect(report == .init(events: 17, corruptRows: 3, corruptSequences: [5, 9, 20]))
        // The fold ends at 19, so 20 must be free again.
        try await store.append([Self.note(20, text: "new")])
        let (again, clean) = try await load(store)
        #expect(clean == .init(events: 18))
        #expect(again.last == Self.note(20, text: "new"))
    }

    @Test func aFileThatIsNoDatabaseIsSetAside() async throws {
        let path = folder.path + "/" + IncidentStore.fileName
        try Data(repeating: 0x5a, count: 10_000).write(to: URL(filePath: path))
        let store = try IncidentStore(directory: folder.path)
        #expect(store.openReport == .init(quarantinedPath: path + ".corrupt-1"))
        #expect(try Data(contentsOf: URL(filePath: path + ".corrupt-1")) == Data(repeating: 0x5a, count: 10_000))
        try await store.append([Self.note(1)])
        #expect(try await load(store).0.count == 1)
    }

    @Test func whatIsSoundInADamagedFileIsTakenOver() async throws {
        let path = folder.path + "/" + IncidentStore.fileName
        do {
            let store = try IncidentStore(directory: folder.path)
            for batch in 0..<10 {
                let first = UInt64(batch * 100 + 1)
                try await store.append(
                    (first..<first + 100).map { Self.note($0, text: String(repeating: "x", count: 300)) })
            }
        }
        let queue = try DatabaseQueue(path: path, configuration: .waiting)
        _ = try queue.inDatabase { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        // Damage a page in the middle of the table.
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        let pages = try handle.seekToEnd() / 4096
        try handle.seek(toOffset: pages / 2 * 4096)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 4096))
        try handle.close()
        let store = try IncidentStore(directory: folder.path)
        #expect(store.openReport.quarantinedPath == path + ".corrupt-1")
        let (events, report) = try await load(store)
        #expect(report.corruptRows == 0)
        #expect(events.count == store.openReport.salvage.events)
        // Batches of 50 end at the damage on either side; the page itself holds about ten rows.
        #expect((850..<1000).contains(events.count))
        #expect(events.first?.sequence == 1)
        #expect(events.last?.sequence == 1000)
        try await store.append([Self.note(1001)])
    }

    @Test func damagedFilesAreKeptUpToALimit() throws {
        let path = folder.path + "/" + IncidentStore.fileName
        for round in 1...7 {
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.removeItem(atPath: path + suffix)
            }
            try Data(repeating: 1, count: 5000).write(to: URL(filePath: path))
            let store = try IncidentStore(directory: folder.path)
            #expect(store.openReport.quarantinedPath == path + ".corrupt-\(round)")
        }
        let kept = try folder.names().filter { $0.contains(".corrupt-") }
        #expect(kept == (3...7).map { IncidentStore.fileName + ".corrupt-\($0)" })
    }

    @Test func aNewerSchemaIsRefusedAndLeftAlone() throws {
        do { _ = try IncidentStore(directory: folder.path) }
        try sql("INSERT INTO grdb_migrations (identifier) VALUES ('9 future')")
        #expect(throws: StoreError(.newerSchema, "")) { _ = try IncidentStore(directory: folder.path) }
        #expect(try folder.names().allSatisfy { !$0.contains("corrupt") })
    }

    @Test func aMissingFolderIsAnIOError() {
        #expect(throws: StoreError(.io, "")) { _ = try IncidentStore(directory: folder.path + "/missing") }
    }
}
