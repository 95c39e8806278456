/// How the values of a series are whole numbers: decimals, pages, or the bits themselves.
///
/// Codes 0 to 15 are that many decimals (`DecimalForm`), 16 and 17 multiples of 1024 and 4096, 18 the bits in the
/// order of their values. A code is used for a value only when the way back gives the same bits.
enum ValueScale {
    static let kibibytes: UInt8 = 16
    static let pages: UInt8 = 17
    static let bits: UInt8 = 18
    static let last = bits

    /// The whole number for a value's bits; nil when they don't come back.
    @inline(__always)
    static func integer(of bits: UInt64, scale: UInt8) -> Int64? {
        if scale == self.bits { return ordered(bits) }
        let value = Double(bitPattern: bits)
        if scale < kibibytes { return DecimalForm.mantissa(of: value, exponent: Int(scale)) }
        // False for NaN as well.
        guard value.magnitude <= 0x1p53 else { return nil }
        let whole = Int64(value)
        let shift: Int64 = scale == pages ? 12 : 10
        return Double(whole).bitPattern == bits && whole & ((1 << shift) - 1) == 0 ? whole >> shift : nil
    }

    /// The bits of a whole number's value: IEEE 754 arithmetic, the same on every machine.
    @inline(__always)
    static func bits(of integer: Int64, scale: UInt8) -> UInt64 {
        if scale < kibibytes { return DecimalForm.value(of: integer, exponent: Int(scale)).bitPattern }
        if scale == bits { return unordered(integer) }
        return (Double(integer) * (scale == pages ? 4096 : 1024)).bitPattern
    }

    /// The scale for a value that has none yet, or whose scale no longer fits.
    static func best(for bits: UInt64, trying hint: UInt8) -> UInt8 {
        if hint <= self.bits, integer(of: bits, scale: hint) != nil { return hint }
        let value = Double(bitPattern: bits)
        if value != 0, integer(of: bits, scale: pages) != nil { return pages }
        if value != 0, integer(of: bits, scale: kibibytes) != nil { return kibibytes }
        for exponent in 0..<kibibytes where integer(of: bits, scale: exponent) != nil { return exponent }
        return self.bits
    }

    /// Bits as numbers in the order of the values: those of neighbouring values differ by one.
    ///
    /// Its own inverse.
    private static func ordered(_ bits: UInt64) -> Int64 {
        let signed = Int64(bitPattern: bits)
        return signed ^ Int64(bitPattern: UInt64(bitPattern: signed >> 63) >> 1)
    }

    private static func unordered(_ number: Int64) -> UInt64 {
        UInt64(bitPattern: number ^ Int64(bitPattern: UInt64(bitPattern: number >> 63) >> 1))
    }
}
