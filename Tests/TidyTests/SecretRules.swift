import Foundation

/// Secrets in files for everybody: private keys, tokens by their issuers' forms, and values written beside words such
/// as `password`.
enum SecretRules {
    /// Words before a token, and how many characters of it follow at least.
    ///
    /// The forms are those that their issuers document so that scanners find them.
    private static let tokens: [(prefix: String, length: Int)] = [
        ("AKIA", 16), ("ASIA", 16), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30),
        ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20), ("xoxa-", 20), ("xoxs-", 20), ("AIza", 35),
        ("sk_live_", 20), ("rk_live_", 20), ("hooks.slack.com/services/T", 20), ("npm_", 36),
    ]
    /// Words whose value is a secret.
    private static let keys = [
        "password", "passwd", "secret", "apikey", "api_key", "api-key", "token", "routingkey", "routing_key",
        "client_secret", "private_key",
    ]
    /// Values that issuers print in their own documentation, which tests of the redactor hold.
    private static let examples = [
        "AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s-5_x",
    ]

    /// What looks like a secret in a file.
    ///
    /// Values beside key words are judged outside `Tests` alone: tests make up passwords for servers that they start.
    static func violations(path: String, text: String) -> [Violation] {
        let keys = path.hasPrefix("Tests/") ? [] : keys
        let words = tokens.map(\.prefix) + ["eyJ", "PRIVATE KEY-----"]
        // Most files hold none of the words; captures have megabytes.
        guard words.contains(where: { contains(text, $0) }) || keys.contains(where: { contains(text.lowercased(), $0) })
        else { return [] }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.utf8) }
        var found: [Violation] = []
        for (index, line) in lines.enumerated() {
            func report(_ what: String) { found.append(Violation(path: path, line: index + 1, reason: what)) }
            if holds(line, "PRIVATE KEY-----"), holds(line, "-----BEGIN "), hasKeyBody(lines, after: index) {
                report("a private key")
            }
            if let token = token(line) { report("a token: \(token.prefix(8))…") }
            if let key = keyedValue(line, keys) { report("a value beside '\(key)'") }
        }
        return found
    }

    /// Whether base64 of a key's length follows within four lines; a heading alone is a text about keys.
    private static func hasKeyBody(_ lines: [[UInt8]], after index: Int) -> Bool {
        lines[index..<min(index + 4, lines.count)].contains { line in
            line.split { !isBase64($0) }.contains { $0.count >= 40 }
        }
    }

    private static func token(_ line: [UInt8]) -> String? {
        for (prefix, length) in tokens {
            for start in starts(line, of: prefix) {
                let rest = line[start...].prefix {
                    isBase64($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E || $0 == 0x3A
                }
                let value = String(decoding: rest, as: UTF8.self)
                if rest.count >= prefix.utf8.count + length, !examples.contains(value) { return value }
            }
        }
        // A JSON web token: three parts, the first two of them objects.
        for start in starts(line, of: "eyJ") {
            let rest = line[start...].prefix { isBase64($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
            let value = String(decoding: rest, as: UTF8.self)
            if value.contains(".eyJ"), value.utf8.count > 40, !examples.contains(value) { return value }
        }
        return nil
    }

    /// The key word beside whose `:` or `=` a value with letters and digits stands; references and words are none.
    private static func keyedValue(_ line: [UInt8], _ keys: [String]) -> String? {
        if keys.isEmpty { return nil }
        let lower = line.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }
        for key in keys {
            for start in starts(lower, of: key) {
                var rest = line[(start + key.utf8.count)...]
                rest = rest.drop { $0 == 0x22 || $0 == 0x27 }.drop { $0 == 0x20 }
                guard let mark = rest.first, mark == 0x3A || mark == 0x3D else { continue }
                let value = rest.dropFirst().drop { $0 == 0x20 || $0 == 0x22 || $0 == 0x27 }
                    .prefix { isBase64($0) || "-_.!@#%^&*".utf8.contains($0) }
                let hasDigit = value.contains { $0 >= 0x30 && $0 <= 0x39 }
                let hasLetter = value.contains { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
                // Paths name where a secret lies.
                if value.count >= 12, hasDigit, hasLetter, !value.contains(0x2F) { return key }
            }
        }
        return nil
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D: true
        default: false
        }
    }

    private static func contains(_ text: String, _ word: String) -> Bool {
        let word = Array(word.utf8)
        var text = text
        return text.withUTF8 { (text: UnsafeBufferPointer<UInt8>) -> Bool in
            guard var next = text.baseAddress, let first = word.first else { return false }
            let end = next + text.count
            while let found = memchr(next, Int32(first), end - next) {
                let start = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
                if end - start >= word.count, memcmp(start, word, word.count) == 0 { return true }
                next = start + 1
            }
            return false
        }
    }

    private static func holds(_ line: [UInt8], _ word: String) -> Bool { !starts(line, of: word).isEmpty }

    /// Where a word starts in a line.
    private static func starts(_ line: [UInt8], of word: String) -> [Int] {
        let word = Array(word.utf8)
        guard let first = word.first, line.count >= word.count else { return [] }
        return (0...line.count - word.count).filter {
            line[$0] == first && line[$0..<$0 + word.count].elementsEqual(word)
        }
    }
}
