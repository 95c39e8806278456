import Foundation
import SegmentSpool
import Testing
import TocsinTestKit

@Suite struct SpoolDamageTests {
    private func closed(_ count: Int, segmentBytes: Int = 2000) throws -> SpoolSandbox {
        let box = SpoolSandbox(
            limits: SpoolLimits(spoolBytes: 1 << 20, segmentBytes: segmentBytes, recordBytes: 4000))
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<count)
        return box
    }

    /// Every length that the last segment can have after a crash: all whole records are there, and writing goes on.
    @Test func everyTornTailIsRecovered() throws {
        let box = try closed(3, segmentBytes: 100_000)
        let size = try Data(contentsOf: #require(box.segmentURLs.last)).count
        for length in stride(from: 0, through: size, by: 13) {
            let torn = try box.copy()
            try torn.change(#require(torn.segmentURLs.last)) { $0 = $0.prefix(length) }
            let spool = try torn.open()
            let expected = max(0, (length - 40) / 348)
            #expect(spool.lastSequence == UInt64(expected), "\(length) bytes")
            #expect(spool.recovery.tornBytes == (length > 40 ? (length - 40) % 348 : 0), "\(length) bytes")
            #expect(try SpoolSandbox.fill(spool, 7..<8) == [UInt64(expected + 1)])
            let (records, losses) = try SpoolSandbox.readAll(spool)
            #expect(records.map(\.entry) == (0..<expected).map { SpoolSandbox.entry($0) } + [SpoolSandbox.entry(7)])
            #expect(losses.isEmpty)
        }
    }

    @Test func aRecordIsGivenUpOnceAndCountedOnce() throws {
        let box = try closed(4, segmentBytes: 100_000)
        do {
            let spool = try box.open()
            try spool.acknowledge(through: 1)
            try spool.giveUp(1)
            try spool.giveUp(9)
            #expect(spool.takeLosses().isEmpty, "what is acknowledged or not there cannot be lost")
            try spool.giveUp(2)
            let loss = try #require(spool.takeLosses().first)
            #expect(loss.reason == .refused && loss.sequences == 2...2)
            #expect(loss.samples == 11 && loss.millis == 1000...1500)
            #expect(spool.counters.lostRecords == 1 && spool.counters.lostSamples == 11)
        }
        // Another process that meets the same refusal counts nothing anew.
        let spool = try box.open()
        try spool.giveUp(2)
        #expect(spool.takeLosses().map(\.sequences) == [2...2])
        #expect(spool.counters.lostRecords == 1 && spool.counters.lostSamples == 11)
        #expect(try spool.read(from: 3).map(\.sequence) == [3, 4])
    }

    @Test func tornTailsAreCounted() throws {
        let box = try closed(3, segmentBytes: 100_000)
        try box.change(#require(box.segmentURLs.last)) { $0.removeLast() }
        #expect(try box.open().counters.tornTails == 1)
        #expect(try box.open().counters.tornTails == 1)
    }

    /// A flipped bit costs at most the record that it is in, is never given out, and is located.
    @Test func flippedBitsCostOneRecord() throws {
        let box = try closed(9, segmentBytes: 1200)
        let segments = box.segmentURLs
        #expect(segments.count == 3)
        for (index, url) in segments.enumerated() {
            let whole = try Data(contentsOf: url)
            for byte in stride(from: 0, to: whole.count, by: 11) {
                var damaged = whole
                damaged[byte] ^= 1 << UInt8(byte % 8)
                try damaged.write(to: url)
                try expectOneRecordLost(box.copy(), segment: index, byte: byte)
            }
            try whole.write(to: url)
        }
    }

    private func expectOneRecordLost(_ box: SpoolSandbox, segment: Int, byte: Int) throws {
        let note: Comment = "segment \(segment), byte \(byte)"
        let spool = try box.open()
        let (records, losses) = try SpoolSandbox.readAll(spool)
        let victim = byte < 40 ? nil : segment * 3 + (byte - 40) / 348
        #expect(records.map(\.entry) == (0..<9).filter { $0 != victim }.map { SpoolSandbox.entry($0) }, note)
        guard let victim else { return }
        if victim == 8 {
            // The last record looks torn: it is cut off, not lost.
            #expect(spool.lastSequence == 8 && spool.recovery.tornBytes == 348, note)
        } else {
            #expect(losses.map(\.sequences) == [UInt64(victim + 1)...UInt64(victim + 1)], note)
            #expect(spool.counters.damagedRecords == 1, note)
            // When only the payload is hit, even the samples are known.
            let isHead = (byte - 40) % 348 < 48
            #expect(losses.first?.samples == (isHead ? 0 : UInt64(victim + 10)), note)
        }
    }

    @Test func damageIsCountedOnce() throws {
        let box = try closed(9)
        try box.change(#require(box.segmentURLs.first)) { $0[100] ^= 1 }
        for _ in 0..<3 {
            let spool = try box.open()
            #expect(try SpoolSandbox.readAll(spool).losses.map(\.sequences) == [1...1])
            #expect(spool.counters.damagedRecords == 1 && spool.counters.damagedSamples == 10)
        }
    }

    @Test func missingSegmentIsALoss() throws {
        let box = try closed(15)
        try FileManager.default.removeItem(at: box.segmentURLs[1])
        let spool = try box.open()
        let (records, losses) = try SpoolSandbox.readAll(spool)
        #expect(losses.count == 1)
        let missing = try #require(losses.first).sequences
        #expect(records.map(\.sequence) == (1...15).filter { !missing.contains($0) })
        #expect(spool.counters.damagedRecords == UInt64(missing.count))
    }

    @Test func segmentCutShortIsALoss() throws {
        let box = try closed(15)
        try box.change(box.segmentURLs[1]) { $0.removeLast(400) }
        let spool = try box.open()
        let (records, losses) = try SpoolSandbox.readAll(spool)
        #expect(records.count == 13 && losses.reduce(0) { $0 + $1.sequences.count } == 2)
    }

    @Test(arguments: ["SPOOL", "STATE"]) func identityAndMarksMayBeLost(name: String) throws {
        for kind in 0..<3 {
            let box = try closed(10)
            let session = try Data(contentsOf: box.url.appending(path: "data/SPOOL"))[12..<28]
            let url = box.url.appending(path: "data/\(name)")
            if kind == 0 { try FileManager.default.removeItem(at: url) }
            if kind == 1 { try box.change(url) { $0 = Data(repeating: 0xAA, count: $0.count) } }
            if kind == 2 { try box.change(url) { $0 = Data() } }
            let spool = try box.open()
            #expect(spool.session.bytes == [UInt8](session) && !spool.recovery.notes.isEmpty)
            #expect(spool.sentThrough == (name == "STATE" ? 10 : 0))
            #expect(try SpoolSandbox.readAll(spool).records.count == 10)
        }
    }

    @Test func oneBadSlotOfTheMarksIsEnough() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        try SpoolSandbox.fill(#require(spool), 0..<10)
        try spool?.acknowledge(through: 5)
        try spool?.close()
        spool = nil
        for slot in 0...1 {
            let copy = try box.copy()
            try copy.change(copy.url.appending(path: "data/STATE")) { $0[slot * 4096 + 20] ^= 1 }
            let again = try copy.open()
            #expect(again.lastSequence == 10 && again.recovery.notes.isEmpty)
            #expect(try SpoolSandbox.readAll(again).records.last?.sequence == 10)
        }
    }

    @Test func uselessDirectoryIsSetAside() throws {
        let box = try closed(10)
        for name in try FileManager.default.contentsOfDirectory(atPath: box.url.appending(path: "data").path)
        where name != "STATE" {
            try box.change(box.url.appending(path: "data/\(name)")) { $0 = Data(repeating: 0x55, count: $0.count) }
        }
        let spool = try box.open()
        #expect(spool.recovery.isNewSession && spool.recovery.quarantinedTo != nil && spool.lastSequence == 0)
        #expect(spool.counters.quarantines == 1)
        #expect(try SpoolSandbox.fill(spool, 0..<2) == [1, 2])
        let aside = try FileManager.default.contentsOfDirectory(
            atPath: box.url.appending(path: "data.quarantined").path)
        #expect(aside.contains { $0.hasSuffix(".seg") })
    }

    @Test func otherVersionIsSetAside() throws {
        let box = SpoolSandbox()
        let folder = box.url.appending(path: "data")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("TOCSPOOL of some later time".utf8).write(to: folder.appending(path: "SPOOL"))
        #expect(try box.open().recovery.isNewSession)
        #expect(try box.open().recovery.isNewSession == false)
    }

    @Test func segmentsOfAnotherSessionAreNotMixedIn() throws {
        let box = try closed(6, segmentBytes: 100_000)
        let limits = SpoolLimits(spoolBytes: 1 << 20, segmentBytes: 1200, recordBytes: 4000)
        let other = SpoolSandbox(seed: 99, limits: limits)
        try SpoolSandbox.fill(other.open(), 20..<26)
        // It begins at 4, and would hide records 4 to 6.
        let foreign = try #require(other.segmentURLs.last)
        let target = box.url.appending(path: "data/\(foreign.lastPathComponent)")
        try FileManager.default.copyItem(at: foreign, to: target)
        let spool = try box.open()
        #expect(spool.recovery.notes.contains { $0.contains("another session") })
        #expect(try SpoolSandbox.readAll(spool).records.map(\.entry) == (0..<6).map { SpoolSandbox.entry($0) })
        #expect(!FileManager.default.fileExists(atPath: target.path))
    }

    /// Garbage files of all sizes under every name: opening never fails and never traps.
    @Test(arguments: 1...40 as ClosedRange<UInt64>) func garbageNeverStopsTheStart(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let box = try closed(12)
        let folder = box.url.appending(path: "data")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where Bool.random(using: &random) {
            try box.change(folder.appending(path: name)) { data in
                for _ in 0..<Int.random(in: 1...40, using: &random) where !data.isEmpty {
                    data[Int.random(in: 0..<data.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) { data = data.prefix(Int.random(in: 0...data.count, using: &random)) }
            }
        }
        let spool = try box.open()
        let (records, _) = try SpoolSandbox.readAll(spool)
        for record in records { #expect(record.entry == SpoolSandbox.entry(Int(record.sequence) - 1)) }
        let next = spool.lastSequence + 1
        #expect(try SpoolSandbox.fill(spool, 50..<52) == [next, next + 1])
        #expect(
            try SpoolSandbox.readAll(spool, from: next).records.map(\.entry) == [50, 51].map { SpoolSandbox.entry($0) })
    }
}
