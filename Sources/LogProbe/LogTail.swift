import Glibc

/// Follows one log file through its rotations and hands out its bytes or whole lines, each once.
///
/// Rotation by rename: the old file is read to its end, then the files that were rotated meanwhile, then the new one.
///
/// Rotation by copy and truncate: a file that is shorter than what was read of it, or has other bytes before that
/// place, was truncated. The oldest copy that has the bytes that were read last is read on from there, then the younger
/// copies, then the file from its start. Since the writer knows nothing of it, a line may begin in a copy and end in
/// the file. Without such a copy what was written between the last look and the truncation is lost here, and counted.
final class LogTail {
    /// What happened to the file.
    struct Counters: Hashable, Sendable {
        var bytes: UInt64 = 0
        var rotations: UInt64 = 0
        var truncations: UInt64 = 0
        /// Rotated files that were gone or compressed before they could be read, truncated files without a copy.
        var missedFiles: UInt64 = 0
    }

    /// What is handed out.
    enum Piece {
        case bytes(UnsafeRawBufferPointer)
        /// The next bytes do not go on with the last ones.
        case gap
    }

    /// So many bytes before the place that is read next are remembered, to know the file again.
    private static let rememberedMax = 64

    private static let passedMax = 32

    private let path: String
    private var descriptor: Int32
    private var inode: UInt64
    private var offset: Int
    /// The bytes before `offset`.
    private var remembered: [UInt8] = []
    /// The rotated file that comes before this one, 0 for none; looked at until something of this one was read.
    private var before: UInt64 = 0
    /// Whether this is a copy, with which the truncated file goes on.
    private var isCopy = false
    /// Files that were read before this one, the last ones, and how they ended.
    private var passed: [(inode: UInt64, offset: Int, remembered: [UInt8])] = []
    private var splitter = LineSplitter()
    private(set) var counters = Counters()

    /// Lines whose end was too far.
    var cutLines: UInt64 { splitter.cutLines }

    /// Opens a file at its start, or at its end without what stands there; nil when it cannot be opened.
    init?(path: String, atEnd: Bool) {
        before = RotatedFiles(of: path).files.last?.inode ?? 0
        guard let (descriptor, status) = Self.open(path) else { return nil }
        self.path = path
        self.descriptor = descriptor
        inode = UInt64(status.st_ino)
        offset = atEnd ? Int(status.st_size) : 0
        guard offset > 0 else { return }
        remembered = Self.bytes(descriptor, before: offset)
        offset = remembered.isEmpty ? 0 : offset
        // The end may lie inside a line, whose rest is no line.
        if let last = remembered.last, last != 10 { splitter.skipLine() }
    }

    deinit {
        close(descriptor)
    }

    /// Whether a file is or was one of this log's, so that it is no other log under another name.
    func hasRead(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        if UInt64(status.st_ino) == inode { return true }
        guard passed.contains(where: { $0.inode == UInt64(status.st_ino) }) else { return false }
        // The number of a file that was removed may be another's now.
        guard let (descriptor, status) = Self.open(path) else { return false }
        defer { close(descriptor) }
        return passed.contains { file in
            file.inode == UInt64(status.st_ino) && Int(status.st_size) >= file.offset && file.offset > 0
                && Self.bytes(descriptor, before: file.offset) == file.remembered
        }
    }

    /// Reads lines that are new, of at most about `bytesMax`; the buffer is scratch space.
    ///
    /// True when there may be more.
    func read(
        bytesMax: Int, buffer: UnsafeMutableRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var splitter = splitter
        defer { self.splitter = splitter }
        return read(bytesMax: bytesMax, buffer: buffer) { piece in
            switch piece {
            case .bytes(let bytes): splitter.split(bytes, take)
            case .gap: splitter.reset()
            }
        }
    }

    /// Reads what is new, at most about `bytesMax`; the buffer is scratch space.
    ///
    /// True when there may be more.
    func read(bytesMax: Int, buffer: UnsafeMutableRawBufferPointer, pieces take: (Piece) -> Void) -> Bool {
        var budget = bytesMax
        // Each turn but those of a budget ends a file or finds a truncation; a folder that changes all the time is left
        // for the next look.
        for _ in 0..<1000 {
            switch drain(&budget, buffer, take) {
            case .budgetEnded: return true
            case .truncated:
                recover(take)
                continue
            case .fileEnded: break
            }
            var current = stat()
            guard stat(path, &current) == 0, UInt64(current.st_ino) != inode else { return false }
            // The writer has another file now, so this one is complete: what came since the last read is its end.
            switch drain(&budget, buffer, take) {
            case .budgetEnded: return true
            case .truncated: recover(take)
            case .fileEnded: guard follow(take) else { return false }
            }
        }
        return true
    }

    // MARK: Reading

    private enum Drained { case budgetEnded, fileEnded, truncated }

