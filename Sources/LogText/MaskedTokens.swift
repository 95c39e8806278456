/// Words of a message with what changes from one to the next masked: numbers, times, addresses, identifiers.
enum MaskedTokens {
    /// More words than these make no pattern more certain.
    static let tokensMax = 20
    /// Longest word; the rest is cut off.
    static let tokenBytesMax = 48

    /// The words of a text that has been redacted.
    static func of(_ text: String) -> [String] {
        let bytes = message(Array(text.utf8))
        var tokens: [String] = []
        for word in bytes.split(separator: 32, maxSplits: tokensMax * 2, omittingEmptySubsequences: true) {
            guard tokens.count < tokensMax else {
                tokens[tokensMax - 1] = "…"
                break
            }
            tokens.append(mask(word))
        }
        return tokens
    }

    /// Whether a masked word tells patterns apart: it has a letter outside of masks.
    static func isTelling(_ token: String) -> Bool {
        var isInside = false
        for byte in token.utf8 {
            if byte == 60 { isInside = true }
            if byte == 62 { isInside = false }
            if !isInside, SecretFinder.isLetter(byte) || byte >= 128 && token != "…" { return true }
        }
        return false
    }

    /// Of JSON the message's value, since the rest is the same for all or new for each; else all of it.
    private static func message(_ text: [UInt8]) -> ArraySlice<UInt8> {
        guard text.first == 123 else { return text[...] }
        for key in [#""message":"#, #""msg":"#].map({ Array($0.utf8) }) {
            guard let start = index(of: key, in: text) else { continue }
            let quote = text[start...].firstIndex { $0 != 32 } ?? text.count
            guard quote < text.count, text[quote] == 34 else { continue }
            var end = quote + 1
            while end < text.count, text[end] != 34 { end += text[end] == 92 ? 2 : 1 }
            return text[(quote + 1)..<min(end, text.count)]
        }
        return text[...]
    }

    /// Behind the first place where the key stands.
    private static func index(of key: [UInt8], in text: [UInt8]) -> Int? {
        guard text.count >= key.count else { return nil }
        for start in 0...(text.count - key.count) where text[start] == 34 {
            if key.indices.allSatisfy({ text[start + $0] == key[$0] }) { return start + key.count }
        }
        return nil
    }

    // MARK: Words

    static func mask(_ word: ArraySlice<UInt8>) -> String {
        if isIPv6(word) { return "<ip>" }
        var masked: [UInt8] = []
        var index = word.startIndex
        while index < word.endIndex, masked.count < tokenBytesMax {
            guard isPart(word[index]) else {
                masked.append(word[index])
                index += 1
                continue
            }
            if let end = uuidEnd(word, index) {
                masked += Array("<uuid>".utf8)
                index = end
                continue
            }
            let end = word[index...].firstIndex { !isPart($0) } ?? word.endIndex
            append(word[index..<end], to: &masked)
            index = end
        }
        return String(decoding: joined(masked).prefix(tokenBytesMax), as: UTF8.self)
    }

    private static func append(_ part: ArraySlice<UInt8>, to masked: inout [UInt8]) {
        let digits = part.count(where: SecretFinder.isDigit)
        if digits == 0 {
            // `<card>` is a number to what is left of the pattern.
            masked += part
        } else if digits == part.count {
            masked += Array("<num>".utf8)
        } else if part.count >= 8, part.allSatisfy(isHex) || part.starts(with: [48, 120]) {
            masked += Array("<hex>".utf8)
        } else if part.count >= 16 {
            masked += Array("<id>".utf8)
        } else {
            var isNumber = false
            for byte in part {
                let isDigit = SecretFinder.isDigit(byte)
                if isDigit, !isNumber { masked += Array("<num>".utf8) }
                if !isDigit { masked.append(byte) }
                isNumber = isDigit
            }
        }
    }

    /// Numbers with marks between are one: a date, a time, a version; four with dots are an address.
    private static func joined(_ masked: [UInt8]) -> [UInt8] {
        let number = Array("<num>".utf8)
        func isNumber(_ index: Int) -> Bool {
            index + 5 <= masked.count && number.indices.allSatisfy { masked[index + $0] == number[$0] }
        }
        var result: [UInt8] = []
        var index = 0
        while index < masked.count {
            guard isNumber(index) else {
                result.append(masked[index])
                index += 1
                continue
            }
            var count = 1
            var hasDotsAlone = true
            index += 5
            while index < masked.count, [46, 44, 58, 45, 47, 84].contains(masked[index]), isNumber(index + 1) {
                // The port of an address.
                if count == 4, hasDotsAlone, masked[index] == 58 { break }
                hasDotsAlone = hasDotsAlone && masked[index] == 46
                count += 1
                index += 6
            }
            result += count == 4 && hasDotsAlone ? Array("<ip>".utf8) : number
        }
        return result
    }

    private static func isPart(_ byte: UInt8) -> Bool { SecretFinder.isLetter(byte) || SecretFinder.isDigit(byte) }

    private static func isHex(_ byte: UInt8) -> Bool { SecretFinder.isDigit(byte) || (97...102).contains(byte | 32) }

    /// Behind eight, four, four, four and twelve hexadecimal digits.
    private static func uuidEnd(_ word: ArraySlice<UInt8>, _ start: Int) -> Int? {
        let end = start + 36
        guard end <= word.endIndex, end == word.endIndex || !isPart(word[end]) else { return nil }
        for offset in 0..<36 {
            let isDash = offset == 8 || offset == 13 || offset == 18 || offset == 23
            guard isDash ? word[start + offset] == 45 : isHex(word[start + offset]) else { return nil }
        }
        return end
    }

    /// At least two colons between hexadecimal digits, a number among them, perhaps in brackets; times have decimal
    /// digits alone and at most two colons.
    private static func isIPv6(_ word: ArraySlice<UInt8>) -> Bool {
        let inner = word.first == 91 && word.last == 93 ? word.dropFirst().dropLast() : word
        let colons = inner.count { $0 == 58 }
        guard (2...7).contains(colons), inner.count <= 39 else { return false }
        guard inner.allSatisfy({ isHex($0) || $0 == 58 }), inner.contains(where: SecretFinder.isDigit) else {
            return false
        }
        return colons > 2 || inner.contains { !SecretFinder.isDigit($0) && $0 != 58 }
            || inner.indices.dropFirst().contains { inner[$0] == 58 && inner[$0 - 1] == 58 }
    }
}
