import Glibc

/// Reads what others write into a named pipe.
///
/// It stays open when its writers go, so that the next may come. What nobody reads in time waits in the pipe, and then
/// holds up its writer: nothing is lost here.
final class PipeTail {
    private let descriptor: Int32
    private var hasOpenPiece = false
    /// Bytes that were read.
    private(set) var bytes: UInt64 = 0

    /// Nil when there is no named pipe at the path.
    init?(path: String) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Reads what is there, at most about `bytesMax`; the buffer is scratch space.
    ///
    /// True when there may be more.
    func read(bytesMax: Int, buffer: UnsafeMutableRawBufferPointer, pieces take: (LogTail.Piece) -> Void) -> Bool {
        var budget = bytesMax
        while budget > 0 {
            let count = Glibc.read(descriptor, buffer.baseAddress, min(buffer.count, max(budget, 4096)))
            if count < 0, errno == EINTR { continue }
            if count == 0, hasOpenPiece {
                // All writers are gone: what the last one began has no end.
                hasOpenPiece = false
                take(.gap)
            }
            guard count > 0 else { return false }
            hasOpenPiece = true
            bytes += UInt64(count)
            budget -= count
            take(.bytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
        }
        return true
    }
}
