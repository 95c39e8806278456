// Secrets that are known by their own form.

extension SecretFinder {
    // MARK: Schemes of HTTP authentication

    /// What follows `Bearer`, `Basic` and the like.
    mutating func findSchemes() {
        var index = 0
        while index < bytes.count {
            guard index == 0 || !Self.isWord(bytes[index - 1]), let length = scheme(at: index) else {
                index += 1
                continue
            }
            let start = end(from: index + length) { $0 == 32 || $0 == 58 || $0 == 61 || $0 == 34 || $0 == 39 }
            let stop = end(from: start) { Self.isBase64($0) || $0 == 46 || $0 == 126 }
            if start > index + length, stop - start >= 6, !isProse(start..<stop) { add(start..<stop, .token) }
            index = max(stop, index + length)
        }
    }

    private func scheme(at index: Int) -> Int? {
        if has("bearer", at: index) { return 6 }
        if has("basic", at: index) { return 5 }
        return has("negotiate", at: index) ? 9 : nil
    }

    /// Words that follow a scheme's name where people speak about it.
    private func isProse(_ range: Range<Int>) -> Bool {
        let words: [StaticString] = [
            "authentication", "authorization", "challenge", "credentials", "scheme", "required", "invalid", "missing",
            "header", "failed", "tokens", "failure", "error", "access", "expired",
        ]
        return words.contains { has($0, at: range.lowerBound) && $0.utf8CodeUnitCount == range.count }
    }

    // MARK: Tokens and keys

    /// JSON web tokens, keys with a maker's prefix, and long runs of mixed letters and digits.
    mutating func findTokens() {
        var index = 0
        while index < bytes.count {
            guard Self.isBase64(bytes[index]) else {
                index += 1
                continue
            }
            let stop = end(from: index) { Self.isBase64($0) }
            var whole = index..<stop
            if stop - index >= 10, let start = webToken(in: whole) {
                // Further parts stand behind dots.
                let last = end(from: stop) { Self.isBase64($0) || $0 == 46 }
                add(start..<last, .token)
                whole = index..<last
            } else if let start = makersKey(in: whole) {
                add(start..<stop, .token)
            } else if isKey(whole) {
                add(whole, .key)
            }
            index = whole.upperBound
        }
    }

    /// Where `eyJ` stands, the start of a token's header in base64: `{"`; before a dot.
    private func webToken(in range: Range<Int>) -> Int? {
        guard range.upperBound < bytes.count, bytes[range.upperBound] == 46 else { return nil }
        return range.first { index in
            index + 3 <= range.upperBound && bytes[index] == 101 && bytes[index + 1] == 121 && bytes[index + 2] == 74
        }
    }

    /// Prefixes of keys, and how many characters follow at least.
    ///
    /// AWS (IAM unique identifiers), GitHub, GitLab, Slack, Stripe, Google, npm, Hugging Face, DigitalOcean.
    private static let makers: [(prefix: [UInt8], rest: Int)] = [
        ("AKIA", 16), ("ASIA", 16), ("ABIA", 16), ("ACCA", 16), ("AROA", 16), ("AIDA", 16), ("ghp_", 20), ("gho_", 20),
        ("ghu_", 20), ("ghs_", 20), ("ghr_", 20), ("github_pat_", 20), ("glpat-", 16), ("xoxa-", 10), ("xoxb-", 10),
        ("xoxp-", 10), ("xoxr-", 10), ("xoxs-", 10), ("sk_live_", 12), ("rk_live_", 12), ("sk_test_", 12),
        ("AIza", 30), ("npm_", 30), ("hf_", 30), ("dop_v1_", 40), ("whsec_", 16),
    ].map { (Array($0.utf8), $1) }

    private func makersKey(in range: Range<Int>) -> Int? {
        for index in range
        where [65, 68, 71, 82, 83, 97, 100, 103, 104, 110, 114, 115, 119, 120].contains(bytes[index]) {
            for (prefix, rest) in Self.makers where prefix[0] == bytes[index] {
                guard range.upperBound - index >= prefix.count + rest else { continue }
                let isHere = prefix.indices.allSatisfy { bytes[index + $0] == prefix[$0] }
                guard isHere else { continue }
                // Those of AWS have capitals and digits alone, in which a word may begin with the prefix.
                let isAWS = prefix.count == 4 && rest == 16
                let following = (index + 4)..<(index + 20)
                if isAWS, !following.allSatisfy({ (65...90).contains(bytes[$0]) || Self.isDigit(bytes[$0]) }) {
                    continue
                }
                return index
            }
        }
        return nil
    }

    /// Whether a run of 32 characters or more has a part of 16 that mixes small letters, capitals and digits.
    ///
    /// Parts stand between marks that paths have too. A line of PEM has 64; names of classes have few digits. The
    /// secret half of an AWS key has exactly 40, slashes among them.
    private func isKey(_ range: Range<Int>) -> Bool {
        guard range.count >= 32 else { return false }
        if range.count == 40 {
            let part = bytes[range]
            return part.contains { (65...90).contains($0) } && part.contains { (97...122).contains($0) }
                && part.contains(where: Self.isDigit)
        }
        var (small, capital, digits, length) = (0, 0, 0, 0)
        func isMixed() -> Bool { length >= 16 && small >= 2 && capital >= 2 && digits >= 2 }
        for index in range {
            let byte = bytes[index]
            if byte == 47 || byte == 45 || byte == 95 {
                if isMixed() { return true }
                (small, capital, digits, length) = (0, 0, 0, 0)
                continue
            }
            length += 1
            if Self.isDigit(byte) { digits += 1 } else if byte >= 97 { small += 1 } else { capital += 1 }
        }
        return isMixed()
    }

    // MARK: Cards

    /// Card numbers, bare or in groups with a space or a dash between.
    ///
    /// They begin with 2 to 6 (ISO/IEC 7812: payment cards), so times since 1970 are none. A run of more than nineteen
    /// digits is none; in groups, any number of whole groups may be.
    mutating func findCards() {
        var index = 0
        while index < bytes.count {
            guard Self.isDigit(bytes[index]), index == 0 || !Self.isDigit(bytes[index - 1]),
                (50...54).contains(bytes[index])
            else {
                index += 1
                continue
            }
            if let stop = cardEnd(from: index) {
                add(index..<stop, .card)
                index = stop
            } else {
                index = end(from: index, while: Self.isDigit)
            }
        }
    }

    /// The end of the longest card number that starts here.
    private func cardEnd(from start: Int) -> Int? {
        var found: Int?
        // Luhn's sums with every second digit doubled, counted from the left: the number's length tells which holds.
        var (even, odd, count) = (0, 0, 0)
        var index = start
        while index < bytes.count, count < 20 {
            let byte = bytes[index]
            if Self.isDigit(byte) {
                let digit = Int(byte) - 48
                let doubled = digit > 4 ? digit * 2 - 9 : digit * 2
                even += count % 2 == 0 ? doubled : digit
                odd += count % 2 == 0 ? digit : doubled
                count += 1
                let next = index + 1 < bytes.count ? bytes[index + 1] : 0
                if (13...19).contains(count), !Self.isDigit(next) {
                    if (count % 2 == 0 ? even : odd) % 10 == 0 { found = index + 1 }
                }
            } else {
                let isSeparator = byte == 32 || byte == 45
                guard isSeparator, Self.isDigit(bytes[index - 1]), index + 1 < bytes.count,
                    Self.isDigit(bytes[index + 1])
                else { break }
            }
            index += 1
        }
        return found
    }
}
