import Telemetry

/// A second reader of chained blocks, written from the page and for clearness alone: plain numbers, no pointers.
///
/// Trusts its input, and answers nil where it notices that it must not.
struct ReferenceChainDecoder {
    private struct Known {
        var series: Series
        var sibling: Int
        var successor: Int?
        var slot: Int?
        var bits: UInt64 = 0
        var integer: Int64 = 0
        var drift: Int64 = 0
        var step: Int64 = 0
        var level: Int64 = 0
        // Errors of drift, step and level, in 256ths of a bit.
        var costs = [0, 0, 0]
        var firstCost = 5120
        var scale = 0
        var history: [Int] = [0, 0, 0, 0, 0]
        var rest = 0
        var changes = 0
        var age = 0
        var sawZero = false
        var skipped = false
    }

    private struct Slot {
        var time: Int64
        var step: Int64 = 0
        var successor: Int
        var isUsed = false
        var moved = false
    }

    private var known: [Known] = []
    private var strings: [String] = []
    private var lastEntry: [Int] = []
    private var order: [Int] = []
    private var slots: [Slot] = []
    private var nextSlot = 0
    private var lastSeries: Int?
    private var timeCost = 5120
    private var contexts: [String: (probability: Int, count: Int)] = [:]
    private var input = ReferenceSymbols(coded: [], plain: [])

    mutating func decode(_ block: [UInt8]) -> [Sample]? {
        var bytes = ReferenceBytes(rest: block.dropLast(4)[...])
        guard bytes.take(5) == Array("TSBK".utf8) + [2], let flags = bytes.take(1).first else { return nil }
        if flags & 1 != 0 { self = ReferenceChainDecoder() }
        let count = Int(bytes.varint())
        let start = count > 0 ? bytes.zigzag() : 0
        if count > 0 { _ = bytes.varint() }
        if flags & 1 == 0 {
            _ = bytes.take(4)
            _ = bytes.varint()
            _ = bytes.take(4)
        }
        let firstNew = known.count
        var (new, size, stored) = (0, 0, 0)
        if flags & 2 != 0 {
            (new, size) = (Int(bytes.varint()), Int(bytes.varint()))
            stored = flags & 4 != 0 ? Int(bytes.varint()) : size
        }
        let (coded, plain) = (Int(bytes.varint()), Int(bytes.varint()))
        let section = bytes.take(stored)
        define(new, ReferenceBytes(rest: (flags & 4 != 0 ? ReferenceInflate.inflate(section) : section)[...]))
        input = ReferenceSymbols(coded: bytes.take(coded), plain: bytes.take(plain))
        guard bytes.rest.isEmpty else { return nil }
        if flags & 8 == 0 { readOrder(count, firstNew: firstNew) }
        let times = readTimes(isRegular: flags & 16 != 0, start: start)
        var neighbour = 0
        var samples: [Sample] = []
        for (position, one) in order.enumerated() {
            neighbour = value(one, neighbour: neighbour)
            let value = Double(bitPattern: known[one].bits)
            samples.append(Sample(known[one].series, Timestamp(millis: times[position]), value))
        }
        return samples
    }

    private mutating func define(_ count: Int, _ section: ReferenceBytes) {
        guard count > 0 else { return }
        var section = section
        var fresh = strings.count
        let lengths = (0..<section.varint()).map { _ in Int(section.varint()) }
        for length in lengths { strings.append(String(decoding: section.take(length), as: UTF8.self)) }
        for _ in 0..<count {
            var entry: [Int] = []
            func string() -> String {
                let code = Int(section.varint())
                if code == 0 { entry.append(lastEntry[entry.count]) }
                if code == 1 { entry.append(fresh) }
                if code == 1 { fresh += 1 }
                if code > 1 { entry.append(code - 2) }
                return strings[entry.last!]
            }
            let metric = string()
            let labels = (0..<section.varint()).map { _ in
                let name = string()
                return Label(name, string())
            }
            let sibling = known.lastIndex { $0.series.metric == metric } ?? known.count
            known.append(Known(series: Series(metric, LabelSet(labels)), sibling: sibling))
            lastEntry = entry
        }
    }

    private mutating func readOrder(_ count: Int, firstNew: Int) {
        order = []
        var unused = firstNew
        var hit = 1
        for _ in 0..<count {
            let guess = lastSeries.flatMap { known[$0].successor } ?? (unused < known.count ? unused : 0)
            hit = bit("order \(hit)")
            let limit = min(unused + 1, known.count)
            let next = hit == 1 ? guess : Int(input.plain(Self.bits(for: limit)))
            if next == unused { unused += 1 }
            if let lastSeries { known[lastSeries].successor = next }
            lastSeries = next
            order.append(next)
        }
    }

