import SampleCodec

#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// One file of consecutive records, named for the first one's sequence.
///
/// 40 bytes of header ("TSEG", version 1, session, first sequence, zero, CRC-32 of the 36 bytes before; numbers are
/// little-endian), then records. The header repeats what the file's name and the spool's identity say, so that either
/// can be lost.
struct SegmentFile {
    static let headerBytes = 40
    static let version: UInt32 = 1
    private static let magic: [UInt8] = [0x54, 0x53, 0x45, 0x47]

    /// What lies at a place in a segment.
    enum Finding {
        /// A good head; its payload was not looked at.
        case head(RecordHead, offset: Int)
        /// Damage, and the next good head behind it, if there is one.
        case damage(next: (RecordHead, offset: Int)?)
        /// The end of the segment.
        case end
    }

    let file: SpoolFile
    let first: UInt64

    static func name(first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
    }

    /// The first sequence in a file's name; nil when it isn't the name of a segment.
    static func first(inName name: String) -> UInt64? {
        guard name.count == 24, name.hasSuffix(".seg"), let first = UInt64(name.prefix(20)), first > 0 else {
            return nil
        }
        return first
    }

    /// Makes an empty segment, durable with its name; an older file of the name is overwritten.
    static func create(in folder: String, first: UInt64, session: SpoolSession) throws(SpoolError) -> SegmentFile {
        let path = folder + "/" + name(first: first)
        let file = try SpoolFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        var header = magic
        header.appendLittle(version)
        header += session.bytes
        header.appendLittle(first)
        header.appendLittle(UInt32(0))
        header.appendLittle(CRC32.checksum(header))
        do {
            try file.write(header, at: 0)
            try file.sync()
            try SpoolDirectory.sync(folder)
        } catch {
            // Without its header the name would only confuse the next start; that it stays is no new error.
            unlink(path)
            throw error
        }
        return SegmentFile(file: file, first: first)
    }

    static func open(in folder: String, first: UInt64) throws(SpoolError) -> SegmentFile {
        SegmentFile(file: try SpoolFile(folder + "/" + name(first: first), flags: O_RDWR), first: first)
    }

    /// The session in the header; nil when the header is damaged or of another version.
    func session() throws(SpoolError) -> SpoolSession? {
        let header = try file.read(Self.headerBytes, at: 0)
        guard header.count == Self.headerBytes, header.starts(with: Self.magic),
            header.little(UInt32.self, at: 4) == Self.version, header.little(UInt64.self, at: 24) == first,
            header.little(UInt32.self, at: 36) == CRC32.checksum(header[..<36])
        else { return nil }
        return SpoolSession(bytes: Array(header[8..<24]))
    }

    /// What is at `offset`, where the record `expected` should be, in a segment that ends at byte `end`.
    ///
    /// - Parameter bound: the first sequence of the next segment: heads from there on are not of this one.
    func finding(
        at offset: Int, expected: UInt64, bound: UInt64, end: Int, recordBytesMax: Int
    ) throws(SpoolError) -> Finding {
        guard offset < end, expected < bound else { return .end }
        func isGood(_ head: RecordHead, at offset: Int) -> Bool {
            head.sequence >= expected && head.sequence < bound && head.payloadBytes <= recordBytesMax
                && offset + head.recordBytes <= end
        }
        let bytes = try file.read(min(RecordHead.size, end - offset), at: offset)
        if let head = RecordHead(bytes[...]), head.sequence == expected, isGood(head, at: offset) {
            return .head(head, offset: offset)
        }
        // Damage is rare, so that reading the rest of a segment at once is no burden.
        let rest = try file.read(end - offset, at: offset)
        var place = 0
        while place + RecordHead.size <= rest.count {
            guard let found = rest[place...].firstIndex(of: RecordHead.magic[0]) else { break }
            if let head = RecordHead(rest[found...]), isGood(head, at: offset + found) {
                return .damage(next: (head, offset: offset + found))
            }
            place = found + 1
        }
        return .damage(next: nil)
    }

    /// The payload of a head; nil when it is damaged.
    func payload(of head: RecordHead, at offset: Int) throws(SpoolError) -> [UInt8]? {
        let bytes = try file.read(head.payloadBytes, at: offset + RecordHead.size)
        return bytes.count == head.payloadBytes && CRC32.checksum(bytes) == head.payloadChecksum ? bytes : nil
    }
}
