import Foundation

#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A file that is written once, made durable, and put in another's place.
struct DurableFile {
    private let path: String
    private let descriptor: Int32

    /// Makes the file anew, for its owner alone.
    init(writing path: String) throws(DetectorStateFailure) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("write \(path)") }
    }

    func append(_ data: Data) throws(DetectorStateFailure) {
        var done = 0
        while done < data.count {
            let count = data.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("write \(path)") }
            done += count
        }
    }

    /// Returns when all of it is on the disk; the file is closed.
    func finish() throws(DetectorStateFailure) {
        guard fsync(descriptor) == 0 else { throw Self.failure("write \(path)") }
        close(descriptor)
    }

    /// Closes and removes the file.
    func discard() {
        close(descriptor)
        unlink(path)
    }

    /// Gives a file the name of another, which goes, and makes that durable.
    static func replace(_ path: String, by fresh: String) throws(DetectorStateFailure) {
        guard rename(fresh, path) == 0 else { throw failure("rename \(fresh)") }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open the folder of \(path)") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("make \(path) durable") }
    }

    private static func failure(_ action: String) -> DetectorStateFailure {
        DetectorStateFailure(description: "cannot \(action): \(String(cString: strerror(errno)))")
    }
}
