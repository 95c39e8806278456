import Foundation
import GRDB
import Incidents
import Runbook
import SQLiteFile
import Telemetry
import Testing

@testable import IncidentStore

@Suite struct OutboxTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func entry(_ key: String, channel: String = "chat", text: String = "…") -> OutboxEntry {
        let at = Timestamp(millis: 1_700_000_000_000)
        let notice = Notice(
            key: key, incident: IncidentID(rawValue: 1), episodeKey: "INC-1/1", purpose: .page, severity: .p2,
            title: "High error rate", cluster: "alpha", subject: "shop/Deployment/cart", text: text, openedAt: at,
            at: at, roles: ["On-call Engineer"])
        return OutboxEntry(notice, channel: channel, recipients: ["ada@shop.test"], at: at)
    }

    @Test func whatWaitsSurvivesARestartWithItsEvents() async throws {
        let event = IncidentStoreTests.note(1)
        do {
            let store = try IncidentStore(directory: folder.path)
            try await store.append([event], outbox: [entry("b"), entry("a"), entry("a", channel: "mail")])
        }
        let store = try IncidentStore(directory: folder.path)
        #expect(try await store.events(of: event.incident) == [event])
        let waiting = try await store.waitingEntries()
        #expect(waiting.entries == [entry("a"), entry("a", channel: "mail"), entry("b")])
        #expect(waiting.unreadable == 0)
    }

    @Test func eventsThatAreRefusedLeaveNoNoticeBehind() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append([IncidentStoreTests.note(5)])
        await #expect(throws: StoreError.self) {
            try await store.append([IncidentStoreTests.note(5)], outbox: [entry("a")])
        }
        #expect(try await store.waitingEntries().entries.isEmpty)
    }

    @Test func aKeyIsPutOnItsWayOnce() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append([], outbox: [entry("a", text: "first")])
        var done = entry("a", text: "first")
        done.state = .delivered
        done.endedAt = Timestamp(millis: 1_700_000_001_000)
        try await store.update([done])
        try await store.append([], outbox: [entry("a", text: "second")])
        #expect(try await store.waitingEntries().entries.isEmpty)
        #expect(try await store.outboxCounts() == OutboxCounts(waiting: 0, dead: 0))
    }

    @Test func deadLettersAreKeptUntilTheyArePruned() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append([], outbox: [entry("a"), entry("b")])
        var dead = entry("a")
        (dead.state, dead.failure, dead.endedAt) = (.dead, "410: gone", Timestamp(millis: 1_700_000_009_000))
        try await store.update([dead])
        #expect(try await store.deadEntries(limit: 10) == [dead])
        #expect(try await store.outboxCounts() == OutboxCounts(waiting: 1, dead: 1))
        try await store.pruneOutbox(before: Timestamp(millis: 1_700_000_009_000))
        #expect(try await store.outboxCounts().dead == 1, "not yet")
        try await store.pruneOutbox(before: Timestamp(millis: 1_700_000_009_001))
        #expect(try await store.outboxCounts() == OutboxCounts(waiting: 1, dead: 0), "what waits is never pruned")
    }

    @Test func aRowThatCannotBeReadIsCountedAndStays() async throws {
        let store = try IncidentStore(directory: folder.path)
        try await store.append([], outbox: [entry("a"), entry("b")])
        try await store.file.write { try $0.execute(sql: "UPDATE outbox SET body = x'00' WHERE key = 'a'") }
        let waiting = try await store.waitingEntries()
        #expect(waiting.entries.map(\.notice.key) == ["b"])
        #expect(waiting.unreadable == 1)
    }
}
