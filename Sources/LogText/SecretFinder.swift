/// Finds secrets in one line.
struct SecretFinder {
    /// A part of the line that must not be kept.
    struct Secret {
        var range: Range<Int>
        var kind: Redactor.Kind
    }

    let bytes: [UInt8]
    private(set) var secrets: [Secret] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func add(_ range: Range<Int>, _ kind: Redactor.Kind) {
        if !range.isEmpty { secrets.append(Secret(range: range, kind: kind)) }
    }

    /// The secrets in order; of those that lie over one another, one that covers all and is called as the longest.
    static func merged(_ secrets: [Secret]) -> [Secret] {
        var merged: [Secret] = []
        var longest = 0
        for secret in secrets.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard let last = merged.last, secret.range.lowerBound < last.range.upperBound else {
                merged.append(secret)
                longest = secret.range.count
                continue
            }
            let index = merged.count - 1
            let end = max(last.range.upperBound, secret.range.upperBound)
            merged[index].range = last.range.lowerBound..<end
            if secret.range.count > longest {
                longest = secret.range.count
                merged[index].kind = secret.kind
            }
        }
        return merged
    }

    // MARK: Reading

    /// The byte at an index in lower case, 0 beyond the ends.
    func lower(_ index: Int) -> UInt8 {
        guard index >= 0, index < bytes.count else { return 0 }
        return (65...90).contains(bytes[index]) ? bytes[index] | 32 : bytes[index]
    }

    /// Whether this text in lower case stands at an index.
    func has(_ text: StaticString, at start: Int) -> Bool {
        guard start >= 0, bytes.count - start >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where lower(start + index) != text.utf8Start[index] { return false }
        return true
    }

    /// The first index from a start at which a condition no longer holds.
    func end(from start: Int, while condition: (UInt8) -> Bool) -> Int {
        var index = start
        while index < bytes.count, condition(bytes[index]) { index += 1 }
        return index
    }

    static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 32) }

    static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == 95 }

    /// The alphabets of base64, base64url and of RFC 6750's tokens but for the dot.
    static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 43, 45, 47, 61, 95: true  // + - / = _
        default: isLetter(byte) || isDigit(byte)
        }
    }
}

// MARK: PEM blocks

extension SecretFinder {
    /// Blocks between `-----BEGIN` and `-----END`, on one line or begun on an earlier one.
    mutating func findBlocks(_ block: inout KeyBlock) {
        var index = 0
        if block.isOpen {
            if let end = blockEnd(from: 0) {
                add(0..<end, .key)
                index = end
                block.close()
            } else if isBlockBody {
                block.passLine()
                add(0..<bytes.count, .key)
                return
            } else {
                block.close()
            }
        }
        while index < bytes.count {
            guard bytes[index] == 45, has("-----begin ", at: index) else {
                index += 1
                continue
            }
            guard let end = blockEnd(from: index) else {
                block.open()
                return add(index..<bytes.count, .key)
            }
            add(index..<end, .key)
            index = end
        }
    }

    /// Behind the dashes that end `-----END …-----`.
    private func blockEnd(from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == 45, has("-----end ", at: index) {
                let label = end(from: index + 9) { $0 != 45 }
                return end(from: label) { $0 == 45 }
            }
            index += 1
        }
        return nil
    }

    /// Base64 alone, a header of an encrypted or PGP key, or nothing.
    private var isBlockBody: Bool {
        let isHeader = ["proc-type:", "dek-info:", "version:", "comment:", "hash:", "charset:"].contains { header in
            bytes.count >= header.utf8.count && zip(header.utf8, bytes.indices).allSatisfy { $0 == lower($1) }
        }
        return isHeader || isListOfBase64
    }

    /// Runs of base64 between quotes, commas or backslashes, as in a block that is printed as a list of strings; spaces
    /// alone between two runs make prose.
    private var isListOfBase64: Bool {
        var hasRun = false
        var isAfterSpaces = false
        for byte in bytes {
            switch byte {
            case 32: isAfterSpaces = true
            case 34, 39, 44, 92: (hasRun, isAfterSpaces) = (false, false)
            default:
                guard Self.isBase64(byte), !(hasRun && isAfterSpaces) else { return false }
                (hasRun, isAfterSpaces) = (true, false)
            }
        }
        return true
    }
}
