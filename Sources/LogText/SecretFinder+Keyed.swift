// Secrets that are known by what they are called.

extension SecretFinder {
    /// Values of keys that are named like secrets: `password=x`, `"apiKey": "x"`, `--token x`, `PASSWORD 'x'`,
    /// `<secret>x</secret>`, `"name": "DB_PASSWORD", "value": "x"`.
    mutating func findKeyedValues() {
        var index = 0
        while index < bytes.count {
            guard Self.isWord(bytes[index]) else {
                index += 1
                continue
            }
            let stop = end(from: index) { Self.isWord($0) || $0 == 45 || $0 == 46 }
            var next = stop
            if let name = Self.secretName(bytes[index..<stop]), let value = value(of: name, key: index..<stop) {
                add(value, .password)
                next = max(stop, value.upperBound)
            }
            index = next
        }
    }

    // MARK: Names

    private enum Name {
        /// A secret's.
        case secret
        /// A header's, whose value may have spaces.
        case header
    }

    private static let secretWords = [
        "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "apikey", "accesskey", "privatekey",
        "signingkey", "encryptionkey", "masterkey", "credential", "sessionid", "signature", "connectionstring",
    ].map { Array($0.utf8) }

    /// Too short to be looked for inside of words.
    private static let wholeNames = Set(
        ["pass", "pin", "cvv", "cvc", "cvv2", "otp", "ssn", "sid", "sig", "auth", "pw", "iban", "jwt", "identifiedby"]
            .map { Array($0.utf8) })

    private static let headerWords = ["authorization", "cookie"].map { Array($0.utf8) }

    private static func secretName(_ key: ArraySlice<UInt8>) -> Name? {
        guard key.count >= 2, key.count <= 128 else { return key.count > 128 ? secretName(key.suffix(128)) : nil }
        var word: [UInt8] = []
        for byte in key where byte != 95 && byte != 45 && byte != 46 {
            word.append((65...90).contains(byte) ? byte | 32 : byte)
        }
        if headerWords.contains(where: { contains(word, $0) }) { return .header }
        if wholeNames.contains(word) || secretWords.contains(where: { contains(word, $0) }) { return .secret }
        // DB_PASS, user.pin: the last word of several.
        let last = key.lastIndex { $0 == 95 || $0 == 45 || $0 == 46 }.map { key[($0 + 1)...] }
        return last.map { wholeNames.contains($0.map { (65...90).contains($0) ? $0 | 32 : $0 }) } == true
            ? .secret : nil
    }

    private static func contains(_ text: [UInt8], _ word: [UInt8]) -> Bool {
        guard text.count >= word.count else { return false }
        for start in 0...(text.count - word.count) where text[start] == word[0] {
            if word.indices.allSatisfy({ text[start + $0] == word[$0] }) { return true }
        }
        return false
    }

    // MARK: Values

    private func value(of name: Name, key: Range<Int>) -> Range<Int>? {
        // Closing quotes of the key, each perhaps behind backslashes.
        var index = end(from: key.upperBound) { $0 == 92 || $0 == 34 || $0 == 39 || $0 == 93 }
        let hasQuote = index > key.upperBound
        index = end(from: index) { $0 == 32 }
        if let separator = separatorEnd(index) {
            index = end(from: separator) { $0 == 32 }
        } else if hasQuote, bytes.indices.contains(index), bytes[index] == 44, let behind = valueField(index + 1) {
            index = behind
        } else if index > key.upperBound, isQuoted(index) || key.lowerBound > 0 && bytes[key.lowerBound - 1] == 45 {
            // SQL's PASSWORD 'x', and --password x.
        } else {
            return nil
        }
        return index < bytes.count ? valueRange(from: index, name) : nil
    }

