import Glibc

/// Facts about files that a user names.
enum InputFile {
    /// Whether there is anything under a path.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }
}
