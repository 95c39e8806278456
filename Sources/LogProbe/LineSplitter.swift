import Glibc

/// Cuts a stream of bytes into lines.
struct LineSplitter {
    /// Longest line; twice what is looked at of a text (`Redactor.windowBytesMax`), so that the end that is cut off
    /// changes nothing, and a thousand logs that never end a line hold 8 MiB.
    static let lineBytesMax = 8 << 10
    /// What a long line leaves of its buffer.
    private static let keptBytesMax = 1024

    /// Lines whose end beyond `lineBytesMax` was passed over.
    private(set) var cutLines: UInt64 = 0
    private var rest: [UInt8] = []
    private var isSkipping = false

    /// Passes over what is left of a line whose start was not seen.
    mutating func skipLine() { isSkipping = true }

    /// Forgets the start of a line that has no end.
    mutating func reset() {
        forget()
        isSkipping = false
    }

    private mutating func forget() { rest.removeAll(keepingCapacity: rest.capacity <= Self.keptBytesMax) }

    mutating func split(_ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
        guard let base = bytes.baseAddress else { return }
        var start = 0
        while start < bytes.count, let hit = memchr(base + start, 10, bytes.count - start) {
            let end = UnsafeRawPointer(hit) - base
            finish(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), take)
            start = end + 1
        }
        guard start < bytes.count, !isSkipping else { return }
        let room = Self.lineBytesMax - rest.count
        rest += bytes[start...].prefix(room)
        if bytes.count - start > room {
            cutLines += 1
            rest.withUnsafeBytes(take)
            forget()
            isSkipping = true
        }
    }

    private mutating func finish(_ end: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
        guard !isSkipping else {
            isSkipping = false
            return
        }
        let room = Self.lineBytesMax - rest.count
        if end.count > room { cutLines += 1 }
        let end = UnsafeRawBufferPointer(rebasing: end.prefix(room))
        guard !rest.isEmpty else { return take(end) }
        rest += end
        rest.withUnsafeBytes(take)
        forget()
    }
}
