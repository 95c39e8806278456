import Glibc

/// Cuts a stream of bytes into lines.
struct LineSplitter {
    /// Longest line; a line of the container runtime has 16 KiB of text at most.
    static let lineBytesMax = 64 << 10

    /// Lines whose end beyond `lineBytesMax` was passed over.
    private(set) var cutLines: UInt64 = 0
    private var rest: [UInt8] = []
    private var isSkipping = false

    /// Passes over what is left of a line whose start was not seen.
    mutating func skipLine() { isSkipping = true }

    /// Forgets the start of a line that has no end.
    mutating func reset() {
        rest.removeAll(keepingCapacity: true)
        isSkipping = false
    }

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
            rest.removeAll(keepingCapacity: true)
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
        rest.removeAll(keepingCapacity: true)
    }
}
