#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// An open file; closed when the last reference goes.
final class SpoolFile {
    private let descriptor: Int32
    let path: String

    init(_ path: String, flags: Int32) throws(SpoolError) {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolFile.failure("open \(path)") }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    func size() throws(SpoolError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SpoolFile.failure("stat \(path)") }
        return Int(status.st_size)
    }

    /// Writes all bytes at `offset`.
    func write(_ bytes: [UInt8], at offset: Int) throws(SpoolError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return pwrite(descriptor, base + done, buffer.count - done, off_t(offset + done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SpoolFile.failure("write \(path)") }
            // A write that takes nothing and reports nothing is a full disk on some file systems.
            guard count > 0 else { throw SpoolError(.full, "write \(path)", errorNumber: ENOSPC) }
            done += count
        }
    }

    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int) throws(SpoolError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return pread(descriptor, base + done, count - done, off_t(offset + done))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw SpoolFile.failure("read \(path)") }
            guard got > 0 else { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    func truncate(to size: Int) throws(SpoolError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw SpoolFile.failure("truncate \(path)") }
    }

    func sync() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else { throw SpoolFile.failure("sync \(path)") }
    }

    /// Takes the lock that keeps a second process out; it goes with the file.
    func lock() throws(SpoolError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK
                ? SpoolError(.locked, "\(path) is held by another process", errorNumber: errno)
                : SpoolFile.failure("lock \(path)")
        }
    }

    static func failure(_ what: String) -> SpoolError {
        let number = errno
        return SpoolError(number == ENOSPC || number == EDQUOT ? .full : .inputOutput, what, errorNumber: number)
    }
}

/// The few calls on directories that the spool needs.
enum SpoolDirectory {
    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Makes the directory and those above it.
    static func create(_ path: String) throws(SpoolError) {
        var partial = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            partial += partial.isEmpty && !path.hasPrefix("/") ? String(part) : "/" + part
            guard mkdir(partial, 0o700) == 0 || errno == EEXIST || exists(partial) else {
                throw SpoolFile.failure("make directory \(partial)")
            }
        }
    }

    static func names(in path: String) throws(SpoolError) -> [String] {
        guard let stream = opendir(path) else { throw SpoolFile.failure("list \(path)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
                String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func rename(_ old: String, to new: String) throws(SpoolError) {
        guard Self.move(old, new) == 0 else { throw SpoolFile.failure("rename \(old)") }
    }

    static func remove(_ path: String) throws(SpoolError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SpoolFile.failure("remove \(path)") }
    }

    /// Removes a directory that holds files alone.
    static func removeFlat(_ path: String) throws(SpoolError) {
        guard exists(path) else { return }
        for name in try names(in: path) { try remove(path + "/" + name) }
        guard rmdir(path) == 0 else { throw SpoolFile.failure("remove \(path)") }
    }

    /// Makes new, renamed and removed names durable.
    static func sync(_ path: String) throws(SpoolError) {
        let directory = try SpoolFile(path, flags: O_RDONLY | O_DIRECTORY)
        try directory.sync()
    }

    private static func move(_ old: String, _ new: String) -> Int32 {
        #if canImport(Musl)
        Musl.rename(old, new)
        #else
        Glibc.rename(old, new)
        #endif
    }
}
