import Glibc

/// Where a symbolic link in a log folder leads.
///
/// `/var/log/containers/*.log` are links into `/var/log/pods`, and with Docker those are links into its own folder. A
/// link is followed where only the node's own programs write, or when it stays in its folder: whoever may write a
/// service's logs must not be able to have any file of the node read.
enum LogLink {
    /// What a link is to us.
    enum Target: Hashable {
        /// No link, or one that may be followed: the path without links.
        case file(String)
        /// It leads out of the folders that are read.
        case outside
        /// There is nothing at its end.
        case nowhere
    }

    /// Follows a path to its end.
    ///
    /// - Parameter roots: folders into which links may lead.
    static func resolve(_ path: String, roots: [String]) -> Target {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return .file(path) }
        guard let end = real(path) else { return .nowhere }
        if real(folder(of: path)) == folder(of: end) { return .file(end) }
        let isInside = roots.contains { root in real(root).map { end.hasPrefix($0 == "/" ? $0 : $0 + "/") } ?? false }
        return isInside ? .file(end) : .outside
    }

    private static func real(_ path: String) -> String? {
        guard let end = realpath(path, nil) else { return nil }
        defer { free(end) }
        return String(cString: end)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
