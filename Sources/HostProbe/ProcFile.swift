import Glibc

/// Reads files of `/proc`, which have no size and must be read to their end in one go.
enum ProcFile {
    /// A longer file is cut: `/proc/stat` of a machine with 512 CPUs has 60 KB, its interrupt line as much again.
    static let bytesMax = 1 << 20

    /// The text, or nil when it cannot be read; bytes that are no UTF-8 are replaced.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < bytesMax {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                guard errno == EINTR else { return nil }
                continue
            }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
