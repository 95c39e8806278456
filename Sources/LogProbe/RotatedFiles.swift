import Glibc

/// The files that a log's rotation has left beside it.
///
/// Known are `LOG.1` with the newest as 1, `LOG.TIME` or `LOG-TIME` with names in the order of time, as kubelet and
/// logrotate write them, and `NAME.TIME.log` of `NAME.log`, as logback does. Compressed ones are left out.
struct RotatedFiles {
    struct File: Hashable {
        var path: String
        var inode: UInt64
    }

    /// Oldest first.
    let files: [File]

    /// Looks until two looks agree, at most ten times: while numbers move on, one look may pass over a file.
    init(of path: String) {
        var files = Self.look(path)
        for _ in 0..<9 {
            let again = Self.look(path)
            if again == files { break }
            files = again
        }
        self.files = files
    }

    private static func look(_ path: String) -> [File] {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let base = path.split(separator: "/").last.map(String.init) ?? path
        return DirectoryList.names(folder)
            .compactMap { name in suffix(of: name, base: base).map { (name, $0) } }
            .sorted { isOlder($0.1, $1.1) }
            .compactMap { name, _ in
                var status = stat()
                guard stat("\(folder)/\(name)", &status) == 0 else { return nil }
                return File(path: "\(folder)/\(name)", inode: UInt64(status.st_ino))
            }
    }

    /// The number or time in the name of a log's rotated file; nil when the file is none.
    static func suffix(of name: String, base: String) -> Substring? {
        if name.hasPrefix(base) { return mark(name.dropFirst(base.count), digitsMin: 1) }
        guard let dot = base.lastIndex(of: "."), dot > base.startIndex else { return nil }
        let (stem, type) = (base[..<dot], base[dot...])
        guard name.hasPrefix(stem), name.hasSuffix(type), name.count > base.count else { return nil }
        // A date, since `app-1.log` is a log of its own beside `app.log`.
        return mark(name.dropFirst(stem.count).dropLast(type.count), digitsMin: 8)
    }

    private static func mark(_ rest: Substring, digitsMin: Int) -> Substring? {
        guard rest.first == "." || rest.first == "-" else { return nil }
        let mark = rest.dropFirst()
        return mark.utf8.allSatisfy(isTimeMark) && mark.utf8.count(where: isDigit) >= digitsMin ? mark : nil
    }

    /// Whether a name ends as rotated files do, compressed ones included, so that it is no log of its own.
    static func looksRotated(_ name: String) -> Bool {
        for compressed in [".gz", ".bz2", ".xz", ".zst", ".zip"] where name.hasSuffix(compressed) { return true }
        guard let mark = name.lastIndex(where: { !$0.utf8.allSatisfy(isTimeMark) }) else { return false }
        let tail = name[name.index(after: mark)...]
        guard let first = tail.first(where: { $0 == "." || $0 == "-" }), first == tail.first else { return false }
        // A number alone, or a date at least: `node-1` is a name of its own, `node.log.1` and `log-20261124` are not.
        let digits = tail.utf8.count(where: isDigit)
        return digits >= 8 || (first == "." && digits >= 1 && tail.utf8.allSatisfy { isDigit($0) || $0 == 46 })
    }

    /// Small numbers fall with time, times rise.
    private static func isOlder(_ left: Substring, _ right: Substring) -> Bool {
        switch (index(left), index(right)) {
        case (let left?, let right?): left > right
        case (nil, nil): left < right
        case (let left, _): left == nil
        }
    }

    private static func index(_ suffix: Substring) -> Int? {
        suffix.utf8.count <= 4 && suffix.utf8.allSatisfy(isDigit) ? Int(suffix) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// Digits, and what stands between them in times.
    private static func isTimeMark(_ byte: UInt8) -> Bool {
        isDigit(byte) || [UInt8(ascii: "-"), 46, 58, UInt8(ascii: "T"), UInt8(ascii: "Z"), 95].contains(byte)
    }
}