    private mutating func readTimes(isRegular: Bool, start: Int64) -> [Int64] {
        for slot in slots.indices { slots[slot].isUsed = false }
        var used: [Int] = []
        if slots.isEmpty, !order.isEmpty { _ = newSlot(start) }
        var previous: Int?
        var hit = 1
        var times: [Int64] = []
        for one in order {
            var slot = known[one].slot ?? previous.map { slots[$0].successor } ?? 0
            if !slots[slot].isUsed { advance(slot, &used) }
            if !isRegular {
                hit = bit("time \(hit)")
                if hit == 0 {
                    if bit("time other") == 1 {
                        slot = used[Int(input.plain(Self.bits(for: used.count)))]
                    } else {
                        if bit("time new") == 1 { slot = newSlot(slots[slot].time) }
                        advance(slot, &used)
                    }
                }
                if let previous { slots[previous].successor = slot }
            }
            known[one].slot = slot
            previous = slot
            times.append(slots[slot].time)
        }
        return times
    }

    private mutating func newSlot(_ time: Int64) -> Int {
        let slot = nextSlot
        nextSlot = (nextSlot + 1) % 4096
        if slot == slots.count { slots.append(Slot(time: time, successor: slot)) }
        slots[slot] = Slot(time: time, successor: slot)
        return slot
    }

    private mutating func advance(_ slot: Int, _ used: inout [Int]) {
        let error = self.error("time", cost: timeCost)!
        timeCost += (Self.magnitude(error) * 16 - timeCost) >> 3
        let step = slots[slot].step &+ error
        slots[slot].moved = step != 0
        slots[slot].step = step
        slots[slot].time &+= step
        slots[slot].isUsed = true
        used.append(slot)
    }

    /// Reads the next value of a series; 1 when it changed.
    private mutating func value(_ one: Int, neighbour: Int) -> Int {
        var state = known[one]
        let sibling = known[state.sibling]
        if state.age == 0 {
            (state.bits, state.integer, state.scale) = (sibling.bits, sibling.integer, sibling.scale)
            state.firstCost = sibling.firstCost
        } else if state.age == 1 {
            if sibling.age == 2, sibling.scale == state.scale, sibling.changes > 0 {
                (state.drift, state.step, state.costs) = (sibling.drift, sibling.step, sibling.costs)
                (state.changes, state.sawZero) = (min(sibling.changes, 2), sibling.sawZero)
            } else {
                state.costs = [4608, 4608, 4608]
            }
        }
        let moved = slots[state.slot!].moved ? 1 : 0
        var past = "history \(state.history)"
        if !state.history.contains(1) { past = "rest \(String(state.rest, radix: 2).count * (state.rest > 0 ? 1 : 0))" }
        if state.age < 2 { past = "age \(state.age)" }
        let changed = bit("changed \(past) \(neighbour) \(moved)")
        if changed == 1 { change(&state) } else if state.age == 0 { learn(state.integer, &state) }
        state.rest = changed == 1 ? 0 : min(state.rest + 1, 255)
        state.history = Array(([changed] + state.history).prefix(5))
        state.age = min(state.age + 1, 2)
        known[one] = state
        return changed
    }

    private mutating func change(_ state: inout Known) {
        if state.sawZero, state.bits != 0, bit("zero \(state.history[0])") == 1 {
            state.bits = 0
            return
        }
        let kind = state.age == 0 ? "first" : "value"
        var found = prediction(state)
        var error = self.error(kind, cost: found.cost)
        if error == nil {
            state.scale = Int(input.plain(5))
            state.integer = Self.integer(Double(bitPattern: state.bits), state.scale) ?? 0
            (state.drift, state.step, state.level, state.changes) = (0, 0, state.integer, 0)
            state.costs = [4608, 4608, 4608]
            found = prediction(state)
            error = self.error(kind, cost: found.cost)
        }
        let next = found.integer &+ error!
        state.bits = Self.bits(next, state.scale)
        if state.bits == 0, state.age > 0, state.scale != 18 { state.sawZero = true } else { learn(next, &state) }
    }

    private func prediction(_ state: Known) -> (integer: Int64, cost: Int) {
        if state.age == 0 { return (state.integer, state.firstCost) }
        let guesses = [state.integer &+ ((state.drift &+ 8) >> 4), state.integer &+ state.step, state.level]
        let best = state.costs.indices.min { state.costs[$0] < state.costs[$1] }!
        return (guesses[best], state.costs[best])
    }

    private func learn(_ next: Int64, _ state: inout Known) {
        let delta = next &- state.integer
        defer { state.integer = next }
        if state.age == 0 {
            state.firstCost += (Self.magnitude(delta) * 16 - state.firstCost) >> 2
            state.level = next
            return
        }
        let errors = [delta &- ((state.drift &+ 8) >> 4), delta &- state.step, next &- state.level].map {
            Self.magnitude($0) * 16
        }
        if state.changes >= 4, !state.skipped, errors.min()! > state.costs.min()! + 1280 {
            state.skipped = true
            state.level = next
            return
        }
        state.skipped = false
        let shift = [0, 1, 2, 2, 3, 3, 3, 3, 4][state.changes]
        for place in 0..<3 { state.costs[place] += (errors[place] - state.costs[place]) >> shift }
        state.drift = state.drift &+ ((delta &* 16 &- state.drift) >> shift)
        state.level = state.level &+ ((next &- state.level) >> min(shift, 3))
        state.step = delta
        state.changes = min(state.changes + 1, 8)
    }

