/// What a block builds on: all that both sides of a chain know after the blocks before.
struct ChainState: Sendable {
    /// The times of several series that move together.
    struct Slot: Sendable {
        var time: Int64 = 0
        var step: Int64 = 0
        /// The slot that was used after this one.
        var successor: UInt32 = 0
        /// The block that last used this slot.
        var block: UInt32 = 0
        var moved = false
    }

    /// What no series or slot follows yet.
    static let nobody = UInt32.max
    /// Slots beyond take the place of the oldest.
    static let slotsMax = 4096

    var states: [SeriesState] = []
    /// The series that followed each series.
    var successors: [UInt32] = []
    /// The series of the last block's samples; a reader that had all of them in order of definition keeps their count
    /// alone.
    var order: [UInt32] = []
    private var countInOrder: Int?
    var slots: [Slot] = []
    var nextSlot = 0
    var lastSlot: UInt32 = 0
    var lastSeries = ChainState.nobody
    var timeCost = SeriesState.unknownCost
    /// Blocks written or read in this chain.
    var index: UInt64 = 0
    /// The keyframe's checksum, which names the chain.
    var id: UInt32 = 0
    /// The last block's checksum.
    var checksum: UInt32 = 0

    /// Forgets everything, and keeps the storage.
    mutating func reset() {
        states.removeAll(keepingCapacity: true)
        successors.removeAll(keepingCapacity: true)
        order.removeAll(keepingCapacity: true)
        countInOrder = nil
        slots.removeAll(keepingCapacity: true)
        nextSlot = 0
        lastSlot = 0
        lastSeries = Self.nobody
        timeCost = SeriesState.unknownCost
        index = 0
        id = 0
        checksum = 0
    }

    /// Makes room for series that are to be defined, and for no more where they are many.
    mutating func reserve(_ count: Int) {
        guard count > states.count / 8 else { return }
        states.reserveCapacity(states.count + count)
        successors.reserveCapacity(states.count + count)
    }

    /// Takes in a series whose elder sibling is `sibling`, or nil.
    mutating func define(sibling: UInt32?) {
        var state = SeriesState()
        state.sibling = sibling ?? UInt32(states.count)
        state.slot = Self.nobody
        states.append(state)
        successors.append(Self.nobody)
    }

    /// Takes in the series of a block's samples as its reader, without a new array.
    mutating func setOrder(_ series: [UInt32]) {
        let isInOrder = series.indices.allSatisfy { Int(series[$0]) == $0 }
        countInOrder = isInOrder ? series.count : nil
        guard isInOrder else {
            order.removeAll(keepingCapacity: true)
            order.append(contentsOf: series)
            return
        }
        if !order.isEmpty { order = [] }
    }

    /// How many samples the last block had, to its reader.
    var orderCount: Int { countInOrder ?? order.count }

    /// Writes the series of the last block's samples into columns that have as many.
    func putOrder(into columns: inout SampleColumns) {
        if let countInOrder {
            columns.setOrder(count: countInOrder)
        } else {
            columns.setOrder(order)
        }
    }

    /// Closes a block: its checksum is what the next one must name.
    mutating func close(checksum: UInt32) {
        if index == 0 { id = checksum }
        self.checksum = checksum
        index += 1
    }
}

/// The order of the samples of a block, written as what departs from the order before.
enum OrderModel {
    /// One block's series numbers.
    ///
    /// `firstNew` is the number of the first series that the block defines.
    static func code<Coder: SymbolCoder>(
        _ numbers: UnsafeMutableBufferPointer<UInt32>, firstNew: Int, state: inout ChainState, coder: inout Coder,
        contexts: UnsafeMutablePointer<UInt32>
    ) {
        let total = state.states.count
        var unused = firstNew
        var last = state.lastSeries
        var hit = 1
        for position in numbers.indices {
            var guess = last == ChainState.nobody ? ChainState.nobody : state.successors[Int(last)]
            if guess == ChainState.nobody { guess = UInt32(unused < total ? unused : 0) }
            let context = contexts + ValueModel.order + hit
            hit = coder.bit(numbers[position] == guess ? 1 : 0, context)
            if hit == 0 {
                let known = min(unused + 1, total)
                let bits = Int.bitWidth - (max(known, 1) - 1).leadingZeroBitCount
                numbers[position] = UInt32(coder.raw(UInt64(numbers[position]), bits))
            } else {
                numbers[position] = guess
            }
            let number = Int(numbers[position])
            // A new series is first used in the order of definition.
            guard number < total, number <= unused else { return coder.fail() }
            if number == unused { unused += 1 }
            if last != ChainState.nobody { state.successors[Int(last)] = UInt32(number) }
            last = UInt32(number)
        }
        if unused != total { coder.fail() }
        state.lastSeries = last
    }
}

/// The times of the samples of a block: each series has a slot, and the series of a slot share one time.
struct TimeModel {
    /// Slots that the block used so far, in order; what an exceptional sample names.
    private var used: [UInt32] = []
    // The writer's alone: where a time is in `used`, and the block that last had each series.
    private var placeOfTime: [Int64: Int] = [:]
    private var lastBlock: [UInt32] = []

