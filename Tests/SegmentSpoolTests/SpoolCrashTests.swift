import Foundation
import SegmentSpool
import Testing
import TocsinTestKit

/// The directory copied while the spool is at work, as a killed process leaves it.
@Suite struct SpoolCrashTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func nothingAcceptedIsMissingAfterAKill(seed: UInt64) throws {
        let limits = SpoolLimits(spoolBytes: 16_000, segmentBytes: 3000, recordBytes: 4000)
        let box = SpoolSandbox(seed: seed, limits: limits)
        var random = SeededRandom(seed: seed)
        let spool = try box.open()
        var appended: [UInt64: SpoolEntry] = [:]
        for step in 0..<300 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<14:
                let entries = (0..<Int.random(in: 1...3, using: &random)).map { index in
                    SpoolSandbox.entry(step * 3 + index, bytes: Int.random(in: 0...900, using: &random))
                }
                for (sequence, entry) in zip(try spool.append(entries), entries) { appended[sequence] = entry }
            case 14..<16: try spool.acknowledge(through: UInt64.random(in: 0...spool.lastSequence, using: &random))
            case 16..<18: _ = try SpoolSandbox.readAll(spool)
            default:
                let copy = try box.copy()
                let again = try copy.open()
                #expect(again.session == spool.session && again.recovery.notes.isEmpty)
                #expect(again.lastSequence == spool.lastSequence && again.acknowledged <= spool.acknowledged)
                #expect(again.firstSequence == spool.firstSequence && again.bytes == spool.bytes)
                let (records, losses) = try SpoolSandbox.readAll(again)
                #expect(
                    losses.isEmpty && records.map(\.sequence) == Array(again.firstSequence..<again.lastSequence + 1))
                #expect(records.allSatisfy { $0.entry == appended[$0.sequence] })
            }
        }
        #expect(spool.counters.droppedRecords > 0)
        #expect(spool.bytes <= limits.spoolBytes)
    }

    @Test func newSessionTakesOverWhatWasNotSent() throws {
        let box = SpoolSandbox()
        var spool = try box.open()
        let session = spool.session
        try SpoolSandbox.fill(spool, 0..<20)
        let fresh = try spool.beginNewSession(keepAfter: 12, using: &box.random)
        #expect(throws: SpoolError.self) { try spool.append([SpoolSandbox.entry(0)]) }
        spool = fresh
        #expect(spool.session != session && spool.recovery.isNewSession)
        #expect(spool.lastSequence == 8 && spool.acknowledged == 0 && spool.sentThrough == 0)
        #expect(try SpoolSandbox.fill(spool, 20..<22) == [9, 10])
        let names = try FileManager.default.contentsOfDirectory(atPath: box.url.path).sorted()
        #expect(names == ["LOCK", "data"])
        let copy = try box.copy()
        #expect(try SpoolSandbox.readAll(copy.open()).records.map(\.entry) == (12..<22).map { SpoolSandbox.entry($0) })
    }

    @Test func newSessionCountsWhatItCannotTakeOver() throws {
        let box = SpoolSandbox()
        let first = try box.open()
        try SpoolSandbox.fill(first, 0..<3)
        try box.change(#require(box.segmentURLs.first)) { $0[500] ^= 1 }
        let copy = try box.copy()
        let damaged = try copy.open()
        let fresh = try damaged.beginNewSession(keepAfter: 0, using: &box.random)
        #expect(try SpoolSandbox.readAll(fresh).records.map(\.entry) == [0, 2].map { SpoolSandbox.entry($0) })
        #expect(fresh.counters.damagedRecords == 1 && fresh.takeLosses().isEmpty)
        #expect(damaged.takeLosses().map(\.sequences) == [2...2])
    }

    @Test func newSessionOfNothing() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<3)
        let fresh = try spool.beginNewSession(keepAfter: 3, using: &box.random)
        #expect(fresh.lastSequence == 0)
        #expect(try SpoolSandbox.fill(fresh, 0..<1) == [1])
    }

    /// Each state of the folders that a kill during the switch leaves.
    @Test func interruptedSwitchEndsInOneSession() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<6)
        let before = try box.copy()
        let old = spool.session
        let fresh = try spool.beginNewSession(keepAfter: 4, using: &box.random)
        let manager = FileManager.default
        func data(_ name: String, in box: SpoolSandbox) -> URL { box.url.appending(path: name) }

        // The new folder is not complete, or complete and not switched to: the old session goes on.
        let early = try before.copy()
        try manager.copyItem(at: data("data", in: box), to: data("data.next", in: early))
        let stays = try early.open()
        #expect(stays.session == old && stays.lastSequence == 6)

        // Between the two renames: the new session.
        let middle = try before.copy()
        try manager.moveItem(at: data("data", in: middle), to: data("data.old", in: middle))
        try manager.copyItem(at: data("data", in: box), to: data("data.next", in: middle))
        let goes = try middle.open()
        #expect(goes.session == fresh.session && goes.lastSequence == 2)

        // After both: the old folder is removed.
        let late = try box.copy()
        try manager.copyItem(at: data("data", in: before), to: data("data.old", in: late))
        #expect(try late.open().session == fresh.session)
        #expect(!manager.fileExists(atPath: data("data.old", in: late).path))
    }
}
