// Names of people: before the `@` of URLs and of mail addresses.

extension SecretFinder {
    /// Longest part of a URL that is looked through for an `@`.
    private static let urlBytesMax = 1024
    /// Longest local part of an address (RFC 5321, 4.5.3.1.1).
    private static let localBytesMax = 64

    /// User and password of URLs.
    ///
    /// A password may hold a slash that should have been escaped, so with a colon in the authority the last `@` of the
    /// URL ends it; that takes host and port of a URL with an `@` in its path as well.
    mutating func findUserInformation() {
        var index = 0
        while index + 2 < bytes.count {
            guard bytes[index] == 58, bytes[index + 1] == 47, bytes[index + 2] == 47 else {
                index += 1
                continue
            }
            let start = index + 3
            let limit = min(bytes.count, start + Self.urlBytesMax)
            var authorityEnd: Int?
            var hasColon = false
            var at: Int?
            var stop = start
            while stop < limit, !Self.endsURL(bytes[stop]) {
                switch bytes[stop] {
                case 47, 63, 35: authorityEnd = authorityEnd ?? stop
                case 58 where authorityEnd == nil: hasColon = true
                case 64 where authorityEnd == nil || hasColon: at = stop
                default: break
                }
                stop += 1
            }
            if let at { add(start..<at, .password) }
            index = stop > start ? stop : start
        }
    }

    private static func endsURL(_ byte: UInt8) -> Bool {
        switch byte {
        case 32, 34, 39, 60, 62, 96: true
        default: false
        }
    }

    /// Mail addresses.
    mutating func findAddresses() {
        var index = 0
        while index < bytes.count {
            // Behind the user of a URL stands its host, which may be kept.
            guard bytes[index] == 64, !endsUser(index), let stop = domainEnd(from: index + 1) else {
                index += 1
                continue
            }
            let start = localStart(before: index)
            if start < index { add(start..<stop, .email) }
            index = stop
        }
    }

    private func endsUser(_ index: Int) -> Bool {
        secrets.contains { $0.kind == .password && $0.range.upperBound == index }
    }

    /// The end of a domain with a dot; nil where there is none.
    private func domainEnd(from start: Int) -> Int? {
        var stop = end(from: start) { Self.isWord($0) || $0 == 45 || $0 == 46 || $0 >= 128 }
        while stop > start, bytes[stop - 1] == 46 || bytes[stop - 1] == 45 { stop -= 1 }
        guard let dot = bytes[start..<stop].lastIndex(of: 46), dot > start, stop - dot >= 3 else { return nil }
        return stop
    }

    private func localStart(before at: Int) -> Int {
        if at > 0, bytes[at - 1] == 34 {
            // "john doe"@example.com
            let first = max(0, at - 1 - Self.localBytesMax)
            return bytes[first..<(at - 1)].lastIndex(of: 34) ?? at
        }
        var start = at
        while start > 0, at - start < Self.localBytesMax, Self.isLocal(bytes[start - 1]) { start -= 1 }
        return start
    }

    /// RFC 5322's atoms and the dot, but for `=` and `/`, which stand before addresses in logs.
    private static func isLocal(_ byte: UInt8) -> Bool {
        if isWord(byte) || byte >= 128 { return true }
        return [33, 35, 36, 37, 38, 42, 43, 45, 46, 63, 94, 96, 123, 124, 125, 126].contains(byte)
    }
}
