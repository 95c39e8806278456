import Foundation
import Glibc
import Logging
import SegmentSpool
import Telemetry
import Testing
import TocsinTestKit

@testable import AgentApp

/// The spool on a disk that is full: a tmpfs, where the tests may mount one.
@Suite(.serialized)
struct SpoolKeeperTests {
    private static let canMount = geteuid() == 0 && probe()

    private static func probe() -> Bool {
        guard let folder = try? TemporaryDirectory("tocsin-mount") else { return false }
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount(folder.path) == 0
    }

    private struct Disk {
        let folder: TemporaryDirectory
        let keeper: SpoolKeeper

        init() throws {
            folder = try TemporaryDirectory("tocsin-spool")
            try #require(mount("tmpfs", folder.path, "tmpfs", 0, "size=512k") == 0)
            keeper = try SpoolKeeper(
                directory: folder.path, bytesMax: 64 << 20,
                logger: Logger(label: "spool") { _ in SwiftLogNoOpLogHandler() })
        }

        func append(_ numbers: ClosedRange<Int>, bytes: Int = 1000) async throws -> [UInt64] {
            var sequences: [UInt64] = []
            for number in numbers {
                let time = Timestamp(millis: Int64(number))
                sequences.append(
                    try await keeper.append(
                        kind: .sampleBlock, sampleCount: 10, from: time, to: time,
                        payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes)))
            }
            return sequences
        }

        /// Numbers of the records of a range, read as the uplink reads.
        func read(_ range: ClosedRange<UInt64>) async throws -> [Int64] {
            var numbers: [Int64] = []
            var next = range.lowerBound
            while next <= range.upperBound {
                let records = try await keeper.read(next...range.upperBound, recordsMax: 32, bytesMax: 1 << 20)
                guard let last = records.last else { break }
                numbers += records.map(\.entry.minMillis)
                next = last.sequence + 1
            }
            return numbers
        }

        func fill() throws {
            try #require(FileManager.default.createFile(atPath: folder.path + "/ballast", contents: nil))
            let file = try FileHandle(forWritingTo: URL(filePath: folder.path + "/ballast"))
            while (try? file.write(contentsOf: Data(count: 4096))) != nil {}
            try file.close()
        }

        func free() throws { try FileManager.default.removeItem(atPath: folder.path + "/ballast") }
        func unmount() { umount2(folder.path, Int32(MNT_DETACH)) }
    }

    @Test(
        "Records wait in memory under their numbers, are read from there, and are written when there is room",
        .enabled(if: canMount, "needs the right to mount a tmpfs"))
    func waits() async throws {
        let disk = try Disk()
        defer { disk.unmount() }
        #expect(try await disk.append(1...10) == Array(1...10))
        try disk.fill()
        #expect(try await disk.append(11...40) == Array(11...40))
        #expect(await disk.keeper.view().isFailing)
        #expect(try await disk.read(1...40) == Array(1...40))
        // What is acknowledged needs no disk any more, one in the middle is refused, and the last one is given up.
        try await disk.keeper.acknowledge(through: 20)
        try await disk.keeper.giveUp(25)
        try await disk.keeper.giveUp(40)
        #expect(await disk.keeper.takeLosses().map(\.sequences) == [25...25, 40...40])
        try disk.free()
        #expect(try await disk.append(41...41) == [41])
        let view = await disk.keeper.view()
        #expect(!view.isFailing && view.unwrittenBytes == 0 && view.lostSamples == 20)
        #expect(try await disk.read(21...24) == Array(21...24))
        #expect(try await disk.read(26...39) == Array(26...39))
        #expect(try await disk.read(41...41) == [41])
    }

    @Test(
        "Beyond what memory may hold the oldest are lost, counted and located",
        .enabled(if: canMount, "needs the right to mount a tmpfs"))
    func isBounded() async throws {
        let disk = try Disk()
        defer { disk.unmount() }
        _ = try await disk.append(1...2)
        try disk.fill()
        _ = try await disk.append(3...103, bytes: 100_000)
        let view = await disk.keeper.view()
        #expect(view.last == 103 && view.unwrittenBytes <= 8 << 20 && view.unwrittenBytes > 7 << 20)
        let loss = try #require(await disk.keeper.takeLosses().first)
        #expect(loss.sequences.contains(3) && loss.millis?.lowerBound == 3)
        #expect(view.lostSamples == loss.samples && loss.samples == 10 * UInt64(loss.sequences.count))
        #expect(try await disk.read(loss.sequences.upperBound + 1...103).count == 103 - Int(loss.sequences.upperBound))
        #expect(try await disk.read(3...3).isEmpty)
    }
}
