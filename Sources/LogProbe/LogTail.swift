import Glibc

/// Follows one log file through its rotations and hands out whole lines, each once.
///
/// Rotation by rename: the old file is read to its end, then the files that were rotated meanwhile, then the new one.
/// Rotation by
/// copy and truncate shows as a file that is shorter than what was read of it: it is read from its start, and what
/// was written between
/// the last look and the truncation is in the copy alone and is lost here, counted as a truncation.
final class LogTail {
    /// What happened to the file.
    struct Counters: Hashable, Sendable {
        var bytes: UInt64 = 0
        var lines: UInt64 = 0
        /// Lines whose end beyond `lineBytesMax` was passed over.
        var cutLines: UInt64 = 0
        var rotations: UInt64 = 0
        var truncations: UInt64 = 0
        /// Rotated files that were gone or compressed before they could be read.
        var missedFiles: UInt64 = 0
    }

    /// A line of the container runtime has 16 KiB of text at most.
    static let lineBytesMax = 64 << 10

    private let path: String
    private var descriptor: Int32
    private var inode: UInt64
    private var offset: Int
    private var rest: [UInt8] = []
    private var isSkipping = false
    private(set) var counters = Counters()

    /// Opens a file at its start, or at its end without what stands there; nil when it cannot be opened.
    init?(path: String, atEnd: Bool) {
        guard let (descriptor, status) = Self.open(path) else { return nil }
        self.path = path
        self.descriptor = descriptor
        inode = UInt64(status.st_ino)
        offset = atEnd ? Int(status.st_size) : 0
        // The end may lie inside a line, whose rest is no line.
        if atEnd, offset > 0 { isSkipping = !Self.endsWithNewline(descriptor, offset) }
    }

    deinit {
        close(descriptor)
    }

    /// Reads what is new, at most about `bytesMax`; the buffer is scratch space.
    ///
    /// True when there may be more.
    func read(
        bytesMax: Int, buffer: UnsafeMutableRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var budget = bytesMax
        while true {
            guard drain(&budget, buffer, take) else { return true }
            if startAgainIfTruncated() { continue }
            var current = stat()
            guard stat(path, &current) == 0, UInt64(current.st_ino) != inode else { return false }
            // The writer has another file now, so this one is complete: what came since the last read is its end.
            guard drain(&budget, buffer, take) else { return true }
            guard follow() else { return false }
        }
    }

    /// False when the budget ended first.
    private func drain(
        _ budget: inout Int, _ buffer: UnsafeMutableRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        while budget > 0 {
            let count = pread(descriptor, buffer.baseAddress, min(buffer.count, max(budget, 4096)), offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return true }
            offset += count
            budget -= count
            counters.bytes += UInt64(count)
            split(UnsafeRawBufferPointer(rebasing: buffer[..<count]), take)
        }
        return false
    }

    private func split(_ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
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
            counters.cutLines += 1
            rest.withUnsafeBytes { emit($0, take) }
            rest.removeAll(keepingCapacity: true)
            isSkipping = true
        }
    }

    private func finish(_ end: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
        guard !isSkipping else {
            isSkipping = false
            return
        }
        let room = Self.lineBytesMax - rest.count
        if end.count > room { counters.cutLines += 1 }
        let end = UnsafeRawBufferPointer(rebasing: end.prefix(room))
        guard !rest.isEmpty else { return emit(end, take) }
        rest += end
        rest.withUnsafeBytes { emit($0, take) }
        rest.removeAll(keepingCapacity: true)
    }

    private func emit(_ line: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void) {
        counters.lines += 1
        take(line)
    }

    /// Starts again when the file has become shorter than what was read of it.
    private func startAgainIfTruncated() -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) < offset else { return false }
        counters.truncations += 1
        offset = 0
        rest.removeAll(keepingCapacity: true)
        isSkipping = false
        return true
    }

    /// Goes on with the file that came after this one: a rotated one, or the current one.
    private func follow() -> Bool {
        let next = successor()
        guard var (descriptor, status) = Self.open(next.name ?? path) else { return false }
        // Between the look at the folder and the opening the current file may have been rotated as well: then it is the
        // next one under its new name, and what was opened may be one too far.
        if case .current = next, let name = successor().name, let earlier = Self.open(name) {
            close(descriptor)
            (descriptor, status) = earlier
        }
        // Ours is gone or compressed already, and so may be others.
        if case .unknown = next { counters.missedFiles += 1 }
        close(self.descriptor)
        self.descriptor = descriptor
        inode = UInt64(status.st_ino)
        offset = 0
        rest.removeAll(keepingCapacity: true)
        isSkipping = false
        counters.rotations += 1
        return true
    }

    /// What comes after our file.
    private enum Successor {
        /// The oldest rotated file that is younger than ours.
        case rotated(String)
        /// Ours was the last one rotated.
        case current
        /// Ours is not among the rotated files.
        case unknown

        var name: String? {
            if case .rotated(let name) = self { name } else { nil }
        }
    }

    /// Looks for it: rotated files are named after the log with a time, so that their names are in order.
    private func successor() -> Successor {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let prefix = (path.split(separator: "/").last.map(String.init) ?? path) + "."
        let rotated = DirectoryList.names(folder).filter { $0.hasPrefix(prefix) }.sorted()
        let ours = rotated.firstIndex { name in
            var status = stat()
            return stat("\(folder)/\(name)", &status) == 0 && UInt64(status.st_ino) == inode
        }
        guard let ours else { return .unknown }
        return ours + 1 < rotated.count ? .rotated("\(folder)/\(rotated[ours + 1])") : .current
    }

    private static func open(_ path: String) -> (Int32, stat)? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        return (descriptor, status)
    }

    private static func endsWithNewline(_ descriptor: Int32, _ size: Int) -> Bool {
        var byte: UInt8 = 0
        return pread(descriptor, &byte, 1, size - 1) == 1 && byte == 10
    }
}
