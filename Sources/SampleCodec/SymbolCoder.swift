/// Writes or reads the symbols of a chained block: the model is written once, and runs the same on both sides.
///
/// A writer returns what it was given; a reader ignores it and returns what the bytes say.
protocol SymbolCoder {
    /// Whether this side knows the symbols.
    static var writes: Bool { get }

    /// A modelled bit, 0 or 1, whose probability `context` learns.
    mutating func bit(_ known: Int, _ context: UnsafeMutablePointer<UInt32>) -> Int

    /// `count` bits as they are, 0 to 64.
    mutating func raw(_ known: UInt64, _ count: Int) -> UInt64

    /// Whether going on is of no use.
    var isHopeless: Bool { get }

    /// Notes that a symbol contradicts the format; reading goes on with harmless values.
    mutating func fail()
}

/// The probability of a bit: 22 bits of probability that it is 1, above 10 bits that count what it learned from.
///
/// The first bits move it by 1/1.5, 1/2.5, …, later ones by 1/256: fast at first, then precise.
enum BitContext {
    static let initial: UInt32 = 1 << 31

    private static let countMax = 255

    /// 65536 / (n + 1.5), rounded down.
    static let rates: [Int64] = (0...countMax).map { Int64(131_072 / (2 * $0 + 3)) }

    /// The probability of a 1 in 65536ths, 1 to 65535.
    @inline(__always)
    static func probability(_ context: UInt32) -> UInt32 {
        max(context >> 16, 1)
    }

    @inline(__always)
    static func learn(_ context: UnsafeMutablePointer<UInt32>, _ bit: Int, _ rates: UnsafePointer<Int64>) {
        let state = context.pointee
        let count = Int(state & 1023)
        let probability = Int64(state >> 10)
        let target: Int64 = bit == 0 ? 0 : (1 << 22) - 1
        let moved = probability &+ (((target &- probability) &* rates[min(count, countMax)]) >> 16)
        context.pointee = UInt32(truncatingIfNeeded: moved) << 10 | UInt32(min(count + 1, countMax))
    }
}

/// The writing side: a range coder for modelled bits beside plain bits.
///
/// The range coder is the one of LZMA (Martin's carry propagation): 32 bits of range, whole bytes out.
struct SymbolWriter: SymbolCoder {
    static var writes: Bool { true }

    private(set) var coded: [UInt8]
    private(set) var plain: [UInt8]
    private var low: UInt64 = 0
    private var range: UInt32 = .max
    private var cache: UInt8 = 0
    private var pending = 0
    private var plainBits: UInt64 = 0
    private var plainCount = 0
    private let rates: UnsafePointer<Int64>

