/// The model of values: which bits say what, and which context each has.
///
/// The same code writes and reads.
enum ValueModel {
    // The contexts of a chain, one after another in one array.
    static let changed = 0
    static let zero = changed + 256
    static let order = zero + 8
    static let time = order + 8
    static let valueErrors = time + 16
    static let firstErrors = valueErrors + errorContexts
    static let timeErrors = firstErrors + errorContexts
    static let contextCount = timeErrors + errorContexts

    // For each of 128 costs a tree of 8 symbols; then signs, then the two bits below the highest.
    private static let errorContexts = signs + 128 + 16 * 4
    private static let signs = 1024
    private static let tops = signs + 128

    /// What an error that is no error but a change of scale is written as.
    private static let rescaleMark: UInt64 = 63

    /// An error of a prediction whose errors are about as large as `cost` says; nil is a change of scale.
    @inline(__always)
    static func error<Coder: SymbolCoder>(
        _ known: Int64?, cost: UInt16, coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) -> Int64? {
        let context = min(Int(cost >> 7), 127)
        let base = max(0, (context >> 1) - 5)
        var bits = 0
        var symbol = 7
        if Coder.writes, let known {
            bits = 64 - known.magnitude.leadingZeroBitCount
            symbol = min(max(bits - base, 0), 7)
        }
        symbol = tree(symbol, coder: &coder, contexts: contexts + context * 8)
        if symbol == 7 {
            let excess = coder.raw(Coder.writes && known == nil ? rescaleMark : UInt64(max(bits - base - 7, 0)), 6)
            if excess == rescaleMark { return nil }
            bits = base + 7 + Int(excess)
            if bits > 64 {
                coder.fail()
                return 0
            }
        } else if symbol == 0, base > 0 {
            bits = Int(coder.raw(UInt64(bits), 6))
        } else {
            bits = base + symbol
        }
        if bits == 0 { return 0 }
        return signed(known ?? 0, bits: bits, symbol: symbol, context: context, coder: &coder, contexts: contexts)
    }

    @inline(__always)
    private static func tree<Coder: SymbolCoder>(
        _ symbol: Int, coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var node = 1
        node = node << 1 | coder.bit(symbol >> 2 & 1, contexts + node)
        node = node << 1 | coder.bit(symbol >> 1 & 1, contexts + node)
        node = node << 1 | coder.bit(symbol & 1, contexts + node)
        return node & 7
    }

    /// Sign and all bits below the highest.
    @inline(__always)
    private static func signed<Coder: SymbolCoder>(
        _ known: Int64, bits: Int, symbol: Int, context: Int, coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) -> Int64 {
        let size = known.magnitude
        let isNegative = coder.bit(known < 0 ? 1 : 0, contexts + signs + context) != 0
        var magnitude: UInt64 = 1
        if bits > 1 {
            let top = contexts + tops + (context & 1) * 32 + symbol * 4
            let first = coder.bit(Int(truncatingIfNeeded: size >> UInt64(bits - 2)) & 1, top)
            magnitude = 2 | UInt64(first)
            if bits > 2 {
                let second = coder.bit(Int(truncatingIfNeeded: size >> UInt64(bits - 3)) & 1, top + 1 + first)
                magnitude = magnitude << 1 | UInt64(second)
                let below = bits - 3
                if below > 0 {
                    magnitude = magnitude << UInt64(below) | coder.raw(size & ((1 << UInt64(below)) &- 1), below)
                }
            }
        }
        let value = Int64(bitPattern: magnitude)
        return isNegative ? 0 &- value : value
    }

    /// The next value of a series, as bits.
    ///
    /// `hint` is for the writer: the scale to try first. `neighbour` is 1 when the sample before changed, `moved` when
    /// time did since the series' last sample.
    @inline(__always)
    static func value<Coder: SymbolCoder>(
        _ known: UInt64, hint: UInt8, series number: Int, states: UnsafeMutablePointer<SeriesState>,
        neighbour: inout Int, moved: Int, coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) -> UInt64 {
        let state = states + number
        let age = state.pointee.age
        if age < 2 { inherit(state, states) }
        let context = changed + changedContext(state.pointee, neighbour: neighbour, moved: moved)
        let isChanged = coder.bit(known == state.pointee.bits ? 0 : 1, contexts + context)
        neighbour = isChanged
        if isChanged == 0 {
            if state.pointee.rest < 255 { state.pointee.rest += 1 }
            state.pointee.history = (state.pointee.history << 1) & 31
        } else {
            changedValue(known, hint: hint, state: state, coder: &coder, contexts: contexts)
            state.pointee.rest = 0
            state.pointee.history = (state.pointee.history << 1 | 1) & 31
        }
        if age < 2 {
            if age == 0, isChanged == 0 { state.pointee.learn(state.pointee.integer) }
            state.pointee.age = age + 1
        }
        return state.pointee.bits
    }

