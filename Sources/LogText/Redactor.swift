package import Selectors

/// A line without secrets, fit to be kept and sent: only a `Redactor` makes one.
package struct RedactedLine: Hashable, Sendable {
    /// The text: no control characters, at most `Redactor.textBytesMax` bytes and an ellipsis.
    package let text: String
    /// How often what was taken out.
    package let counts: [Redactor.Kind: Int]

    fileprivate init(text: String, counts: [Redactor.Kind: Int]) {
        self.text = text
        self.counts = counts
    }
}

/// Takes secrets out of log lines: pure, in time linear in the line, whatever stands in it.
///
/// When in doubt it takes too much: a line is evidence, and rarely less so for a word that lacks. What it cannot know
/// is a secret that nothing marks, such as a password in prose; `patterns` are for those.
package struct Redactor: Sendable {
    /// What was taken out; each stands in the text as `<token>`, `<password>` and so on.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// What follows `Bearer` and its like, JSON web tokens, keys with the prefix of a known maker.
        case token
        /// The value of a key that is named like a secret, and what stands before the `@` of a URL.
        case password
        /// A mail address.
        case email
        /// Thirteen to nineteen digits that pass Luhn's check.
        case card
        /// A PEM block, an access key's secret half, any long run of mixed letters and digits.
        case key
        /// A match of a configured pattern.
        case pattern
    }

    /// As far into a line as is looked.
    package static let windowBytesMax = 4096
    /// Longest text; the rest of the window is looked at, so that no secret is cut in two and missed.
    package static let textBytesMax = 1024
    /// What configured patterns may cost on one line, in steps of `SearchPattern`; beyond it nothing of the line is
    /// kept.
    package static let patternStepsMax = 400_000

    private let patterns: [SearchPattern]

    /// Makes a redactor that also takes out what these patterns match.
    package init(patterns: [SearchPattern] = []) {
        self.patterns = patterns
    }

    /// The line without secrets.
    ///
    /// - Parameter block: whether the lines before left a PEM block open; one for each stream of lines.
    package func redact(_ line: some Collection<UInt8>, block: inout KeyBlock) -> RedactedLine {
        let bytes = PlainBytes.of(line.prefix(Self.windowBytesMax))
        var finder = SecretFinder(bytes)
        finder.findBlocks(&block)
        finder.findSchemes()
        finder.findTokens()
        finder.findKeyedValues()
        finder.findUserInformation()
        finder.findAddresses()
        finder.findCards()
        findPatterns(in: bytes, &finder)
        return render(bytes, finder.secrets, isCut: line.count > Self.windowBytesMax)
    }

    /// The line without secrets, for lines that stand alone.
    package func redact(_ line: some Collection<UInt8>) -> RedactedLine {
        var block = KeyBlock()
        return redact(line, block: &block)
    }

    private func findPatterns(in bytes: [UInt8], _ finder: inout SecretFinder) {
        guard !patterns.isEmpty else { return }
        // Scalars of the text and, by scalar, where its bytes start; broken bytes are one scalar each.
        var scalars: [Unicode.Scalar] = []
        var offsets: [Int] = []
        var decoder = UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var offset = 0
        decoding: while true {
            switch decoder.parseScalar(from: &input) {
            case .valid(let encoded):
                scalars.append(UTF8.decode(encoded))
                offsets.append(offset)
                offset += encoded.count
            case .error(let length):
                scalars.append("\u{fffd}")
                offsets.append(offset)
                offset += length
            case .emptyInput: break decoding
            }
        }
        offsets.append(offset)
        var steps = Self.patternStepsMax
        for pattern in patterns {
            guard let matches = pattern.ranges(in: scalars, steps: &steps) else {
                // What was not looked at may hold anything.
                finder.add(0..<bytes.count, .pattern)
                return
            }
            for match in matches { finder.add(offsets[match.lowerBound]..<offsets[match.upperBound], .pattern) }
        }
    }

    /// More than what stands for a secret.
    private static let markBytesMax = 16

    /// As many whole characters as fit.
    private static func beginning(of text: String) -> String {
        var kept = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += scalar.utf8.count
            guard bytes <= textBytesMax else { break }
            kept.append(scalar)
        }
        return String(kept)
    }

    private func render(_ bytes: [UInt8], _ secrets: [SecretFinder.Secret], isCut: Bool) -> RedactedLine {
        var text: [UInt8] = []
        var counts: [Kind: Int] = [:]
        var index = 0
        /// Copies up to an index; false when the text is full.
        func copy(to end: Int) -> Bool {
            let room = Self.textBytesMax - text.count
            text += bytes[index..<min(end, index + max(0, room))]
            return end - index <= room
        }
        var isWhole = true
        for secret in SecretFinder.merged(secrets) {
            counts[secret.kind, default: 0] += 1
            guard isWhole else { continue }
            isWhole = copy(to: secret.range.lowerBound)
            if isWhole { text += Array("<\(secret.kind.rawValue)>".utf8) }
            index = secret.range.upperBound
        }
        if isWhole { isWhole = copy(to: bytes.count) }
        if !isWhole {
            // No character is cut in two.
            while let last = text.last, last & 0xC0 == 0x80 { text.removeLast() }
            if let last = text.last, last >= 0xC0 { text.removeLast() }
        }
        // A byte that is no text becomes a character of three.
        let shown = String(decoding: text, as: UTF8.self)
        let kept = shown.utf8.count > Self.textBytesMax + Self.markBytesMax ? Self.beginning(of: shown) : shown
        let ellipsis = isWhole && !isCut && kept.utf8.count == shown.utf8.count ? "" : "…"
        return RedactedLine(text: kept + ellipsis, counts: counts)
    }
}

