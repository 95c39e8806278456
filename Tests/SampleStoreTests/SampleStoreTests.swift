import Foundation
import GRDB
import SQLiteFile
import Synchronization
import Telemetry
import Testing

@testable import SampleStore

struct SampleStoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/" + SampleStore.fileName }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func durable(_ store: SampleStore, _ key: SessionKey) async throws -> UInt64 {
        try await store.durableSequences(of: key).through
    }

    // MARK: - Appending

    @Test func aBatchOfManyAgentsIsStoredAndAcknowledged() async throws {
        let (a, b) = (Fleet.key("a"), Fleet.key("b"))
        do {
            let store = try Fleet.open(folder)
            let result = try await store.append([
                Fleet.frame(a, 1), Fleet.frame(b, 1), Fleet.frame(a, 2), Fleet.frame(b, 3),
            ])
            #expect(result == .init(durable: [a: 2, b: 1], stored: 4, duplicates: 0))
            #expect(try await store.append([]) == .init())
        }
        let store = try Fleet.open(folder)
        #expect(try await durable(store, a) == 2)
        #expect(try await durable(store, b) == 1)
        #expect(try await durable(store, Fleet.key("a", session: 2)) == 0)
        #expect(try await store.append([Fleet.frame(b, 2)]).durable == [b: 3])
    }

    @Test func aFrameThatComesAgainIsADuplicate() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        _ = try await store.append([Fleet.frame(a, 1), Fleet.frame(a, 3)])
        let changed = try Fleet.frame(a, 3, [Fleet.sample("up", 30, 99, ["node": "a"])])
        let result = try await store.append([Fleet.frame(a, 1), changed, Fleet.frame(a, 2), Fleet.frame(a, 2)])
        #expect(result == .init(durable: [a: 3], stored: 1, duplicates: 3))
        #expect(
            try await store.answer("up", from: 0, to: 99).0 == ["alpha/up{node=\"a\"}": [[10, 1], [20, 2], [30, 3]]])
    }

    @Test func aFrameThatRetentionRemovedStaysADuplicate() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        _ = try await store.append([Fleet.frame(a, 1), Fleet.frame(a, 2)])
        let report = try await store.enforceRetention(now: Fleet.time(100), ageMax: .seconds(85), bytesMax: .max)
        #expect(report.framesByAge == 1)
        #expect(try await store.append([Fleet.frame(a, 1)]) == .init(durable: [a: 2], stored: 0, duplicates: 1))
    }

    /// Rows of sessions are kept in memory from one append to the next: whatever else changes them must show.
    @Test func aSessionThatChangesBetweenAppendsIsReadAnew() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        _ = try await store.append([Fleet.frame(a, 1)])
        _ = try await store.append([Fleet.frame(a, 2), Fleet.frame(a, 5)])
        let opened = try await store.openSession(a, SessionOpening(firstSequence: 5), at: Fleet.time(60))
        #expect(opened.durable.through == 5, "3 and 4 are lost")
        #expect(try await store.append([Fleet.frame(a, 6)]).durable == [a: 6])
        let removed = try await store.enforceRetention(now: Fleet.time(100_000), ageMax: .seconds(1), bytesMax: .max)
        #expect(removed.sessions == 1)
        #expect(try await store.append([Fleet.frame(a, 1)]) == .init(durable: [a: 1], stored: 1, duplicates: 0))
        #expect(try await durable(try Fleet.open(folder), a) == 1)
    }

    @Test func framesAtOnceFromManyCallersAreCountedOnce() async throws {
        let keys = (0..<4).map { Fleet.key("n\($0)") }
        let store = try Fleet.open(folder)
        for round in 0..<20 {
            let stored = try await withThrowingTaskGroup(of: Int.self) { group in
                for key in keys {
                    for sequence in 1...3 {
                        group.addTask {
                            try await store.append([Fleet.frame(key, UInt64(round * 3 + sequence))]).stored
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(stored == 12)
            for key in keys { #expect(try await durable(store, key) == UInt64(round * 3 + 3)) }
        }
    }

    @Test func whatTheSpoolDroppedIsLostAndPassedOver() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        #expect(
            try await store.openSession(a, SessionOpening(firstSequence: 1), at: Fleet.time(1)).durable.through == 0)
        _ = try await store.append([Fleet.frame(a, 1), Fleet.frame(a, 4), Fleet.frame(a, 7), Fleet.frame(a, 8)])
        #expect(
            try await store.openSession(a, SessionOpening(firstSequence: 7), at: Fleet.time(5)).durable.through == 8)
        let ranges = try await store.lostRanges(limit: 10)
        #expect(
            ranges == [
                .init(key: a, first: 5, last: 6, notedAt: Fleet.time(5)),
                .init(key: a, first: 2, last: 3, notedAt: Fleet.time(5)),
            ])
        #expect(
            try await store.openSession(a, SessionOpening(firstSequence: 7), at: Fleet.time(6)).durable.through == 8)
        #expect(try await store.lostRanges(limit: 10).count == 2)
        await #expect(throws: StoreError(.invalid, "")) {
            try await store.openSession(a, SessionOpening(firstSequence: .max), at: Fleet.time(7))
        }
    }

    @Test func framesThatCannotBeStoredAreRefusedBeforeTheBatch() throws {
        let a = Fleet.key("a")
        for sequence in [0, UInt64.max, UInt64(Int64.max)] {
            #expect(throws: StoreError(.invalid, "")) { try Fleet.frame(a, sequence, []) }
        }
        #expect(throws: StoreError(.invalid, "")) {
            try Fleet.frame(a, 1, [], payload: Array(repeating: 0, count: IncomingFrame.payloadBytesMax + 1))
        }
        #expect(throws: StoreError(.invalid, "")) {
            try Fleet.frame(SessionKey(cluster: "alpha", node: "a", session: []), 1, [])
        }
        #expect(throws: StoreError(.invalid, "")) {
            try IncomingFrame(
                key: a, sequence: 1, kind: .sampleBlock, from: Fleet.time(2), to: Fleet.time(1),
                receivedAt: Fleet.time(2),
                payload: [])
        }
    }

    @Test func edgesAreStoredOnceAndGivenBackInOrder() async throws {
        let store = try Fleet.open(folder)
        let edges = [30, 10].map {
            Edge(
                .containerOOMKilled, at: Fleet.time($0), labels: ["pod": "p\"1"], attributes: ["reason": "OOMKilled"],
                count: 2)
        }
        let frame = try IncomingFrame(
            key: Fleet.key("a"), sequence: 1, kind: .edgeBatch, from: Fleet.time(10), to: Fleet.time(30),
            receivedAt: Fleet.time(31), payload: [], edges: edges)
        _ = try await store.append([frame, frame])
        _ = try await store.append([frame])
        let stored = try await store.edges(from: Fleet.time(0), to: Fleet.time(30), limit: 10)
        #expect(stored == edges.reversed().map { .init(cluster: "alpha", node: "a", edge: $0) })
        #expect(try await store.edges(from: Fleet.time(11), to: Fleet.time(99), limit: 10).count == 1)
        #expect(
            try await store.edges(from: Fleet.time(0), to: Fleet.time(99), limit: 1).map(\.edge.at) == [Fleet.time(10)])
    }

    @Test func theLastEdgesOfSomeKindsAndOfOneClusterAreGiven() async throws {
        let store = try Fleet.open(folder)
        func frame(_ cluster: String, _ kind: Edge.Kind, _ seconds: Int64...) throws -> IncomingFrame {
            try IncomingFrame(
                key: Fleet.key(SessionKey.ownNode, session: UInt8(seconds[0]), cluster: cluster), sequence: 1,
                kind: .edgeBatch, from: Fleet.time(0), to: Fleet.time(99), receivedAt: Fleet.time(99), payload: [],
                edges: seconds.map { Edge(kind, at: Fleet.time($0), labels: [:]) })
        }
        _ = try await store.append([
            try frame("alpha", .kubernetesEvent, 1, 9, 5), try frame("alpha", .rolloutStarted, 7, 3),
            try frame("alpha", .podGone, 8), try frame("beta", .kubernetesEvent, 6),
        ])
        func last(_ kinds: [Edge.Kind], since: Int64 = 0, limit: Int = 10) async throws -> [Int64] {
            try await store.lastEdges(of: kinds, cluster: "alpha", since: Fleet.time(since), limit: limit)
                .map { ($0.at - Fleet.time(0)).components.seconds }
        }
        #expect(try await last([.kubernetesEvent]) == [1, 5, 9])
        #expect(try await last([.kubernetesEvent, .rolloutStarted]) == [1, 3, 5, 7, 9])
        #expect(try await last([.kubernetesEvent, .rolloutStarted], limit: 2) == [7, 9])
        #expect(try await last([.kubernetesEvent, .rolloutStarted], since: 5) == [5, 7, 9])
        #expect(try await last([]) == [])
        func chosen(
            _ limit: Int, lookedAtMax: Int = 100, from: Int64 = 0
        ) async throws -> (edges: [String], isCut: Bool) {
            let found = try await store.lastEdges(
                of: [.kubernetesEvent, .rolloutStarted], from: Fleet.time(from), to: Fleet.time(8), limit: limit,
                lookedAtMax: lookedAtMax
            ) { $0.edge.kind == .kubernetesEvent }
            let edges = found.edges.map { "\($0.cluster) \(($0.edge.at - Fleet.time(0)).components.seconds)" }
            return (edges, found.isCut)
        }
        #expect(try await chosen(9) == (["alpha 1", "alpha 5", "beta 6"], false))
        #expect(try await chosen(2) == (["alpha 5", "beta 6"], true))
        #expect(try await chosen(9, lookedAtMax: 2) == (["beta 6"], true), "the limit is of what is looked at")
        #expect(try await chosen(9, from: 5) == (["alpha 5", "beta 6"], false))
    }

    @Test func whatTheCoordinatorObservesIsOfNoAgent() async throws {
        let store = try Fleet.open(folder)
        func frame(_ node: String, at seconds: Int64) throws -> IncomingFrame {
            try IncomingFrame(
                key: Fleet.key(node), sequence: 1, kind: .edgeBatch, from: Fleet.time(0), to: Fleet.time(0),
                receivedAt: Fleet.time(seconds), payload: [])
        }
        _ = try await store.append([try frame("a", at: 10), try frame(SessionKey.ownNode, at: 90_000)])
        let agents = try await store.agents(within: .seconds(3600), limit: 10)
        #expect(agents.map(\.node) == ["a"], "and the agent was there by the agents' own clock")
    }

    // MARK: - Trouble

    @Test func aFullDiskIsATypedErrorAndLeavesTheStoreAsItWas() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder, fileBytesMax: 400_000)
        let payload = Array(repeating: UInt8(1), count: 50_000)
        var stored: UInt64 = 0
        var code: StoreError.Code?
        while code == nil, stored < 100 {
            do {
                let frame = try Fleet.frame(a, stored + 1, [Fleet.sample("up", Int64(stored), 1)], payload: payload)
                stored = try await store.append([frame]).durable[a] ?? 0
            } catch let error as StoreError {
                code = error.code
            }
        }
        #expect(code == .full)
        #expect((1..<8).contains(stored))
        #expect(try await durable(store, a) == stored)
        // Space comes back, and the same frame is taken.
        _ = try await store.enforceRetention(
            now: Fleet.time(0), ageMax: .seconds(1000), bytesMax: 200_000, batchFrames: 1)
        let frame = try Fleet.frame(a, stored + 1, [Fleet.sample("up", 99, 1)], payload: payload)
        #expect(try await store.append([frame]).durable[a] == stored + 1)
    }

    @Test func aFileThatIsNoDatabaseIsSetAside() async throws {
        try Data("not a database, although it is long enough to be one".utf8 + Data(repeating: 7, count: 8000))
            .write(to: URL(filePath: path))
        let store = try Fleet.open(folder)
        #expect(store.quarantinedPath == path + ".corrupt-1")
        #expect(try await store.append([Fleet.frame(Fleet.key("a"), 1)]).stored == 1)
    }

    @Test func damageFoundByAWriteSetsTheFileAsideAtTheNextStart() async throws {
        let a = Fleet.key("a")
        do {
            let store = try Fleet.open(folder)
            _ = try await store.append((1...2000).map { try Fleet.frame(a, $0) })
        }
        let queue = try DatabaseQueue(path: path)
        let root = try queue.inDatabase { database in
            _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return try Int.fetchOne(database, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'frames'")
        }
        try queue.close()
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: UInt64(try #require(root) - 1) * 4096)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 4096))
        try handle.close()
        do {
            let store = try Fleet.open(folder)
            #expect(store.quarantinedPath == nil)
            await #expect(throws: StoreError(.corrupt, "")) { _ = try await store.append([Fleet.frame(a, 2001)]) }
            #expect(try folder.names().contains(SampleStore.fileName + ".damaged"))
        }
        #expect(try folder.names().filter { $0.hasPrefix(SampleStore.fileName + ".corrupt-") }.isEmpty)
        let store = try Fleet.open(folder)
        let names = try folder.names()
        #expect(names.contains(SampleStore.fileName + ".corrupt-1"))
        #expect(!names.contains(SampleStore.fileName + ".damaged"))
        #expect(try await store.append([Fleet.frame(a, 1)]).durable == [a: 1])
    }

    @Test func aValueOfAnotherTypeIsDamageAndEndsNothing() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        _ = try await store.openSession(a, SessionOpening(firstSequence: 1), at: Fleet.time(1))
        _ = try await store.append([Fleet.frame(a, 1)])
        try await store.file.write { try $0.execute(sql: "UPDATE sessions SET durable = 'one'") }
        await #expect(throws: StoreError(.corrupt, "")) {
            _ = try await store.openSession(a, SessionOpening(firstSequence: 1), at: Fleet.time(2))
        }
        try await store.file.write { try $0.execute(sql: "UPDATE agents SET node = x'00ff'") }
        await #expect(throws: StoreError(.corrupt, "")) { _ = try await store.answer("up", from: 0, to: 1000) }
    }

    @Test func aFileWhoseTablesHaveOtherNamesIsSetAside() async throws {
        do { _ = try Fleet.open(folder) }
        let path = folder.path + "/" + SampleStore.fileName
        // As a flipped bit in the text of the schema does it: only reading the column tells.
        let queue = try DatabaseQueue(path: path)
        try await queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_master SET sql = replace(sql, 'durable', 'durablf') WHERE name = 'sessions';
                    PRAGMA writable_schema = OFF;
                    """)
        }
        try queue.close()
        #expect(try Fleet.open(folder).quarantinedPath == path + ".corrupt-1")
    }

    @Test func anEmptiedFileIsSetAsideAndTold() async throws {
        do { _ = try Fleet.open(folder) }
        let path = folder.path + "/" + SampleStore.fileName
        try Data().write(to: URL(filePath: path))
        #expect(try Fleet.open(folder).quarantinedPath == path + ".corrupt-1")
    }

    @Test func aDamagedFileIsReplacedWhileItIsInUseAndIsAGap() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        _ = try await store.append((1...2000).map { try Fleet.frame(a, $0) })
        _ = try await store.enforceRetention(now: Fleet.time(0), ageMax: .seconds(100_000), bytesMax: .max)
        let root = try await DatabaseQueue(path: path).read { database in
            try Int.fetchOne(database, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'frames'")
        }
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: UInt64(try #require(root) - 1) * 4096)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 4096))
        try handle.close()
        // Pages that are in memory still serve; a write that needs the damaged one fails.
        var failure: StoreError?
        for sequence in UInt64(2001)...2400 where failure == nil {
            do {
                _ = try await store.append([Fleet.frame(a, sequence)])
                _ = try await store.compact(now: Fleet.time(1_000_000), policy: .immediate)
            } catch let error as StoreError { failure = error }
        }
        try #require(failure?.code == .corrupt)
        let path = try await store.replaceDamagedFile(now: Fleet.time(30_000))
        #expect(path.hasSuffix(".corrupt-1") && FileManager.default.fileExists(atPath: path))
        #expect(try await store.append([Fleet.frame(a, 1)]).durable == [a: 1])
        let (answer, report) = try await store.answer("up", from: 0, to: 100_000)
        #expect(answer == ["alpha/up{node=\"a\"}": [[10, 1]]])
        #expect(report.gaps.map(\.to) == [Fleet.time(30_000)])
        #expect(report.gaps.first?.reason.contains(path) == true)
    }

    // MARK: - Retention

    @Test func oldFramesEdgesAndSessionsGo() async throws {
        let (a, b) = (Fleet.key("a"), Fleet.key("b"))
        let store = try Fleet.open(folder)
        let edge = Edge(.podGone, at: Fleet.time(15), labels: ["pod": "p"])
        let edges = try IncomingFrame(
            key: b, sequence: 1, kind: .edgeBatch, from: Fleet.time(15), to: Fleet.time(15), receivedAt: Fleet.time(15),
            payload: [], edges: [edge])
        let late = try Fleet.frame(a, 31, [Fleet.sample("up", 310, 1)], receivedAt: 310)
        _ = try await store.append((1...30).map { try Fleet.frame(a, $0) } + [late, edges])
        let report = try await store.enforceRetention(
            now: Fleet.time(320), ageMax: .seconds(100), bytesMax: .max, batchFrames: 7)
        // 220 seconds is exactly the age and stays.
        #expect(report == .init(framesByAge: 22, edges: 1, sessions: 1))
        #expect(try await store.sizes().oldest == Fleet.time(220))
        #expect(try await store.sizes().newest == Fleet.time(310))
        #expect(try await durable(store, a) == 31)
        #expect(try await durable(store, b) == 0)
    }

    @Test func theOldestFramesGoUntilTheSizeFits() async throws {
        let a = Fleet.key("a")
        let store = try Fleet.open(folder)
        let payload = Array(repeating: UInt8(1), count: 20_000)
        for first in stride(from: UInt64(1), to: 100, by: 20) {
            _ = try await store.append(
                (first..<first + 20).map { sequence in
                    try Fleet.frame(a, sequence, [Fleet.sample("up", Int64(sequence), 1)], payload: payload)
                })
        }
        let before = try await store.sizes()
        #expect(before.usedBytes > 2_000_000)
        let report = try await store.enforceRetention(
            now: Fleet.time(100), ageMax: .seconds(1000), bytesMax: 1_000_000, batchFrames: 10)
        let after = try await store.sizes()
        #expect(after.usedBytes <= 1_000_000)
        #expect(after.usedBytes > 700_000)
        #expect(after.freeBytes == 0)
        #expect(report.framesBySize % 10 == 0 && report.framesByAge == 0)
        #expect(after.oldest == Fleet.time(Int64(report.framesBySize) + 1))
        #expect(report.incompleteBefore == Fleet.time(Int64(report.framesBySize)))
        let bytes = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(bytes < before.usedBytes)
    }

    @Test("Memory gives up what it holds of agents that are gone, and the file does not")
    func forgetsAgents() async throws {
        let folder = try TemporaryFolder()
        let store = try Fleet.open(folder)
        for node in ["stays", "goes"] {
            let rounds = [[Fleet.sample("up", 10, 1, ["node": node]), Fleet.sample("down", 10, 1, ["node": node])]]
            _ = try await store.append(try Fleet.chain(Fleet.key(node), rounds: rounds))
        }
        #expect(store.catalogue.knownCount == 4)
        store.forget(agents: [AgentName(cluster: "alpha", node: "goes"), AgentName(cluster: "beta", node: "stays")])
        #expect(store.catalogue.knownCount == 2)
        #expect(store.clocks.withLock { $0.keys.map(\.node) } == ["stays"])
        _ = try await store.append([try Fleet.frame(Fleet.key("goes"), 2)])
        #expect(try await store.durableSequences(of: Fleet.key("goes")).through == 2)
    }
}