    private static func inherit(_ state: UnsafeMutablePointer<SeriesState>, _ states: UnsafeMutablePointer<SeriesState>)
    {
        let sibling = states[Int(state.pointee.sibling)]
        if state.pointee.age == 0 {
            state.pointee.inheritValue(of: sibling)
        } else {
            state.pointee.inheritBehaviour(of: sibling)
        }
    }

    @inline(__always)
    private static func changedContext(_ state: SeriesState, neighbour: Int, moved: Int) -> Int {
        var context = Int(state.history)
        if context == 0 { context = 32 + (8 - state.rest.leadingZeroBitCount) }
        if state.age < 2 { context = 48 + Int(state.age) }
        return context << 2 | neighbour << 1 | moved
    }

    @inline(__always)
    private static func changedValue<Coder: SymbolCoder>(
        _ known: UInt64, hint: UInt8, state: UnsafeMutablePointer<SeriesState>, coder: inout Coder,
        contexts: UnsafeMutablePointer<UInt32>
    ) {
        if state.pointee.sawZero, state.pointee.bits != 0 {
            let context = zero + (state.pointee.history & 1 == 0 ? 0 : 1)
            if coder.bit(known == 0 ? 1 : 0, contexts + context) != 0 {
                state.pointee.bits = 0
                return
            }
        }
        let region = contexts + (state.pointee.age == 0 ? firstErrors : valueErrors)
        var wanted: Int64?
        var (predicted, cost) = state.pointee.prediction
        if Coder.writes, !wantsRescale(known, hint, state.pointee) {
            wanted = ValueScale.integer(of: known, scale: state.pointee.scale)
        }
        var error = Self.error(wanted.map { $0 &- predicted }, cost: cost, coder: &coder, contexts: region)
        if error == nil {
            let scale = UInt8(coder.raw(UInt64(Coder.writes ? ValueScale.best(for: known, trying: hint) : 0), 5))
            guard scale <= ValueScale.last else { return coder.fail() }
            state.pointee.rescale(to: scale)
            (predicted, cost) = state.pointee.prediction
            if Coder.writes { wanted = ValueScale.integer(of: known, scale: scale) }
            error = Self.error(wanted.map { $0 &- predicted }, cost: cost, coder: &coder, contexts: region)
        }
        guard let error else { return coder.fail() }
        let next = predicted &+ error
        state.pointee.bits = ValueScale.bits(of: next, scale: state.pointee.scale)
        if state.pointee.bits == 0, state.pointee.age > 0, state.pointee.scale != ValueScale.bits {
            // The predictors go on with what comes after the zero.
            state.pointee.sawZero = true
        } else {
            state.pointee.learn(next)
        }
    }

    /// Whether the writer knows a better scale than the one in use.
    ///
    /// It changes at a first value, where that costs least, and after what is no number, such as a stale marker.
    @inline(__always)
    private static func wantsRescale(_ known: UInt64, _ hint: UInt8, _ state: SeriesState) -> Bool {
        if state.age > 0 {
            return state.scale == ValueScale.bits && hint < ValueScale.bits
                && !Double(bitPattern: state.bits).isFinite && Double(bitPattern: known).isFinite
        }
        if hint != SeriesHint.none { return hint != state.scale }
        if state.scale != 0, state.scale != ValueScale.bits { return false }
        let best = ValueScale.best(for: known, trying: hint)
        return state.scale == 0 ? best == ValueScale.pages || best == ValueScale.kibibytes : best != state.scale
    }
}

/// What the writer remembers of a series across chains.
enum SeriesHint {
    /// Nothing is known yet.
    static let none: UInt8 = 255

    /// The scale to try first when the series starts again.
    @inline(__always)
    static func next(after state: SeriesState, _ hint: UInt8) -> UInt8 {
        if state.scale == ValueScale.bits { return hint }
        // Whole numbers that are whole pages may be pages next time.
        return state.scale == 0 && state.integer != 0 && state.integer & 4095 == 0 ? ValueScale.pages : state.scale
    }
}
