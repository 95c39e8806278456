/// Finds which of a few literals stand in a line, sixteen bytes at a time.
///
/// Of each literal the two neighbouring bytes that log lines have most rarely are looked for; where both stand the
/// whole literal is compared. A line that has none of them, which is nearly every one, costs two comparisons for each
/// literal and sixteen bytes.
struct LiteralScan: Sendable {
    /// Most literals: each has a bit.
    static let literalsMax = 64

    private struct Needle: Sendable {
        var first: SIMD16<UInt8>
        var second: SIMD16<UInt8>
        /// Where the pair stands in the literal.
        var offset: Int
        var bytes: [UInt8]
    }

    private let needles: [Needle]

    /// Makes a scan for literals of at least two bytes; those beyond `literalsMax` are passed over.
    init(_ literals: [String]) {
        needles = literals.prefix(Self.literalsMax).map { literal in
            let bytes = Array(literal.utf8)
            precondition(bytes.count >= 2, "a literal of \(bytes.count) bytes")
            let offset = Self.rarestPair(bytes).offset
            return Needle(
                first: SIMD16(repeating: bytes[offset]), second: SIMD16(repeating: bytes[offset + 1]), offset: offset,
                bytes: bytes)
        }
    }

    /// The literals that stand in a line, a bit each from the lowest on.
    func find(in line: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = line.baseAddress, line.count >= 2 else { return 0 }
        return needles.withUnsafeBufferPointer { needles in
            let lanes = SIMD16<UInt8>.scalarCount
            // One byte more than the lanes is read.
            let last = line.count - lanes - 1
            guard last >= 0 else { return Self.compare(needles, line, 0..<line.count - 1) }
            var found: UInt64 = 0
            var index = 0
            while true {
                let here = (base + index).loadUnaligned(as: SIMD16<UInt8>.self)
                let next = (base + index + 1).loadUnaligned(as: SIMD16<UInt8>.self)
                var hits = SIMDMask<SIMD16<Int8>>(repeating: false)
                for needle in needles { hits .|= (here .== needle.first) .& (next .== needle.second) }
                // Two words, since `any` looks at each lane for itself.
                let words = unsafeBitCast(hits, to: SIMD2<UInt64>.self)
                if words[0] | words[1] != 0 { found |= Self.compare(needles, line, index..<index + lanes) }
                guard index < last else { return found }
                index = min(index + lanes, last)
            }
        }
    }

    private static func compare(
        _ needles: UnsafeBufferPointer<Needle>, _ line: UnsafeRawBufferPointer, _ places: Range<Int>
    ) -> UInt64 {
        var found: UInt64 = 0
        for (number, needle) in needles.enumerated() {
            let (first, second) = (needle.first[0], needle.second[0])
            for place in places where line[place] == first && line[place + 1] == second {
                let start = place - needle.offset
                guard start >= 0, start + needle.bytes.count <= line.count,
                    line[start..<start + needle.bytes.count].elementsEqual(needle.bytes)
                else { continue }
                found |= 1 << UInt64(number)
                break
            }
        }
        return found
    }

    /// How rarely log lines have a text: the rank of its rarest pair, longer ones first among equals.
    static func rarity(_ literal: String) -> Int {
        let bytes = Array(literal.utf8)
        return bytes.count < 2 ? 0 : rarestPair(bytes).rank * 1000 + min(bytes.count, 999)
    }

    private static func rarestPair(_ bytes: [UInt8]) -> (offset: Int, rank: Int) {
        var best = (offset: 0, rank: -1)
        for offset in 0..<bytes.count - 1 {
            let rank = rank(bytes[offset]) * rank(bytes[offset + 1])
            if rank > best.rank { best = (offset, rank) }
        }
        return best
    }

    /// By the look of usual lines: letters and digits are common, capitals and most signs are not.
    private static func rank(_ byte: UInt8) -> Int {
        switch byte {
        case 32, UInt8(ascii: "e"), UInt8(ascii: "t"), UInt8(ascii: "a"), UInt8(ascii: "o"), UInt8(ascii: "i"),
            UInt8(ascii: "n"), UInt8(ascii: "s"), UInt8(ascii: "r"):
            1
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "\""):
            2
        // Of levels: INFO, DEBUG, ERROR.
        case UInt8(ascii: "I"), UInt8(ascii: "N"), UInt8(ascii: "F"), UInt8(ascii: "O"), UInt8(ascii: "R"),
            UInt8(ascii: "E"):
            4
        default: 5
        }
    }
}
