import Foundation
import SegmentSpool
import Testing

@Suite struct SegmentSpoolTests {
    @Test func givesConsecutiveSequencesAndReadsThemBack() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        #expect(spool.recovery.isNewSession && spool.session.bytes.count == 16)
        #expect(spool.lastSequence == 0 && spool.firstSequence == 1)
        #expect(try spool.read(from: 1).isEmpty)
        #expect(try SpoolSandbox.fill(spool, 0..<40) == Array(1...40))
        #expect(try spool.append([SpoolSandbox.entry(40), SpoolSandbox.entry(41)]) == 41...42)
        let (records, losses) = try SpoolSandbox.readAll(spool)
        #expect(records.map(\.sequence) == Array(1...42))
        #expect(records.map(\.entry) == (0..<42).map { SpoolSandbox.entry($0) })
        #expect(losses.isEmpty)
        #expect(box.segmentURLs.count > 5)
        let sizes = try box.segmentURLs.map { try Data(contentsOf: $0).count }
        #expect(spool.bytes == sizes.reduce(0, +))
    }

    @Test func readRespectsCountAndBytes() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<20)
        #expect(try spool.read(from: 3, maxRecords: 4).map(\.sequence) == [3, 4, 5, 6])
        #expect(try spool.read(from: 3, maxRecords: 9, maxBytes: 650).map(\.sequence) == [3, 4])
        #expect(try spool.read(from: 3, maxRecords: 9, maxBytes: 0).map(\.sequence) == [3])
        #expect(try spool.read(from: 19).map(\.sequence) == [19, 20])
        // Backwards, and again.
        #expect(try spool.read(from: 1, maxRecords: 1).map(\.sequence) == [1])
        #expect(try spool.read(from: 21).isEmpty)
        #expect(spool.takeLosses().isEmpty)
    }

    @Test func continuesAfterReopening() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        let session = spool?.session
        try SpoolSandbox.fill(#require(spool), 0..<10)
        try spool?.acknowledge(through: 7)
        try spool?.close()
        #expect(throws: SpoolError.self) {
            try spool?.sync(); try spool?.acknowledge(through: 9)
        }
        spool = nil
        let again = try box.open()
        #expect(again.session == session && !again.recovery.isNewSession && again.recovery.notes.isEmpty)
        #expect(again.acknowledged == 7 && again.lastSequence == 10)
        try SpoolSandbox.fill(again, 10..<15)
        let (records, _) = try SpoolSandbox.readAll(again, from: 8)
        #expect(records.map(\.entry) == (7..<15).map { SpoolSandbox.entry($0) })
    }

    @Test func deletesWholeAcknowledgedSegmentsOnly() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        try SpoolSandbox.fill(#require(spool), 0..<30)
        let before = box.segmentURLs.count
        try spool?.acknowledge(through: 4)
        #expect(box.segmentURLs.count == before)
        try spool?.acknowledge(through: 14)
        #expect(box.segmentURLs.count < before)
        #expect(try #require(spool).firstSequence <= 14)
        #expect(try spool?.read(from: 15, maxRecords: 1).first?.entry == SpoolSandbox.entry(14))
        try spool?.acknowledge(through: 99)
        #expect(spool?.acknowledged == 30)
        #expect(box.segmentURLs.count == 1)
        // All acknowledged, killed without a close: sequences go on.
        spool = nil
        let again = try box.open()
        #expect(again.lastSequence == 30)
        #expect(try SpoolSandbox.fill(again, 30..<31) == [31])
    }

    @Test func sequencesSurviveTheLossOfAllSegments() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        try SpoolSandbox.fill(#require(spool), 0..<12)
        try spool?.close()
        spool = nil
        for url in box.segmentURLs { try FileManager.default.removeItem(at: url) }
        let again = try box.open()
        #expect(again.lastSequence == 12)
        #expect(try SpoolSandbox.fill(again, 12..<13) == [13])
        #expect(try again.read(from: 1).isEmpty)
        #expect(again.takeLosses().map(\.sequences) == [1...12])
        #expect(again.counters.damagedRecords == 12)
    }

    @Test func budgetDropsTheOldestSegmentsAndCountsThem() throws {
        let box = SpoolSandbox(limits: SpoolLimits(spoolBytes: 8000, segmentBytes: 2000, recordBytes: 2000))
        var spool: SegmentSpool? = try box.open()
        try SpoolSandbox.fill(#require(spool), 0..<5)
        try spool?.acknowledge(through: 2)
        try SpoolSandbox.fill(#require(spool), 5..<40)
        #expect(try #require(spool).bytes <= 8000)
        let first = try #require(spool).firstSequence
        #expect(first > 15)
        let losses = try #require(spool).takeLosses()
        // One stretch, without the two that were acknowledged.
        #expect(losses.map(\.sequences) == [3...first - 1])
        #expect(losses.first?.reason == .budget)
        let lost = 2..<Int(first - 1)
        #expect(losses.first?.samples == UInt64(lost.reduce(0) { $0 + $1 + 10 }))
        #expect(losses.first?.millis == 2000...Int64(first - 2) * 1000 + 500)
        #expect(spool?.counters.droppedRecords == first - 3)
        #expect(spool?.counters.droppedSamples == losses.first?.samples)
        let counters = spool?.counters
        spool = nil
        let again = try box.open()
        #expect(again.counters == counters)
        #expect(try SpoolSandbox.readAll(again).records.map(\.sequence) == Array(first...40))
    }

    @Test func oneRecordASegmentStaysInBudget() throws {
        let box = SpoolSandbox(limits: SpoolLimits(spoolBytes: 4096, segmentBytes: 1024, recordBytes: 1024))
        let spool = try box.open()
        for index in 0..<20 {
            _ = try spool.append([SpoolSandbox.entry(index, bytes: 1024)])
            #expect(spool.bytes <= 4096)
        }
        #expect(try SpoolSandbox.readAll(spool).records.last?.entry == SpoolSandbox.entry(19, bytes: 1024))
    }

    @Test func refusesWhatIsTooLarge() throws {
        let box = SpoolSandbox(limits: SpoolLimits(spoolBytes: 8000, segmentBytes: 2000, recordBytes: 1000))
        let spool = try box.open()
        #expect(throws: SpoolError.self) { try spool.append([SpoolSandbox.entry(0, bytes: 1001)]) }
        #expect(throws: SpoolError.self) { try spool.append((0..<3).map { SpoolSandbox.entry($0, bytes: 900) }) }
        #expect(spool.lastSequence == 0)
        #expect(try spool.append([SpoolSandbox.entry(0, bytes: 1000)]) == 1...1)
    }

    @Test func aSecondProcessIsKeptOut() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        let error = #expect(throws: SpoolError.self) { try box.open() }
        #expect(error?.code == .locked)
        #expect(spool.lastSequence == 0)
    }

    @Test func unusableDirectoryIsAnError() throws {
        let box = SpoolSandbox()
        try Data("a file".utf8).write(to: box.url)
        let error = #expect(throws: SpoolError.self) { try box.open() }
        #expect(error?.code == .inputOutput)
    }

    @Test func syncEveryStillReadsOnlyWhatIsOnDisk() throws {
        let box = SpoolSandbox(
            limits: SpoolLimits(spoolBytes: 1 << 20, segmentBytes: 2000, recordBytes: 4000, syncEvery: 1000))
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<50)
        let (records, losses) = try SpoolSandbox.readAll(spool)
        #expect(records.map(\.entry) == (0..<50).map { SpoolSandbox.entry($0) } && losses.isEmpty)
    }

    @Test func knowsWhatCanHaveBeenSent() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        #expect(spool?.sentThrough == 0)
        try SpoolSandbox.fill(#require(spool), 0..<5)
        spool = nil
        // Never read, so never sent.
        spool = try box.open()
        #expect(spool?.sentThrough == 0)
        _ = try spool?.read(from: 1, maxRecords: 1)
        try SpoolSandbox.fill(#require(spool), 5..<9)
        spool = nil
        spool = try box.open()
        #expect(spool?.sentThrough == 9)
        try SpoolSandbox.fill(#require(spool), 9..<12)
        spool = nil
        #expect(try box.open().sentThrough == 9)
    }

    @Test func sequencesThatNeverReachedTheDiskAreNotGivenOutAgain() throws {
        let box = SpoolSandbox()
        var spool: SegmentSpool? = try box.open()
        try SpoolSandbox.fill(#require(spool), 0..<3)
        spool?.skip(through: 3)
        spool?.skip(through: 8)
        try spool?.acknowledge(through: 8)
        #expect(try SpoolSandbox.fill(#require(spool), 8..<11) == [9, 10, 11])
        var (records, losses) = try SpoolSandbox.readAll(#require(spool), from: 9)
        #expect(records.map(\.entry) == (8..<11).map { SpoolSandbox.entry($0) } && losses.isEmpty)
        spool?.skip(through: 20)
        spool = nil
        let next = try box.open()
        #expect(next.lastSequence == 20 && next.sentThrough == 20)
        #expect(try SpoolSandbox.fill(next, 20..<22) == [21, 22])
        (records, losses) = try SpoolSandbox.readAll(next, from: 21)
        #expect(records.map(\.entry) == (20..<22).map { SpoolSandbox.entry($0) } && losses.isEmpty)
    }

    @Test func recordsThatNeverReachedTheDiskAreCountedAndLocated() throws {
        let box = SpoolSandbox()
        let spool = try box.open()
        try SpoolSandbox.fill(spool, 0..<2)
        spool.lose(unwritten: (2..<4).map { SpoolRecord(sequence: UInt64($0 + 1), entry: SpoolSandbox.entry($0)) })
        let loss = try #require(spool.takeLosses().first)
        #expect(loss.sequences == 3...4 && loss.samples == 12 + 13 && loss.millis == 2000...3500)
        #expect(spool.counters.droppedRecords == 2 && spool.counters.lostSamples == 25)
    }
}