    /// Behind `=`, `:`, `:=`, `=>`, `>` or their URL encodings.
    private func separatorEnd(_ index: Int) -> Int? {
        if has("%3d", at: index) || has("%3a", at: index) { return index + 3 }
        let stop = end(from: index) { $0 == 58 || $0 == 61 || $0 == 62 }
        return stop > index && stop - index <= 3 ? stop : nil
    }

    /// Behind the `"value":` that follows a `"name": "PASSWORD",`.
    private func valueField(_ start: Int) -> Int? {
        let index = end(from: start) { $0 == 32 || $0 == 92 || $0 == 34 || $0 == 39 }
        guard has("value", at: index) else { return nil }
        let behind = end(from: index + 5) { $0 == 92 || $0 == 34 || $0 == 39 || $0 == 32 }
        return separatorEnd(behind).map { separator in end(from: separator) { $0 == 32 } }
    }

    private func isQuoted(_ index: Int) -> Bool {
        let quote = end(from: index) { $0 == 92 }
        return quote < bytes.count && (bytes[quote] == 34 || bytes[quote] == 39)
    }

    private func valueRange(from start: Int, _ name: Name) -> Range<Int> {
        if isQuoted(start) { return quotedRange(from: start) }
        switch bytes[start] {
        case 91: return start..<bracketEnd(from: start, open: 91, close: 93)
        case 123: return start..<bracketEnd(from: start, open: 123, close: 125)
        default: break
        }
        if name == .header {
            // Up to a quote around the whole header, as in curl's -H "…".
            return start..<end(from: start) { $0 != 34 && $0 != 39 && $0 != 93 && $0 != 125 }
        }
        return start..<bareEnd(from: start)
    }

    /// The inside of quotes; those behind backslashes end with a quote behind no more of them.
    private func quotedRange(from start: Int) -> Range<Int> {
        let quote = end(from: start) { $0 == 92 }
        let depth = quote - start
        let first = quote + 1
        var index = first
        var slashes = 0
        while index < bytes.count {
            if bytes[index] == 92 {
                slashes += 1
            } else {
                let ends = depth == 0 ? slashes % 2 == 0 : slashes <= depth
                if bytes[index] == bytes[quote], ends { return first..<(index - (depth == 0 ? 0 : slashes)) }
                slashes = 0
            }
            index += 1
        }
        return min(first, bytes.count)..<bytes.count
    }

    private func bracketEnd(from start: Int, open: UInt8, close: UInt8) -> Int {
        var depth = 0
        for index in start..<bytes.count {
            if bytes[index] == open { depth += 1 }
            if bytes[index] == close { depth -= 1 }
            if depth == 0 { return index + 1 }
        }
        return bytes.count
    }

    /// The end of a value without quotes: a space, `&`, `<` or a quote, or marks behind which no value goes on.
    private func bareEnd(from start: Int) -> Int {
        var index = start
        while index < bytes.count, !Self.endsBareValue(bytes[index]) {
            guard Self.isMark(bytes[index]) else {
                index += 1
                continue
            }
            let next = end(from: index, while: Self.isMark)
            if endsValue(before: next) { return index }
            index = next
        }
        return index
    }

    /// Whether a space, the end or another key follows the marks that end here.
    private func endsValue(before next: Int) -> Bool {
        let start = end(from: next) { $0 == 34 || $0 == 39 }
        guard start < bytes.count, bytes[start] != 32 else { return true }
        let word = end(from: start) { Self.isWord($0) || $0 == 45 || $0 == 46 }
        return word > start && separatorEnd(end(from: word) { $0 == 34 || $0 == 39 }) != nil
    }

    private static func endsBareValue(_ byte: UInt8) -> Bool {
        switch byte {
        case 32, 34, 38, 39, 60, 96: true
        default: false
        }
    }

    /// `,`, `;`, `)`, `]`, `}` and `|`.
    private static func isMark(_ byte: UInt8) -> Bool {
        switch byte {
        case 41, 44, 59, 93, 124, 125: true
        default: false
        }
    }
}
