import Telemetry

/// A series as key: 128 bits of hash of its cluster, its metric and its labels.
///
/// In place of the names, which take ten times as much. Two series have one key by chance alone, since the hash is
/// seeded by the process and nobody outside can choose them; among ten million series that is once in 10²⁴ processes.
struct SeriesKey: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// The key of a slot whose series is not looked up.
    static let none = SeriesKey()

    private init() { (high, low) = (0, 0) }

    init(cluster: Int, series: Series) { self.init(cluster: cluster, series.forEachString) }

    init(cluster: Int, series: SeriesList, _ number: Int) {
        self.init(cluster: cluster) { series.forEachString(of: number, $0) }
    }

    private init(cluster: Int, _ forEachString: ((String) -> Void) -> Void) {
        var (first, second) = (Hasher(), Hasher())
        first.combine(cluster)
        // What makes the two independent of each other.
        second.combine(~cluster)
        forEachString {
            first.combine($0)
            second.combine($0)
        }
        high = UInt64(bitPattern: Int64(first.finalize()))
        low = UInt64(bitPattern: Int64(second.finalize()))
    }

    /// Where it is looked for.
    var hash: Int { Int(truncatingIfNeeded: low) }
}

/// What a sample of a series goes to.
enum SeriesPlace {
    /// A slot of the table.
    case read(Int)
    /// No signal reads the series, and none ever will.
    case unread
    /// A limit is reached; there may be room for a later sample.
    case refused(Refusal)
}

/// Which limit a series is beyond.
enum Refusal: Int32, CaseIterable {
    /// Of series, or of a subject's contributors.
    case series
    case subjects
    case buckets
}

/// What is known of a series by the number that an agent gives it.
struct NumberedPlace: Sendable {
    /// A slot of the table, or one of those below.
    private(set) var slot: Int32
    /// That of the slot; of a refusal the engine's `changes`.
    private var generation: UInt32 = 0

    private static let noSlot: Int32 = -1
    private static let anySlot: Int32 = -2
    /// Less the refusal's raw value.
    private static let refusedSlot: Int32 = -3

    /// No signal reads the series.
    static let unread = NumberedPlace(slot: noSlot)
    /// The series is to be looked up.
    static let unknown = NumberedPlace(slot: anySlot)

    private init(slot: Int32) { self.slot = slot }

    /// - Parameter changes: what a refusal holds for.
    init(_ place: SeriesPlace, in table: borrowing SeriesTable, changes: UInt32) {
        switch place {
        case .read(let slot):
            self.init(slot: Int32(truncatingIfNeeded: slot))
            generation = table[slot].generation
        case .unread: self = .unread
        case .refused(let refusal):
            self.init(slot: Self.refusedSlot - refusal.rawValue)
            generation = changes
        }
    }

    /// Why there is no slot, as long as what decided it is the same.
    func refusal(changes: UInt32) -> Refusal? {
        slot <= Self.refusedSlot && generation == changes ? Refusal(rawValue: Self.refusedSlot - slot) : nil
    }

    var isUnread: Bool { slot == Self.noSlot }

    /// The slot, when it is known and has not been given to another series.
    @inline(__always)
    func slot(in table: borrowing SeriesTable) -> Int? {
        slot >= 0 && table.holds(Int(slot), generation: generation) ? Int(slot) : nil
    }
}

/// The series that signals read, by name and by number.
struct SeriesTable: Sendable {
    private(set) var slots: [SeriesSlot] = []
    private var keys: [SeriesKey] = []
    private var index = SlotIndex()
    private var free: [Int] = []
    /// Series ever put in.
    private(set) var generation: UInt32 = 0

    /// Named series and pseudo series in use.
    var count: Int { slots.count - free.count }

    subscript(index: Int) -> SeriesSlot {
        get { slots[index] }
        _modify { yield &slots[index] }
    }

    func index(of key: SeriesKey) -> Int? { index.slot(hash: key.hash) { keys[$0] == key } }

    /// Whether the slot still belongs to the user who was given that generation.
    func holds(_ index: Int, generation: UInt32) -> Bool {
        index < slots.count && slots[index].generation == generation
    }

    /// Puts in a series; one without a key is not looked up.
    mutating func insert(_ key: SeriesKey, role: SeriesRole, contributor: Int, agent: Int) -> Int {
        generation &+= 1
        var slot = SeriesSlot(role: role, contributor: contributor, agent: agent)
        slot.generation = generation
        let index: Int
        if let reused = free.popLast() {
            index = reused
            slots[index] = slot
            keys[index] = key
        } else {
            index = slots.count
            slots.append(slot)
            keys.append(key)
        }
        if key != .none { self.index.insert(index, hash: key.hash) { keys[$0].hash } }
        return index
    }

    /// Takes from all series those agents that they came from: another one is given the number.
    mutating func disown(_ agents: Set<Int>) {
        for index in slots.indices where agents.contains(slots[index].agent) { slots[index].agent = -1 }
    }

    mutating func remove(_ index: Int) {
        if keys[index] != .none { self.index.remove(index, hash: keys[index].hash) { keys[$0].hash } }
        keys[index] = .none
        slots[index].generation = 0
        free.append(index)
    }
}

/// Finds slots by the hash of what they hold: a table of slots alone, since their owner has the names.
///
/// Linear probing; at most three quarters are in use.
struct SlotIndex: Sendable {
    private static let free: Int32 = -1
    /// Slots at the place that their hash names, or behind it without a free one between; the size is a power of two.
    private var places: [Int32] = []
    private var count = 0

    /// The slot with a hash that is the one asked for.
    func slot(hash: Int, isIt: (Int) -> Bool) -> Int? {
        guard !places.isEmpty else { return nil }
        var place = home(hash)
        while places[place] != Self.free {
            let slot = Int(places[place])
            if isIt(slot) { return slot }
            place = after(place)
        }
        return nil
    }

    /// Puts in a slot that is not there.
    ///
    /// - Parameter hashOf: the hash of what a slot holds.
    mutating func insert(_ slot: Int, hash: Int, hashOf: (Int) -> Int) {
        if (count + 1) * 4 > places.count * 3 { grow(hashOf) }
        count += 1
        put(slot, hash)
    }

    /// Takes a slot out; what stands behind it moves up, so that nothing is looked for in vain.
    mutating func remove(_ slot: Int, hash: Int, hashOf: (Int) -> Int) {
        guard !places.isEmpty else { return }
        var gap = home(hash)
        while places[gap] != Int32(slot) {
            guard places[gap] != Self.free else { return }
            gap = after(gap)
        }
        var place = after(gap)
        while places[place] != Self.free {
            let distance = (place - home(hashOf(Int(places[place])))) & (places.count - 1)
            if distance >= (place - gap) & (places.count - 1) {
                places[gap] = places[place]
                gap = place
            }
            place = after(place)
        }
        places[gap] = Self.free
        count -= 1
    }

    private func home(_ hash: Int) -> Int { hash & (places.count - 1) }

    private func after(_ place: Int) -> Int { (place + 1) & (places.count - 1) }

    private mutating func put(_ slot: Int, _ hash: Int) {
        var place = home(hash)
        while places[place] != Self.free { place = after(place) }
        places[place] = Int32(slot)
    }

    private mutating func grow(_ hashOf: (Int) -> Int) {
        let slots = places.filter { $0 != Self.free }
        places = Array(repeating: Self.free, count: max(16, places.count * 2))
        for slot in slots { put(Int(slot), hashOf(Int(slot))) }
    }
}
