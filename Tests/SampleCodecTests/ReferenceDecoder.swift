import Telemetry

/// A second, slow reading of the block format that shares no code with the decoder.
///
/// Bit-by-bit CRC and inflate, arrays and traps, as `proto/SAMPLE_BLOCK.md` says it. For well-formed blocks only.
enum ReferenceDecoder {
    static func decode(_ bytes: [UInt8]) -> [Sample] {
        precondition(Array(bytes[0..<4]) == Array("TSBK".utf8) && bytes[4] == 1 && number(bytes, 6, 2) == 48)
        let sampleCount = Int(number(bytes, 8, 4))
        let seriesCount = Int(number(bytes, 12, 4))
        let start = Int64(bitPattern: number(bytes, 16, 8))
        let payloadSize = Int(number(bytes, 36, 4))
        precondition(bytes.count == 48 + payloadSize + 4)
        precondition(UInt64(crc(bytes.dropLast(4))) == number(bytes, bytes.count - 4, 4))
        let payload = Array(bytes[48..<48 + payloadSize])
        var body = Cursor(bytes: bytes[5] == 1 ? ReferenceInflate.inflate(payload) : payload)
        precondition(body.bytes.count == Int(number(bytes, 32, 4)))

        let lengths = (0..<number(bytes, 40, 4)).map { _ in Int(body.varint()) }
        let strings = lengths.map { length in String(decoding: (0..<length).map { _ in body.byte() }, as: UTF8.self) }
        let series = (0..<seriesCount).map { _ in
            let metric = strings[Int(body.varint())]
            let labels = (0..<body.varint()).map { _ in
                Label(strings[Int(body.varint())], strings[Int(body.varint())])
            }
            return Series(metric, LabelSet(labels))
        }
        var rows: [Int] = []
        for _ in 0..<sampleCount {
            let expected = rows.last.map { ($0 + 1) % seriesCount } ?? 0
            rows.append(expected + Int(body.zigzag()))
        }
        var times: [Int64] = []
        for _ in 0..<sampleCount { times.append((times.last ?? start) &+ body.zigzag()) }
        let encodings = series.map { _ in body.byte() }
        var values = [Double](repeating: 0, count: sampleCount)
        for index in series.indices {
            var whole: Int64 = 0
            var bits: UInt64 = 0
            for row in rows.indices where rows[row] == index {
                if encodings[index] == 0 {
                    bits ^= body.varint().byteSwapped
                    values[row] = Double(bitPattern: bits)
                } else {
                    whole += body.zigzag()
                    let zeros = String(repeating: "0", count: Int(encodings[index]) - 1)
                    values[row] = Double(whole) / Double("1" + zeros)!
                }
            }
        }
        precondition(body.position == body.bytes.count)
        return rows.indices.map { Sample(series[rows[$0]], Timestamp(millis: times[$0]), values[$0]) }
    }

    static func crc(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private struct Cursor {
        var bytes: [UInt8]
        var position = 0

        mutating func byte() -> UInt8 {
            defer { position += 1 }
            return bytes[position]
        }

        mutating func varint() -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let next = byte()
                value |= UInt64(next & 0x7F) << shift
                if next < 0x80 { return value }
                shift += 7
            }
        }

        mutating func zigzag() -> Int64 {
            let value = varint()
            return value % 2 == 0 ? Int64(value / 2) : -1 - Int64(value / 2)
        }
    }
}

/// RFC 1951, one bit at a time.
enum ReferenceInflate {
    private struct Bits {
        var bytes: [UInt8]
        var position = 0

        mutating func bit() -> Int {
            defer { position += 1 }
            return Int(bytes[position / 8] >> UInt8(position % 8)) & 1
        }

        mutating func number(_ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | bit() << $1 }
        }
    }

    private struct Code {
        var symbols: [[Int]: Int] = [:]

        init(lengths: [Int]) {
            var code = 0
            for length in 1...15 {
                for (symbol, symbolLength) in lengths.enumerated() where symbolLength == length {
                    symbols[(0..<length).reversed().map { code >> $0 & 1 }] = symbol
                    code += 1
                }
                code <<= 1
            }
        }

        func symbol(_ bits: inout Bits) -> Int {
            var path: [Int] = []
            while true {
                path.append(bits.bit())
                if let symbol = symbols[path] { return symbol }
                precondition(path.count <= 15)
            }
        }
    }

    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]

    static func inflate(_ input: [UInt8]) -> [UInt8] {
        var bits = Bits(bytes: input)
        var output: [UInt8] = []
        var last = false
        while !last {
            last = bits.bit() == 1
            switch bits.number(2) {
            case 0:
                bits.position = (bits.position + 7) / 8 * 8
                let count = bits.number(16)
                _ = bits.number(16)
                for _ in 0..<count { output.append(UInt8(bits.number(8))) }
            case 1:
                let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
                let distances = Code(lengths: [Int](repeating: 5, count: 30))
                symbols(&bits, Code(lengths: lengths), distances, &output)
            default:
                let (literals, distances) = dynamicCodes(&bits)
                symbols(&bits, literals, distances, &output)
            }
        }
        return output
    }

    private static func dynamicCodes(_ bits: inout Bits) -> (Code, Code) {
        let literalCount = bits.number(5) + 257
        let distanceCount = bits.number(5) + 1
        let orderCount = bits.number(4) + 4
        var codeLengths = [Int](repeating: 0, count: 19)
        for index in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].prefix(orderCount) {
            codeLengths[index] = bits.number(3)
        }
        let code = Code(lengths: codeLengths)
        var lengths: [Int] = []
        while lengths.count < literalCount + distanceCount {
            switch code.symbol(&bits) {
            case 16: lengths += repeatElement(lengths.last!, count: 3 + bits.number(2))
            case 17: lengths += repeatElement(0, count: 3 + bits.number(3))
            case 18: lengths += repeatElement(0, count: 11 + bits.number(7))
            case let length: lengths.append(length)
            }
        }
        return (Code(lengths: Array(lengths[..<literalCount])), Code(lengths: Array(lengths[literalCount...])))
    }

    private static func symbols(_ bits: inout Bits, _ literals: Code, _ distances: Code, _ output: inout [UInt8]) {
        while true {
            let symbol = literals.symbol(&bits)
            if symbol < 256 {
                output.append(UInt8(symbol))
            } else if symbol == 256 {
                return
            } else {
                let index = symbol - 257
                let extra = index < 8 || index == 28 ? 0 : (index - 4) / 4
                let length = lengthBase[index] + bits.number(extra)
                let far = distances.symbol(&bits)
                let distance = distanceBase[far] + bits.number(far < 4 ? 0 : (far - 2) / 2)
                for _ in 0..<length { output.append(output[output.count - distance]) }
            }
        }
    }
}
