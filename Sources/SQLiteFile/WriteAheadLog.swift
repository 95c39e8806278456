import Foundation

/// The write-ahead log beside a database file, as a dead process left it; its format is at
/// https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
///
/// SQLite takes a log up to its first frame that is not what was written, and says nothing of those behind it. After a
/// crash that is right: each transaction is on the disk before the next one is written, so that at most one is torn.
/// With more of them behind the bad frame, what was acknowledged is gone.
struct WriteAheadLog {
    private static let headerBytes = 32
    private static let frameHeaderBytes = 24

    /// Transactions that ended behind the first bad frame; 1 may be one that was never acknowledged.
    private(set) var transactionsUnreadable = 0

    /// Reads the log of a database file; there is nothing to tell where there is none.
    init(of path: String) throws {
        guard let bytes = FileManager.default.contents(atPath: path + "-wal"), bytes.count > Self.headerBytes else {
            return
        }
        bytes.withUnsafeBytes { look($0) }
    }

    private mutating func look(_ log: UnsafeRawBufferPointer) {
        let isBigEndian = log[3] & 1 == 1
        let pageBytes = Int(Self.number(log, at: 8))
        var sum = Sum(isBigEndian: isBigEndian)
        sum.add(log[..<24])
        let isSound = sum.first == Self.number(log, at: 24) && sum.second == Self.number(log, at: 28)
        // A header is one sector, and is never torn.
        guard isSound, (512...65536).contains(pageBytes) else {
            transactionsUnreadable = 2
            return
        }
        var isWhole = true
        var offset = Self.headerBytes
        while offset + Self.frameHeaderBytes + pageBytes <= log.count {
            defer { offset += Self.frameHeaderBytes + pageBytes }
            // Frames of an earlier round lie behind those of this one.
            let isOfThisRound = log[offset + 8..<offset + 16].elementsEqual(log[16..<24])
            if isWhole {
                sum.add(log[offset..<offset + 8])
                sum.add(log[offset + 24..<offset + 24 + pageBytes])
                let isRight =
                    sum.first == Self.number(log, at: offset + 16) && sum.second == Self.number(log, at: offset + 20)
                if isOfThisRound, isRight { continue }
                isWhole = false
            }
            let endsTransaction = Self.number(log, at: offset + 4) > 0
            if isOfThisRound, endsTransaction { transactionsUnreadable += 1 }
        }
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The checksum that runs through the log.
    private struct Sum {
        let isBigEndian: Bool
        var first: UInt32 = 0
        var second: UInt32 = 0

        mutating func add(_ slice: Slice<UnsafeRawBufferPointer>) {
            let bytes = UnsafeRawBufferPointer(rebasing: slice)
            for offset in stride(from: 0, to: bytes.count - 7, by: 8) {
                let (x, y) = (
                    bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                )
                first &+= (isBigEndian ? UInt32(bigEndian: x) : UInt32(littleEndian: x)) &+ second
                second &+= (isBigEndian ? UInt32(bigEndian: y) : UInt32(littleEndian: y)) &+ first
            }
        }
    }
}
