import Glibc

/// What must stand in the body of an answer.
package enum BodyExpectation: Sendable, Hashable {
    /// This text, byte for byte.
    case contains(String)
    /// A match of this POSIX extended regular expression; `^` and `$` match at lines.
    case matches(String)

    /// A regular expression sees no more than the first 64 KiB, so that a check has a bound on what it costs.
    package static let matchedBytesMax = 64 << 10

    /// Whether a body has it; nil when the expression is malformed.
    package func isMet(by body: [UInt8]) -> Bool? {
        switch self {
        case .contains(let text): Self.contains(body, Array(text.utf8))
        case .matches(let pattern): Self.matches(body.prefix(Self.matchedBytesMax), pattern)
        }
    }

    private static func contains(_ body: [UInt8], _ text: [UInt8]) -> Bool {
        guard let first = text.first else { return true }
        return body.withUnsafeBytes { hay in
            text.withUnsafeBytes { needle in
                guard let start = hay.baseAddress, let wanted = needle.baseAddress else { return false }
                var offset = 0
                while offset + needle.count <= hay.count {
                    let room = hay.count - needle.count - offset + 1
                    guard let hit = memchr(start + offset, Int32(first), room) else { return false }
                    if memcmp(hit, wanted, needle.count) == 0 { return true }
                    offset = UnsafeRawPointer(hit) - start + 1
                }
                return false
            }
        }
    }

    private static func matches(_ body: ArraySlice<UInt8>, _ pattern: String) -> Bool? {
        var compiled = regex_t()
        guard regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) == 0 else { return nil }
        defer { regfree(&compiled) }
        // The matcher takes a C string: a zero byte would end it early.
        let text = body.map { $0 == 0 ? CChar(32) : CChar(bitPattern: $0) } + [0]
        return regexec(&compiled, text, 0, nil, 0) == 0
    }
}