    /// The times of a block's samples.
    ///
    /// With `isRegular` all samples have the time of their slot. `start` stands for the time before the first.
    mutating func code<Coder: SymbolCoder>(
        _ times: UnsafeMutableBufferPointer<Int64>, numbers: UnsafeBufferPointer<UInt32>, isRegular: Bool, start: Int64,
        state: inout ChainState, coder: inout Coder, contexts: UnsafeMutablePointer<UInt32>
    ) {
        used.removeAll(keepingCapacity: true)
        placeOfTime.removeAll(keepingCapacity: true)
        let block = UInt32(truncatingIfNeeded: state.index + 1)
        if Coder.writes, !isRegular {
            lastBlock.append(contentsOf: repeatElement(0, count: max(0, state.states.count - lastBlock.count)))
        }
        if state.slots.isEmpty, !times.isEmpty { _ = Self.newSlot(start, &state, block: 0) }
        var previous = ChainState.nobody
        var hit = 1
        for position in times.indices {
            let number = Int(numbers[position])
            var slot = state.states[number].slot
            if slot == ChainState.nobody {
                slot = previous == ChainState.nobody ? 0 : state.slots[Int(previous)].successor
            }
            if state.slots[Int(slot)].block != block {
                advance(slot, times[position], block: block, &state, &coder, contexts)
            }
            if !isRegular {
                hit = coder.bit(
                    state.slots[Int(slot)].time == times[position] ? 1 : 0, contexts + ValueModel.time + hit)
                if hit == 0 {
                    let isRepeated = Coder.writes && lastBlock[number] == block
                    slot = exception(
                        slot, times[position], isRepeated: isRepeated, block: block, &state, &coder, contexts)
                }
                if Coder.writes { lastBlock[number] = block }
                if previous != ChainState.nobody { state.slots[Int(previous)].successor = slot }
            }
            times[position] = state.slots[Int(slot)].time
            state.states[number].slot = slot
            previous = slot
        }
    }

    /// Forgets what a chain before knew.
    mutating func reset() {
        lastBlock.removeAll(keepingCapacity: true)
    }

    /// Whether all samples have the time of their slot.
    static func isRegular(_ times: [Int64], numbers: [UInt32], state: borrowing ChainState) -> Bool {
        var seen = [Int64?](repeating: nil, count: state.slots.count)
        for position in times.indices {
            let slot = state.states[Int(numbers[position])].slot
            guard slot != ChainState.nobody else { return false }
            if let time = seen[Int(slot)], time != times[position] { return false }
            seen[Int(slot)] = times[position]
        }
        return true
    }

    private mutating func advance<Coder: SymbolCoder>(
        _ slot: UInt32, _ time: Int64, block: UInt32, _ state: inout ChainState, _ coder: inout Coder,
        _ contexts: UnsafeMutablePointer<UInt32>
    ) {
        let place = Int(slot)
        let predicted = state.slots[place].time &+ state.slots[place].step
        let error = ValueModel.error(
            time &- predicted, cost: state.timeCost, coder: &coder, contexts: contexts + ValueModel.timeErrors)
        guard let error else { return coder.fail() }
        let magnitude = SeriesState.magnitude(error) << 4
        state.timeCost = UInt16(truncatingIfNeeded: Int(state.timeCost) + ((magnitude - Int(state.timeCost)) >> 3))
        let next = predicted &+ error
        state.slots[place].step = next &- state.slots[place].time
        state.slots[place].moved = next != state.slots[place].time
        state.slots[place].time = next
        used.append(slot)
        state.slots[place].block = block
        if Coder.writes { placeOfTime[next] = used.count - 1 }
    }

    /// A time that is not the slot's: the slot moves on, or the series joins another slot or a new one.
    private mutating func exception<Coder: SymbolCoder>(
        _ slot: UInt32, _ time: Int64, isRepeated: Bool, block: UInt32, _ state: inout ChainState,
        _ coder: inout Coder, _ contexts: UnsafeMutablePointer<UInt32>
    ) -> UInt32 {
        var kind = 0
        var known = 0
        if Coder.writes {
            if let place = placeOfTime[time], state.slots[Int(used[place])].time == time {
                (kind, known) = (1, place)
            } else if !isRepeated {
                kind = 2
            }
        }
        let isOther = coder.bit(kind == 1 ? 1 : 0, contexts + ValueModel.time + 2)
        if isOther == 1 {
            let bits = Int.bitWidth - (max(used.count, 1) - 1).leadingZeroBitCount
            let place = Int(coder.raw(UInt64(known), bits))
            guard place < used.count else {
                coder.fail()
                return slot
            }
            return used[place]
        }
        guard coder.bit(kind == 2 ? 1 : 0, contexts + ValueModel.time + 3) == 1 else {
            advance(slot, time, block: block, &state, &coder, contexts)
            return slot
        }
        let new = Self.newSlot(state.slots[Int(slot)].time, &state, block: 0)
        advance(new, time, block: block, &state, &coder, contexts)
        return new
    }

    private static func newSlot(_ time: Int64, _ state: inout ChainState, block: UInt32) -> UInt32 {
        let slot = state.nextSlot
        state.nextSlot = (slot + 1) % ChainState.slotsMax
        var new = ChainState.Slot(time: time)
        new.successor = UInt32(slot)
        new.block = block
        if slot < state.slots.count { state.slots[slot] = new } else { state.slots.append(new) }
        return UInt32(slot)
    }
}