    private func drain(
        _ budget: inout Int, _ buffer: UnsafeMutableRawBufferPointer, _ take: (Piece) -> Void
    ) -> Drained {
        while budget > 0 {
            let back = min(remembered.count, buffer.count / 2)
            // The remembered bytes are read again by the same call, so that no truncation comes between.
            let length = min(buffer.count, back + max(budget, 4096))
            let count = pread(descriptor, buffer.baseAddress, length, offset - back)
            if count < 0, errno == EINTR { continue }
            // A file that cannot be read has ended.
            guard count >= 0 else { return .fileEnded }
            guard count >= back, remembered.suffix(back).elementsEqual(buffer[..<back]) else { return .truncated }
            guard count > back else { return .fileEnded }
            if offset == 0, switchToSkipped() { continue }
            let fresh = UnsafeRawBufferPointer(rebasing: buffer[back..<count])
            offset += fresh.count
            budget -= fresh.count
            counters.bytes += UInt64(fresh.count)
            remembered = Array(
                (remembered.suffix(Self.rememberedMax) + fresh.suffix(Self.rememberedMax))
                    .suffix(Self.rememberedMax))
            take(.bytes(fresh))
        }
        return .budgetEnded
    }

    /// Before anything of a file is taken: goes to the copy that was made of it since it was opened, if there is one.
    private func switchToSkipped() -> Bool {
        let files = RotatedFiles(of: path).files
        // Behind a rename this very file is among them.
        guard before == 0 || files.contains(where: { $0.inode == before }), let copy = later(files).first,
            !files.contains(where: { $0.inode == inode }),
            isComplete(copy), let (descriptor, status) = Self.open(copy.path)
        else { return false }
        guard UInt64(status.st_ino) == copy.inode else {
            close(descriptor)
            return false
        }
        counters.truncations += 1
        adopt(descriptor, status)
        isCopy = true
        return true
    }

    // MARK: Truncation

    private func recover(_ take: (Piece) -> Void) {
        counters.truncations += 1
        let files = RotatedFiles(of: path).files
        for file in later(files) {
            guard file.inode != inode, let (descriptor, status) = Self.open(file.path) else { continue }
            guard Int(status.st_size) >= offset, Self.bytes(descriptor, before: offset) == remembered else {
                close(descriptor)
                continue
            }
            close(self.descriptor)
            self.descriptor = descriptor
            inode = UInt64(status.st_ino)
            isCopy = true
            return
        }
        counters.missedFiles += 1
        offset = 0
        remembered = []
        before = files.last?.inode ?? 0
        take(.gap)
    }

    /// The rotated files that came after this one was begun; all when nobody can tell.
    private func later(_ files: [RotatedFiles.File]) -> ArraySlice<RotatedFiles.File> {
        files[(files.firstIndex { $0.inode == before }.map { $0 + 1 } ?? 0)...]
    }

    /// Whether the file has been truncated since the copy was made; while a copy is being made, it is a beginning of
    /// the file.
    private func isComplete(_ copy: RotatedFiles.File) -> Bool {
        guard let (first, copied) = Self.open(copy.path) else { return false }
        defer { close(first) }
        guard UInt64(copied.st_ino) == copy.inode else { return false }
        guard let (second, current) = Self.open(path) else { return true }
        defer { close(second) }
        if current.st_size < copied.st_size { return true }
        let (start, other) = (Self.start(first), Self.start(second))
        let common = min(start.count, other.count)
        return start[..<common] != other[..<common]
    }

    // MARK: Rotation

    /// Goes on with the file that came after this one: a rotated one, or the current one.
    private func follow(_ take: (Piece) -> Void) -> Bool {
        // Names move on while they are looked at: the file must be the one that was found, or all is looked at again.
        for _ in 0..<8 {
            let files = RotatedFiles(of: path).files
            let ours = files.firstIndex { $0.inode == inode }
            var next = ours.flatMap { $0 + 1 < files.count ? files[$0 + 1] : nil }
            if isCopy, let copy = next, !isComplete(copy) { next = nil }
            guard let (descriptor, status) = Self.open(next?.path ?? path) else { return false }
            let opened = UInt64(status.st_ino)
            if let next, opened != next.inode {
                close(descriptor)
                continue
            }
            if next == nil, ours != nil {
                // Between the look at the folder and the opening the current file may have been rotated as well: then
                // what was opened may be one too far.
                let again = RotatedFiles(of: path).files
                let ours = again.firstIndex { $0.inode == inode }
                if let ours, ours + 1 < again.count, again[ours + 1].inode != opened,
                    !isCopy || isComplete(again[ours + 1])
                {
                    close(descriptor)
                    continue
                }
            }
            // Ours is gone or compressed already, and so may be others.
            if ours == nil { counters.missedFiles += 1 }
            let wasCopy = isCopy
            before = ours == nil ? files.last?.inode ?? 0 : inode
            adopt(descriptor, status)
            isCopy = wasCopy && next != nil
            if !wasCopy {
                counters.rotations += 1
                take(.gap)
            } else if ours == nil {
                take(.gap)
            }
            return true
        }
        return false
    }

    /// Goes to the start of another file.
    private func adopt(_ descriptor: Int32, _ status: stat) {
        close(self.descriptor)
        passed = passed.suffix(Self.passedMax - 1) + [(inode, offset, remembered)]
        self.descriptor = descriptor
        inode = UInt64(status.st_ino)
        offset = 0
        remembered = []
    }

    // MARK: Files

    private static func open(_ path: String) -> (Int32, stat)? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        return (descriptor, status)
    }

    private static func start(_ descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, 4096, 0))
        }
    }

    /// The remembered bytes of a file that was read up to a place; fewer when it is shorter.
    private static func bytes(_ descriptor: Int32, before offset: Int) -> [UInt8] {
        let count = min(rememberedMax, offset)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, offset - count))
        }
    }
}
