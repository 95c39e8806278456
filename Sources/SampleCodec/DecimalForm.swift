/// Values as whole numbers of a power of ten: 12.75 is 1275 at exponent 2.
///
/// Most values that people or programs print have few decimals; such a number's difference to the one before it is
/// short where the difference of the bits is not. A form is used only when the way back gives the same bits.
enum DecimalForm {
    /// Largest exponent: a Float64 has at most 15 decimals that always survive.
    static let maxExponent = 15

    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// The whole number for `value` at `exponent`; nil when the value doesn't come back bit by bit.
    static func mantissa(of value: Double, exponent: Int) -> Int64? {
        let scaled = value * powers[exponent]
        // False for NaN as well; up to 2^53 each whole number is a Float64.
        guard scaled.magnitude <= 0x1p53 else { return nil }
        let mantissa = Int64(scaled.rounded())
        return self.value(of: mantissa, exponent: exponent).bitPattern == value.bitPattern ? mantissa : nil
    }

    /// The value of a whole number at `exponent`: IEEE 754 division, the same on every machine.
    static func value(of mantissa: Int64, exponent: Int) -> Double {
        Double(mantissa) / powers[exponent]
    }

    /// The smallest exponent at which all of `values` come back; nil when there is none.
    static func exponent(for values: some Sequence<Double>) -> Int? {
        var exponent = 0
        for value in values {
            guard value.isFinite else { return nil }
            while mantissa(of: value, exponent: exponent) == nil {
                exponent += 1
                if exponent > maxExponent { return nil }
            }
        }
        // What fitted at a smaller exponent can be too large for the last one.
        for value in values where mantissa(of: value, exponent: exponent) == nil { return nil }
        return exponent
    }
}