/// Bytes that a terminal shows as they are.
enum PlainBytes {
    /// The bytes without escape sequences, control characters, and characters that are not seen or turn the direction:
    /// they could hide a secret from the search, and deceive a reader.
    static func of(_ line: some Collection<UInt8>) -> [UInt8] {
        let line = Array(line)
        var plain: [UInt8] = []
        plain.reserveCapacity(line.count)
        var index = 0
        while index < line.count {
            let byte = line[index]
            switch byte {
            case 27: index = afterEscape(line, index)
            case 9:
                plain.append(32)
                index += 1
            case 0..<32, 127: index += 1
            case 0xC2, 0xE2, 0xEF:
                let length = unseenLength(line, index)
                if length == 0 { plain.append(byte) }
                index += max(1, length)
            default:
                plain.append(byte)
                index += 1
            }
        }
        return plain
    }

    /// Passes over `ESC [ … letter`; of any other sequence over the escape and what follows it.
    private static func afterEscape(_ line: [UInt8], _ start: Int) -> Int {
        guard start + 1 < line.count, line[start + 1] == UInt8(ascii: "[") else { return start + 1 }
        var index = start + 2
        // Parameters and intermediates, then one final byte (ECMA-48, 5.4).
        while index < line.count, (0x20...0x3F).contains(line[index]) { index += 1 }
        if index < line.count, (0x40...0x7E).contains(line[index]) { index += 1 }
        return index
    }

    /// Bytes of a character that is not seen: U+0080 to U+009F, U+00AD, U+200B to U+200F, U+202A to U+202E, U+2060 to
    /// U+2069, U+FEFF; 0 for others.
    private static func unseenLength(_ line: [UInt8], _ start: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 { start + offset < line.count ? line[start + offset] : 0 }
        switch (line[start], byte(1), byte(2)) {
        case (0xC2, 0x80...0x9F, _), (0xC2, 0xAD, _): return 2
        case (0xE2, 0x80, 0x8B...0x8F), (0xE2, 0x80, 0xAA...0xAE), (0xE2, 0x81, 0xA0...0xA9), (0xEF, 0xBB, 0xBF):
            return 3
        default: return 0
        }
    }
}
