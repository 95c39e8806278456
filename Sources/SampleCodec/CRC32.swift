import CZlib

/// CRC-32 as in zlib, gzip and PNG (polynomial 0xEDB88320): what sample blocks and spool records are checked with.
package enum CRC32 {
    /// The checksum of some bytes.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        checksum(bytes[...])
    }

    /// The checksum of some bytes, continued from the checksum of the bytes before them.
    package static func checksum(_ bytes: ArraySlice<UInt8>, continuing start: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBufferPointer { checksum($0, continuing: start) }
    }

    static func checksum(_ bytes: UnsafeBufferPointer<UInt8>, continuing start: UInt32 = 0) -> UInt32 {
        // zlib answers a null pointer with the initial value, whatever the start: an empty buffer must not reach it.
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return start }
        return UInt32(truncatingIfNeeded: crc32_z(uLong(start), base, bytes.count))
    }
}
