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

/// The series that signals read, by name and by number.
struct SeriesTable: Sendable {
    private(set) var slots: [SeriesSlot] = []
    private var keys: [SeriesKey?] = []
    private var indexByKey: [SeriesKey: Int] = [:]
    private var free: [Int] = []
    private var generation: UInt32 = 0
    /// The series that came after this one last time: an agent sends its series in the same order in each round.
    private var successors: [Int] = []

    /// Named series and pseudo series in use.
    var count: Int { slots.count - free.count }

    subscript(index: Int) -> SeriesSlot {
        get { slots[index] }
        _modify { yield &slots[index] }
    }

    func index(of key: SeriesKey) -> Int? { indexByKey[key] }

    /// The series that came after `previous` last time, if it is the one asked for: no hashing, and where the strings
    /// are those of the last round, which a decoder's dictionary gives out again and again, no comparing either.
    func successor(of previous: Int, cluster: Int, series: Series) -> Int? {
        guard previous >= 0, previous < successors.count else { return nil }
        let next = successors[previous]
        guard next >= 0, let key = keys[next], key.cluster == cluster, key.series == series else { return nil }
        return next
    }

    /// Notes that one series came after another.
    mutating func note(_ next: Int, after previous: Int) {
        guard previous >= 0, previous < successors.count else { return }
        successors[previous] = next
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
            successors[index] = -1
        } else {
            index = slots.count
            slots.append(slot)
            keys.append(key)
            successors.append(-1)
        }
        if let key { indexByKey[key] = index }
        return index
    }

    mutating func remove(_ index: Int) {
        if let key = keys[index] { indexByKey[key] = nil }
        keys[index] = nil
        slots[index].generation = 0
        free.append(index)
    }
}
