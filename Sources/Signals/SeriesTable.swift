import Telemetry

/// A series as key: only the values of the labels are hashed, which tell series apart as well as names and values do.
struct SeriesKey: Hashable, Sendable {
    let cluster: Int
    let series: Series

    func hash(into hasher: inout Hasher) {
        hasher.combine(cluster)
        hasher.combine(series.metric)
        for label in series.labels.labels { hasher.combine(label.value) }
    }
}

/// What a sample of a series goes to.
enum SeriesPlace {
    /// A slot of the table.
    case read(Int)
    /// No signal reads the series, and none ever will.
    case unread
    /// A limit is reached; there may be room for the next sample.
    case refused
}

/// What is known of a series by the number that an agent gives it.
struct NumberedPlace: Sendable {
    /// A slot of the table, or one of the two below.
    private(set) var slot: Int32
    private var generation: UInt32 = 0

    private static let noSlot: Int32 = -1
    private static let anySlot: Int32 = -2

    /// No signal reads the series.
    static let unread = NumberedPlace(slot: noSlot)
    /// The series is to be looked up.
    static let unknown = NumberedPlace(slot: anySlot)

    private init(slot: Int32) { self.slot = slot }

    init(_ place: SeriesPlace, in table: SeriesTable) {
        switch place {
        case .read(let slot):
            self.init(slot: Int32(truncatingIfNeeded: slot))
            generation = table[slot].generation
        case .unread: self = .unread
        case .refused: self = .unknown
        }
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
    private var keys: [SeriesKey?] = []
    private var index = SlotIndex()
    private var free: [Int] = []
    private var generation: UInt32 = 0
    /// The series that came after this one last time: an agent sends its series in the same order in each round.
    ///
    /// As long as the slots once samples have come by name, and empty before.
    private var successors: [Int32] = []

    /// Named series and pseudo series in use.
    var count: Int { slots.count - free.count }

    subscript(index: Int) -> SeriesSlot {
        get { slots[index] }
        _modify { yield &slots[index] }
    }

    func index(of key: SeriesKey) -> Int? { index.slot(hash: key.hashValue) { keys[$0] == key } }

    /// The series that came after `previous` last time, if it is the one asked for: no hashing, and where the strings
    /// are those of the last round, which a decoder's dictionary gives out again and again, no comparing either.
    func successor(of previous: Int, cluster: Int, series: Series) -> Int? {
        guard previous >= 0, previous < successors.count else { return nil }
        let next = Int(successors[previous])
        guard next >= 0, let key = keys[next], key.cluster == cluster, key.series == series else { return nil }
        return next
    }

    /// Notes that one series came after another.
    mutating func note(_ next: Int, after previous: Int) {
        guard previous >= 0, previous < slots.count else { return }
        if successors.count < slots.count {
            successors.append(contentsOf: repeatElement(-1, count: slots.count - successors.count))
        }
        successors[previous] = Int32(truncatingIfNeeded: next)
    }

    /// Whether the slot still belongs to the user who was given that generation.
    func holds(_ index: Int, generation: UInt32) -> Bool {
        index < slots.count && slots[index].generation == generation
    }

    /// Puts in a series; a pseudo series has no key.
    mutating func insert(_ key: SeriesKey?, role: SeriesRole, contributor: Int, agent: Int) -> Int {
        generation &+= 1
        var slot = SeriesSlot(role: role, contributor: contributor, agent: agent)
        slot.generation = generation
        let index: Int
        if let reused = free.popLast() {
            index = reused
            slots[index] = slot
            keys[index] = key
            if index < successors.count { successors[index] = -1 }
        } else {
            index = slots.count
            slots.append(slot)
            keys.append(key)
        }
        if let key { self.index.insert(index, hash: key.hashValue) { keys[$0]?.hashValue ?? 0 } }
        return index
    }

    mutating func remove(_ index: Int) {
        if let key = keys[index] { self.index.remove(index, hash: key.hashValue) { keys[$0]?.hashValue ?? 0 } }
        keys[index] = nil
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
