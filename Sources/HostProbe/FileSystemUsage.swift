import Glibc

/// Room on the file system of one mount point.
struct FileSystemUsage: Hashable, Sendable {
    var sizeBytes: Double
    var freeBytes: Double
    /// Free for processes without privileges.
    var availableBytes: Double
    /// Inodes; 0 where the file system makes them as needed (btrfs).
    var files: Double
    var filesFree: Double
    var isReadOnly: Bool

    /// Asks the kernel; nil when the path cannot be asked about.
    ///
    /// Waits as long as the file system does.
    static func read(_ path: String) -> FileSystemUsage? {
        var raw = statvfs()
        guard statvfs(path, &raw) == 0 else { return nil }
        let block = Double(raw.f_frsize)
        return FileSystemUsage(
            sizeBytes: Double(raw.f_blocks) * block, freeBytes: Double(raw.f_bfree) * block,
            availableBytes: Double(raw.f_bavail) * block, files: Double(raw.f_files), filesFree: Double(raw.f_ffree),
            isReadOnly: raw.f_flag & UInt(ST_RDONLY) != 0)
    }
}
