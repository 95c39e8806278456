import Foundation
import GRDB
import SQLiteFile
import Testing

@testable import IncidentStore

/// The write-ahead log beside the file, as a process that was killed leaves it.
struct DamagedLogTests {
    /// A folder with file and log of so many transactions, each of one event.
    private func left(transactions: UInt64) async throws -> (folder: TemporaryFolder, path: String) {
        let (alive, left) = (try TemporaryFolder(), try TemporaryFolder())
        let store = try IncidentStore(directory: alive.path)
        for sequence in 1...transactions { try await store.append([IncidentStoreTests.note(sequence)]) }
        for suffix in ["", "-wal"] {
            let name = IncidentStore.fileName + suffix
            try FileManager.default.copyItem(atPath: alive.path + "/" + name, toPath: left.path + "/" + name)
        }
        withExtendedLifetime(store) {}
        return (left, left.path + "/" + IncidentStore.fileName)
    }

    private func change(_ path: String, _ body: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: URL(filePath: path))
        body(&data)
        try data.write(to: URL(filePath: path))
    }

    @Test func aSoundLogAndOneWithATornEndTellNothing() async throws {
        for cut in [0, 1, 100, 5000] {
            let (folder, path) = try await left(transactions: 20)
            try change(path + "-wal") { $0.removeLast(cut) }
            let store = try IncidentStore(directory: folder.path)
            #expect(store.openReport == .init(), "\(cut) bytes cut off")
            let events = try await store.load { _ in }.events
            #expect(cut == 0 ? events == 20 : (18...19).contains(events), "\(events) after \(cut) bytes cut off")
        }
    }

    @Test(arguments: [0.1, 0.5, 0.9])
    func transactionsBehindDamageAreCountedAndKept(share: Double) async throws {
        let (folder, path) = try await left(transactions: 60)
        try change(path + "-wal") { $0[Int(Double($0.count) * share)] ^= 4 }
        let store = try IncidentStore(directory: folder.path)
        let events = try await store.load { _ in }.events
        let damaged = try #require(store.openReport.damagedLog)
        #expect(events < 60 && damaged.transactions >= 60 - events, "\(events) are left")
        #expect(FileManager.default.fileExists(atPath: damaged.copy + "-wal"))
        try await store.append([IncidentStoreTests.note(UInt64(events) + 1)])
        // It is told once: the file holds all of it by now.
        #expect(try IncidentStore(directory: folder.path).openReport == .init())
    }

    @Test func aDamagedHeadOfTheLogIsDamage() async throws {
        let (folder, path) = try await left(transactions: 10)
        try change(path + "-wal") { $0[17] ^= 1 }
        #expect(try IncidentStore(directory: folder.path).openReport.damagedLog != nil)
    }
}
