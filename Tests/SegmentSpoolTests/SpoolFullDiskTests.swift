import Foundation
import Glibc
import SegmentSpool
import Testing

/// A real full disk: a tmpfs of 256 KiB, where the tests may mount one.
@Suite struct SpoolFullDiskTests {
    private static let canMount = geteuid() == 0 && probe()

    private static func probe() -> Bool {
        let path = FileManager.default.temporaryDirectory.appending(path: "tocsin-mount-\(UUID().uuidString)").path
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount(path) == 0
    }

    @Test(.enabled(if: canMount, "needs the right to mount a tmpfs"))
    func fullDiskChangesNothingAndPasses() throws {
        let box = SpoolSandbox(limits: SpoolLimits(spoolBytes: 1 << 20, segmentBytes: 20_000, recordBytes: 4000))
        try FileManager.default.createDirectory(at: box.url, withIntermediateDirectories: true)
        try #require(mount("tmpfs", box.url.path, "tmpfs", 0, "size=256k") == 0)
        defer { umount2(box.url.path, Int32(MNT_DETACH)) }
        let spool = try box.open()
        var accepted = 0
        var failure: SpoolError?
        while failure == nil, accepted < 1000 {
            do {
                _ = try spool.append([SpoolSandbox.entry(accepted, bytes: 2000)])
                accepted += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .full)
        #expect(spool.lastSequence == UInt64(accepted))
        #expect(throws: SpoolError.self) { try spool.append([SpoolSandbox.entry(accepted, bytes: 4000)]) }
        // Reading and acknowledging work on a full disk, and make room.
        #expect(try SpoolSandbox.readAll(spool).records.count == accepted)
        try spool.acknowledge(through: UInt64(accepted / 2))
        #expect(
            try spool.append([SpoolSandbox.entry(accepted, bytes: 2000)]) == UInt64(accepted + 1)...UInt64(accepted + 1)
        )
        let (records, losses) = try SpoolSandbox.readAll(spool, from: UInt64(accepted / 2 + 1))
        #expect(records.map(\.entry) == (accepted / 2...accepted).map { SpoolSandbox.entry($0, bytes: 2000) })
        #expect(losses.isEmpty)
    }
}
