import Foundation
import GRDB
import Incidents
import SQLiteFile
import Telemetry
import Testing

@testable import IncidentStore

@Suite struct AuditTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func record(
        _ second: Int64, user: String = "ada", subject: String = "INC-1", outcome: AuditRecord.Outcome = .done
    ) -> AuditRecord {
        AuditRecord(
            at: Timestamp(millis: 1_700_000_000_000 + second * 1000), user: user, role: "responder",
            peer: "ipv4:10.0.0.7:51312", call: "AcknowledgeIncident", subject: subject, outcome: outcome,
            before: "detected P2", after: "investigating P2")
    }

    @Test func aRecordIsStoredWithItsEventsOrNotAtAll() async throws {
        let event = IncidentStoreTests.note(1)
        do {
            let store = try IncidentStore(directory: folder.path)
            try await store.append([event], audit: record(1))
            // The event's sequence is taken: neither it nor its record is stored.
            await #expect(throws: StoreError.self) { try await store.append([event], audit: record(2)) }
            try await store.append(audit: record(3, outcome: .refused))
        }
        let store = try IncidentStore(directory: folder.path)
        let answer = try await store.auditRecords(.init())
        #expect(answer.records.map(\.record) == [record(1), record(3, outcome: .refused)])
        #expect(answer.records.map(\.sequence) == [1, 2])
        #expect(answer.records.allSatisfy(\.isIntact) && answer.unreadable == 0)
    }

    @Test func theDatabaseRefusesToChangeOrForget() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append(audit: record(1))
        for sql in ["DELETE FROM audit", "UPDATE audit SET user = 'eve'"] {
            await #expect(throws: StoreError.self) { try await store.file.write { try $0.execute(sql: sql) } }
        }
        #expect(try await store.auditRecords(.init()).records.map(\.record) == [record(1)])
    }

    @Test func aRowThatWasTamperedWithIsShownAsSuch() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append(audit: record(1))
        try await store.file.write { database in
            try database.execute(sql: "DROP TRIGGER audit_keeps_values")
            try database.execute(
                sql: "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'ada', 'eve') AS BLOB)")
        }
        let stored = try #require(try await store.auditRecords(.init()).records.first)
        #expect(stored.record.user == "eve" && !stored.isIntact)
    }

    @Test func theLatestThatMatchAreGivenOldestFirst() async throws {
        let store = try IncidentStore(directory: folder.path)
        for second in Int64(1)...6 {
            try await store.append(
                audit: record(second, user: second % 2 == 0 ? "ada" : "bob", subject: second > 3 ? "INC-2" : "INC-1"))
        }
        func seconds(_ query: IncidentStore.AuditQuery) async throws -> [Int64] {
            try await store.auditRecords(query).records.map { ($0.record.at.millis - 1_700_000_000_000) / 1000 }
        }
        #expect(try await seconds(.init(limit: 2)) == [5, 6])
        #expect(try await seconds(.init(user: "ada")) == [2, 4, 6])
        #expect(try await seconds(.init(subject: "INC-2")) == [4, 5, 6])
        #expect(try await seconds(.init(since: record(3).at, user: "bob")) == [3, 5])
        #expect(try await seconds(.init(limit: 0)) == [])
    }

    @Test func textsAreBounded() {
        let long = AuditRecord(
            at: Timestamp(millis: 0), user: "ada", role: "", peer: "", call: "NoteIncident", subject: "",
            outcome: .refused, reason: String(repeating: "x", count: 5000))
        #expect(long.reason.count == AuditRecord.textMax)
    }

    @Test func aDamagedFilesRecordsAreTakenOver() async throws {
        do {
            let store = try IncidentStore(directory: folder.path)
            for sequence in UInt64(1)...200 {
                try await store.append([IncidentStoreTests.note(sequence)], audit: record(Int64(sequence)))
            }
        }
        let path = folder.path + "/" + IncidentStore.fileName
        // All of it into the file itself: what the log still held would cover the damage.
        let queue = try DatabaseQueue(path: path, configuration: .waiting)
        let page = try queue.inDatabase { database in
            _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return try Int64.fetchOne(
                database, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'events_by_incident'")
        }
        try queue.close()
        // One page of zeros where the index of events lies; the tables themselves are sound.
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64((try #require(page) - 1) * 4096))
        try file.write(contentsOf: Data(count: 4096))
        try file.close()
        let store = try IncidentStore(directory: folder.path)
        #expect(store.openReport.quarantinedPath != nil)
        #expect(store.openReport.salvage.events == 200)
        #expect(try await store.auditRecords(.init(limit: 1000)).records.count == 200)
    }
}