    /// The error of a prediction; nil is a change of scale.
    private mutating func error(_ kind: String, cost: Int) -> Int64? {
        let class_ = min(cost / 128, 127)
        let base = max(0, class_ / 2 - 5)
        var path = "1"
        for _ in 0..<3 { path += String(bit("\(kind) \(class_) \(path)")) }
        let symbol = Int(path.dropFirst(), radix: 2)!
        var size = base + symbol
        if symbol == 7 {
            let excess = Int(input.plain(6))
            if excess == 63 { return nil }
            size += excess
        } else if symbol == 0, base > 0 {
            size = Int(input.plain(6))
        }
        if size == 0 { return 0 }
        let sign = bit("\(kind) sign \(class_)")
        var magnitude: UInt64 = 1
        if size > 1 {
            let high = bit("\(kind) high \(class_ % 2) \(symbol)")
            magnitude = 2 + UInt64(high)
            if size > 2 { magnitude = magnitude * 2 + UInt64(bit("\(kind) next \(class_ % 2) \(symbol) \(high)")) }
            if size > 3 {
                let low = input.plain(size - 3)
                magnitude = magnitude << UInt64(size - 3) | low
            }
        }
        return sign == 1 ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(truncatingIfNeeded: magnitude)
    }

    private mutating func bit(_ name: String) -> Int {
        var (probability, count) = contexts[name] ?? (1 << 21, 0)
        let bit = input.bit(probability: max(probability >> 6, 1))
        let target = bit == 1 ? (1 << 22) - 1 : 0
        probability += ((target - probability) * (131_072 / (2 * count + 3))) >> 16
        count = min(count + 1, 255)
        contexts[name] = (probability, count)
        return bit
    }

    /// Bits of a number that says one of `count` things.
    private static func bits(for count: Int) -> Int {
        var bits = 0
        while 1 << bits < count { bits += 1 }
        return bits
    }

    private static func magnitude(_ error: Int64) -> Int {
        if error == 0 { return 0 }
        let binary = String(error.magnitude, radix: 2)
        let fraction = Int((binary.dropFirst() + "0000").prefix(4), radix: 2)!
        return binary.count * 16 + fraction
    }

    private static func bits(_ integer: Int64, _ scale: Int) -> UInt64 {
        switch scale {
        case 0...15: (Double(integer) / Double("1e\(scale)")!).bitPattern
        case 16: (Double(integer) * 1024).bitPattern
        case 17: (Double(integer) * 4096).bitPattern
        default: integer >= 0 ? UInt64(bitPattern: integer) : UInt64(bitPattern: integer) ^ UInt64(Int64.max)
        }
    }

    private static func integer(_ value: Double, _ scale: Int) -> Int64? {
        if scale == 18 {
            let signed = Int64(bitPattern: value.bitPattern)
            return signed >= 0 ? signed : signed ^ Int64.max
        }
        let factor = scale < 16 ? Double("1e\(scale)")! : scale == 16 ? 1.0 / 1024 : 1.0 / 4096
        let scaled = value * factor
        let limit = scale < 16 ? 0x1p53 : 0x1p53 * factor
        guard scaled.magnitude <= limit else { return nil }
        let integer = Int64(scaled.rounded())
        return bits(integer, scale) == value.bitPattern ? integer : nil
    }
}

struct ReferenceBytes {
    var rest: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func varint() -> UInt64 {
        var (value, shift) = (UInt64(0), UInt64(0))
        while let byte = take(1).first {
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { break }
        }
        return value
    }

    mutating func zigzag() -> Int64 {
        let value = varint()
        return value % 2 == 0 ? Int64(value / 2) : -1 - Int64(value / 2)
    }
}

/// The two streams of a block: bits under a range coder, and bits as they are.
struct ReferenceSymbols {
    private var coded: [UInt8]
    private var plainBits: [UInt64]
    private var range: UInt64 = 0xFFFF_FFFF
    private var code: UInt64 = 0
    private var offset = 0
    private var plainOffset = 0

    init(coded: [UInt8], plain: [UInt8]) {
        self.coded = coded
        plainBits = plain.flatMap { byte in (0..<8).map { UInt64(byte >> UInt8($0)) & 1 } }
        for _ in 0..<4 { feed() }
    }

    private mutating func feed() {
        code = code * 256 + (offset < coded.count ? UInt64(coded[offset]) : 0)
        offset += 1
    }

    mutating func bit(probability: Int) -> Int {
        let bound = range / 65536 * UInt64(probability)
        let bit = code < bound ? 1 : 0
        if bit == 0 { code -= bound }
        range = bit == 1 ? bound : range - bound
        while range < 1 << 24 {
            range *= 256
            feed()
        }
        return bit
    }

    mutating func plain(_ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<count {
            value |= plainBits[plainOffset] << UInt64(place)
            plainOffset += 1
        }
        return value
    }
}
