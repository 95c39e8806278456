/// What both sides of a chain know of one series: its last value, three predictors and how well each did.
struct SeriesState {
    /// The last value's bits.
    var bits: UInt64 = 0
    /// The last value as a whole number of `scale`; the last one before it while the value is zero.
    var integer: Int64 = 0
    /// Mean change, in sixteenths.
    var drift: Int64 = 0
    /// The last change.
    var step: Int64 = 0
    /// Mean of the last whole numbers.
    var level: Int64 = 0
    /// The mean size of each predictor's error, and of a first value's: 256ths of a bit, see `magnitude`.
    var driftCost: UInt16 = 0
    var stepCost: UInt16 = 0
    var levelCost: UInt16 = 0
    var firstCost: UInt16 = SeriesState.unknownCost
    /// The slot of the series' time.
    var slot: UInt32 = 0
    var scale: UInt8 = 0
    /// Whether the value changed, for the last five samples, newest lowest.
    var history: UInt8 = 0
    /// Samples since the last change, to 255.
    var rest: UInt8 = 0
    /// Changes learned from, to 8.
    var changes: UInt8 = 0
    /// 0 before the first value, 1 before the second, then 2.
    var age: UInt8 = 0
    var sawZero = false
    var skippedOutlier = false
    /// The series with the same metric that was defined before; its own number when there is none.
    var sibling: UInt32 = 0

    static let unknownCost: UInt16 = 20 << 8

    /// The size of an error: its bits in sixteenths, with the fraction taken from the bits below the highest.
    @inline(__always)
    static func magnitude(_ error: Int64) -> Int {
        let size = error.magnitude
        if size == 0 { return 0 }
        let bits = 64 - size.leadingZeroBitCount
        // The four bits below the highest.
        let fraction = Int(truncatingIfNeeded: (size << UInt64(64 - bits)) >> 59) & 15
        return bits << 4 | fraction
    }

    /// The predictor that did best: what it says, and its cost.
    @inline(__always)
    var prediction: (integer: Int64, cost: UInt16) {
        if age == 0 { return (integer, firstCost) }
        if driftCost <= stepCost, driftCost <= levelCost { return (integer &+ ((drift &+ 8) >> 4), driftCost) }
        return stepCost <= levelCost ? (integer &+ step, stepCost) : (level, levelCost)
    }

    /// Takes a sibling's first value as the guess for this one's.
    @inline(__always)
    mutating func inheritValue(of other: SeriesState) {
        bits = other.bits
        integer = other.integer
        scale = other.scale
        firstCost = other.firstCost
    }

    /// Takes a sibling's behaviour as the guess for this one's.
    @inline(__always)
    mutating func inheritBehaviour(of other: SeriesState) {
        guard other.age == 2, other.scale == scale, other.changes > 0 else {
            driftCost = Self.unknownCost - 512
            stepCost = Self.unknownCost - 512
            levelCost = Self.unknownCost - 512
            return
        }
        drift = other.drift
        step = other.step
        driftCost = other.driftCost
        stepCost = other.stepCost
        levelCost = other.levelCost
        changes = min(other.changes, 2)
        sawZero = other.sawZero
    }

    /// Starts anew in another scale.
    mutating func rescale(to new: UInt8) {
        scale = new
        integer = ValueScale.integer(of: bits, scale: new) ?? 0
        drift = 0
        step = 0
        level = integer
        changes = 0
        driftCost = Self.unknownCost - 512
        stepCost = driftCost
        levelCost = driftCost
    }

    /// Learns from the next whole number.
    @inline(__always)
    mutating func learn(_ next: Int64) {
        let delta = next &- integer
        if age == 0 {
            firstCost = Self.moved(firstCost, to: Self.magnitude(delta), by: 2)
            integer = next
            level = next
            return
        }
        let drifted = delta &- ((drift &+ 8) >> 4)
        let shift = Self.shift(after: changes)
        let error = Self.magnitude(drifted)
        let stepError = Self.magnitude(delta &- step)
        let levelError = Self.magnitude(next &- level)
        let best = min(driftCost, stepCost, levelCost)
        // A reset or a wrap says nothing about the changes to come, unless another follows at once.
        if changes >= 4, !skippedOutlier, min(error, stepError, levelError) << 4 > Int(best) + (5 << 8) {
            skippedOutlier = true
            integer = next
            level = next
            return
        }
        skippedOutlier = false
        driftCost = Self.moved(driftCost, to: error, by: shift)
        stepCost = Self.moved(stepCost, to: stepError, by: shift)
        levelCost = Self.moved(levelCost, to: levelError, by: shift)
        drift = drift &+ (((delta &<< 4) &- drift) >> shift)
        level = level &+ ((next &- level) >> min(shift, 3))
        step = delta
        integer = next
        if changes < 8 { changes += 1 }
    }

    /// Means move by 1, 1/2, 1/4, 1/4, 1/8 four times, then 1/16 of the error.
    @inline(__always)
    private static func shift(after changes: UInt8) -> Int64 {
        // A nibble for each count of changes.
        (0x4_3333_2210 >> (Int64(changes) << 2)) & 15
    }

    @inline(__always)
    private static func moved(_ cost: UInt16, to magnitude: Int, by shift: Int64) -> UInt16 {
        UInt16(truncatingIfNeeded: Int(cost) + (((magnitude << 4) - Int(cost)) >> Int(shift)))
    }
}
