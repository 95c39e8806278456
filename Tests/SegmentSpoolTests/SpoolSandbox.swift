import Foundation
import SegmentSpool
import TocsinTestKit

/// A directory of its own on the real disk, removed with the value.
final class SpoolSandbox {
    let url: URL
    var random: SeededRandom
    var limits: SpoolLimits

    init(
        seed: UInt64 = 1, limits: SpoolLimits = SpoolLimits(spoolBytes: 1 << 20, segmentBytes: 2000, recordBytes: 4000)
    ) {
        random = SeededRandom(seed: seed)
        self.limits = limits
        url = FileManager.default.temporaryDirectory.appending(path: "tocsin-spool-\(UUID().uuidString)")
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func open() throws -> SegmentSpool {
        try SegmentSpool.open(directory: url.path, limits: limits, using: &random)
    }

    /// Record number `index` of a test: its samples, times and bytes follow from the number.
    static func entry(_ index: Int, bytes: Int = 300) -> SpoolEntry {
        SpoolEntry(
            kind: index.isMultiple(of: 3) ? .edgeBatch : .sampleBlock, sampleCount: UInt32(index + 10),
            minMillis: Int64(index) * 1000, maxMillis: Int64(index) * 1000 + 500,
            payload: (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) })
    }

    @discardableResult
    static func fill(_ spool: SegmentSpool, _ indices: Range<Int>, bytes: Int = 300) throws -> [UInt64] {
        try indices.map { try spool.append([entry($0, bytes: bytes)]).lowerBound }
    }

    /// All that can be read from a sequence on, losses stepped over.
    static func readAll(_ spool: SegmentSpool, from sequence: UInt64 = 1) throws -> (
        records: [SpoolRecord], losses: [SpoolLoss]
    ) {
        var records: [SpoolRecord] = []
        var losses: [SpoolLoss] = []
        var next = max(sequence, spool.firstSequence)
        while next <= spool.lastSequence {
            let found = try spool.read(from: next, maxRecords: 5, maxBytes: 1000)
            let lost = spool.takeLosses()
            losses += lost
            records += found
            guard let last = found.last?.sequence ?? lost.last?.sequences.upperBound else {
                struct Stuck: Error { var sequence: UInt64 }
                throw Stuck(sequence: next)
            }
            next = last + 1
        }
        return (records, losses)
    }

    var segmentURLs: [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.appending(path: "data").path)) ?? []
        return names.filter { $0.hasSuffix(".seg") }.sorted().map { url.appending(path: "data/\($0)") }
    }

    func change(_ url: URL, _ edit: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: url)
        edit(&data)
        try data.write(to: url)
    }

    /// The directory as a crash at this moment would leave it, open files and all.
    func copy() throws -> SpoolSandbox {
        let other = SpoolSandbox(seed: random.next(), limits: limits)
        try FileManager.default.copyItem(at: url, to: other.url)
        return other
    }
}