    /// `rates` must outlive the writer; the two arrays are taken for their storage.
    init(rates: UnsafePointer<Int64>, coded: consuming [UInt8], plain: consuming [UInt8]) {
        self.rates = rates
        self.coded = coded
        self.plain = plain
        self.coded.removeAll(keepingCapacity: true)
        self.plain.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    mutating func bit(_ known: Int, _ context: UnsafeMutablePointer<UInt32>) -> Int {
        let bound = (range >> 16) &* BitContext.probability(context.pointee)
        if known != 0 {
            range = bound
        } else {
            low &+= UInt64(bound)
            range &-= bound
        }
        BitContext.learn(context, known, rates)
        while range < 1 << 24 {
            range <<= 8
            shiftLow()
        }
        return known
    }

    @inline(__always)
    mutating func raw(_ known: UInt64, _ count: Int) -> UInt64 {
        if count > 32 {
            put(known & 0xFFFF_FFFF, 32)
            put(known >> 32, count - 32)
        } else {
            put(known, count)
        }
        return known
    }

    var isHopeless: Bool { false }

    mutating func fail() {
        preconditionFailure("the writer knows no such symbol")
    }

    /// Ends both streams; up to four zeros at the end of the coded bytes are left out, the reader supplies them.
    mutating func finish() {
        // Of the numbers inside the range the one with the most zeros at its end.
        low = (low &+ 0xFF_FFFF) & ~0xFF_FFFF
        for _ in 0..<5 { shiftLow() }
        // The reader takes exactly these bytes, and no more than four that are not there.
        for _ in 0..<4 where coded.last == 0 { coded.removeLast() }
        while plainCount > 0 {
            plain.append(UInt8(truncatingIfNeeded: plainBits))
            plainBits >>= 8
            plainCount -= 8
        }
    }

    @inline(__always)
    private mutating func put(_ value: UInt64, _ count: Int) {
        plainBits |= value << UInt64(plainCount)
        plainCount += count
        while plainCount >= 8 {
            plain.append(UInt8(truncatingIfNeeded: plainBits))
            plainBits >>= 8
            plainCount -= 8
        }
    }

    private var isFirst = true

    @inline(never)
    private mutating func shiftLow() {
        if low < 0xFF00_0000 || low > 0xFFFF_FFFF {
            let carry = UInt8(truncatingIfNeeded: low >> 32)
            // The very first byte of this coder is always 0, and left out.
            if isFirst { isFirst = false } else { coded.append(cache &+ carry) }
            while pending > 0 {
                coded.append(0xFF &+ carry)
                pending -= 1
            }
            cache = UInt8(truncatingIfNeeded: low >> 24)
        } else {
            pending += 1
        }
        low = (low & 0x00FF_FFFF) << 8
    }
}

/// The reading side.
///
/// Never traps: past the end it reads zeros and says so in `isSound`.
///
/// Holds pointers: it must not outlive the calls that they were made in.
struct SymbolReader: SymbolCoder {
    static var writes: Bool { false }

    private let coded: UnsafeBufferPointer<UInt8>
    private let plain: UnsafeBufferPointer<UInt8>
    private var codedOffset = 0
    private var plainOffset = 0
    private var code: UInt32 = 0
    private var range: UInt32 = .max
    private var plainBits: UInt64 = 0
    private var plainCount = 0
    private var failed = false
    private let rates: UnsafePointer<Int64>

    init(rates: UnsafePointer<Int64>, coded: UnsafeBufferPointer<UInt8>, plain: UnsafeBufferPointer<UInt8>) {
        self.rates = rates
        self.coded = coded
        self.plain = plain
        for _ in 0..<4 { code = code << 8 | UInt32(nextCoded()) }
    }

    /// Whether all was read, nothing beyond, and every symbol made sense.
    ///
    /// The coder itself looks four bytes ahead.
    var isSound: Bool {
        !failed && codedOffset >= coded.count && codedOffset <= coded.count + 4 && plainOffset == plain.count
            && plainBits == 0
    }

    /// Whether reading on is of no use.
    var isHopeless: Bool { failed || codedOffset > coded.count + 4 }

    mutating func fail() {
        failed = true
    }

    @inline(__always)
    mutating func bit(_ known: Int, _ context: UnsafeMutablePointer<UInt32>) -> Int {
        let bound = (range >> 16) &* BitContext.probability(context.pointee)
        let bit: Int
        if code < bound {
            range = bound
            bit = 1
        } else {
            code &-= bound
            range &-= bound
            bit = 0
        }
        BitContext.learn(context, bit, rates)
        while range < 1 << 24 {
            range <<= 8
            code = code << 8 | UInt32(nextCoded())
        }
        return bit
    }

    @inline(__always)
    mutating func raw(_ known: UInt64, _ count: Int) -> UInt64 {
        if count <= 32 { return get(count) }
        let low = get(32)
        return low | get(count - 32) << 32
    }

    @inline(__always)
    private mutating func nextCoded() -> UInt8 {
        defer { codedOffset &+= 1 }
        return codedOffset < coded.count ? coded[codedOffset] : 0
    }

    @inline(__always)
    private mutating func get(_ count: Int) -> UInt64 {
        while plainCount < count {
            if plainOffset < plain.count {
                plainBits |= UInt64(plain[plainOffset]) << UInt64(plainCount)
                plainOffset &+= 1
            } else {
                failed = true
            }
            plainCount &+= 8
        }
        let value = plainBits & ((1 << UInt64(count)) &- 1)
        plainBits >>= UInt64(count)
        plainCount &-= count
        return value
    }
}
