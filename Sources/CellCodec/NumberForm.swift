/// What a number of a track was last, which the next one is told by.
struct NumberSlot {
    /// The last number, as bits: NaNs differ by their payload.
    var bits: UInt64 = 0
    /// Its digits at `scale`, where it is a short decimal.
    var digits: Int64 = 0
    /// Decimal places of `digits`; `noScale` where the number is no short decimal.
    var scale: UInt8 = 0

    static let noScale: UInt8 = 255
    static let scaleMax: UInt8 = 9

    var value: Double { Double(bitPattern: bits) }

    /// The last digits at another scale; 0 when they were of a finer one.
    @inline(__always)
    func digits(at wanted: UInt8) -> Int64 {
        guard scale <= wanted else { return 0 }
        return scale == wanted ? digits : digits &* NumberForm.powers[Int(wanted - scale)]
    }

    @inline(__always)
    mutating func set(_ value: Double, digits: Int64, scale: UInt8) {
        bits = value.bitPattern
        self.digits = digits
        self.scale = scale
    }

    @inline(__always)
    mutating func set(bits: UInt64) {
        self.bits = bits
        digits = 0
        scale = Self.noScale
    }
}

/// How a number is told: its tag, and what the tag stands for.
enum NumberForm {
    /// 0...9: digits at so many decimal places, as the difference from the last ones.
    static let decimalMax: UInt8 = 9
    /// A whole number divided by the volume.
    static let share: UInt8 = 10
    /// There is no number.
    static let nothing: UInt8 = 11
    /// The number that it goes with: of a volume the last one of the record, else the cell's own.
    static let same: UInt8 = 12
    /// From here: the bits that differ from the last number's; 8 × zero bytes above + zero bytes below.
    static let bits: UInt8 = 16
    static let bitsMax: UInt8 = 79

    static let powers: [Int64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ]
    private static let divisors: [Double] = powers.map { Double($0) }
    private static let wholeMax = 9_007_199_254_740_992.0
    /// Scales that are tried beside the last one.
    private static let scalesTried: UInt8 = 6

    // MARK: Writing

    /// Writes a number that differs from the slot's last one, and puts it there.
    static func put(
        _ value: Double, _ slot: inout NumberSlot, same: UInt64?, volume: Double?, into columns: inout CellColumnsWriter
    ) {
        if value.bitPattern == same {
            columns.byte(Self.same, .tags)
            slot.set(bits: value.bitPattern)
            return
        }
        if let (digits, scale) = decimal(value, last: slot.scale) {
            columns.byte(scale, .tags)
            columns.signed(digits &- slot.digits(at: scale), .whole)
            slot.set(value, digits: digits, scale: scale)
            return
        }
        if let volume, volume > 0 {
            let events = (value * volume).rounded()
            // By way of the integer, which knows no negative zero.
            if events.magnitude < wholeMax, (Double(Int64(events)) / volume).bitPattern == value.bitPattern {
                columns.byte(share, .tags)
                columns.signed(Int64(events), .whole)
                slot.set(bits: value.bitPattern)
                return
            }
        }
        let changed = value.bitPattern ^ slot.bits
        // A number that did not change is told too where another of its cell did.
        let above = min(7, changed.leadingZeroBitCount / 8)
        let below = changed == 0 ? 0 : changed.trailingZeroBitCount / 8
        columns.byte(bits + UInt8(above * 8 + below), .tags)
        columns.raw(changed >> UInt64(below * 8), bytes: 8 - above - below)
        slot.set(bits: value.bitPattern)
    }

    private static func decimal(_ value: Double, last: UInt8) -> (digits: Int64, scale: UInt8)? {
        guard value.magnitude < wholeMax else { return nil }
        if last <= decimalMax, let digits = digits(value, last) { return (digits, last) }
        for scale in 0...scalesTried where scale != last {
            if let digits = digits(value, scale) { return (digits, scale) }
        }
        return nil
    }

    private static func digits(_ value: Double, _ scale: UInt8) -> Int64? {
        let scaled = (value * divisors[Int(scale)]).rounded()
        guard scaled.magnitude < wholeMax else { return nil }
        let digits = Int64(scaled)
        return (Double(digits) / divisors[Int(scale)]).bitPattern == value.bitPattern ? digits : nil
    }

    // MARK: Reading

    /// Reads the number behind a tag, and puts it into the slot; a tag that makes no sense fails the column of tags.
    @inline(__always)
    static func take(
        _ tag: UInt8, _ slot: inout NumberSlot, same: UInt64?, volume: Double?, from columns: inout CellColumnsReader
    ) {
        if tag <= decimalMax {
            let digits = columns.whole.signed() &+ slot.digits(at: tag)
            slot.set(tag == 0 ? Double(digits) : Double(digits) / divisors[Int(tag)], digits: digits, scale: tag)
        } else if tag >= bits, tag <= bitsMax {
            let (above, below) = (Int(tag - bits) >> 3, Int(tag - bits) & 7)
            guard above + below < 8 else {
                columns.tags.fail()
                return
            }
            slot.set(bits: slot.bits ^ columns.raw.raw(bytes: 8 - above - below) << UInt64(below * 8))
        } else if tag == Self.same, let same {
            slot.set(bits: same)
        } else if tag == share, let volume, volume > 0 {
            slot.set(bits: (Double(columns.whole.signed()) / volume).bitPattern)
        } else {
            columns.tags.fail()
        }
    }
}
