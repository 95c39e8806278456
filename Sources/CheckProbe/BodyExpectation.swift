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
        guard !text.isEmpty else { return true }
        return body.withUnsafeBytes { hay in
            text.withUnsafeBytes { needle in
                guard let hayStart = hay.baseAddress, let needleStart = needle.baseAddress else { return false }
                return memmem(hayStart, hay.count, needleStart, needle.count) != nil
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
