/// Errors and events of a window in a ring of buckets of 8 bytes.
struct RatioWindow: Sendable, Codable, Hashable {
    /// Errors and events of a bucket in turn; the bucket of a tick lies at the tick modulo their number.
    private var slots: [Float] = []
    /// The newest bucket; ticks count widths since 1970.
    private var lastTick: Int64 = 0
    /// Events since the last cell with an error, those of cells with full coverage.
    private(set) var goodRun: Float = 0
    /// Milliseconds of the cells with full coverage since then.
    private(set) var goodMillis: Int64 = 0

    private enum CodingKeys: CodingKey {
        case slots, lastTick, goodRun, goodMillis
    }

    /// Makes an empty window.
    init() {}

    /// Reads a window of this or an earlier form, which had no run.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        slots = try container.decode([Float].self, forKey: .slots)
        lastTick = try container.decode(Int64.self, forKey: .lastTick)
        goodRun = try container.decodeIfPresent(Float.self, forKey: .goodRun) ?? 0
        goodMillis = try container.decodeIfPresent(Int64.self, forKey: .goodMillis) ?? 0
    }

    /// Writes the run only where there is one.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(slots, forKey: .slots)
        try container.encode(lastTick, forKey: .lastTick)
        if goodRun > 0 { try container.encode(goodRun, forKey: .goodRun) }
        if goodMillis > 0 { try container.encode(goodMillis, forKey: .goodMillis) }
    }

    /// Counts a cell's events and its length to the run without errors, or ends the run.
    mutating func noteRun(errors: Double, events: Double, millis: Int64, isWhole: Bool) {
        if errors > 0 {
            goodRun = 0
            goodMillis = 0
        } else if isWhole {
            goodRun += Float(events)
            goodMillis += millis
        }
    }

    /// Adds a cell's errors and events; a window of `span` has about `buckets` buckets.
    mutating func add(errors count: Double, events total: Double, at millis: Int64, span: Int64, buckets: Int64) {
        let width = max(1, span / buckets)
        let room = Int(max(1, span / width))
        let tick = (millis - 1) / width
        if slots.count != room * 2 {
            slots = Array(repeating: 0, count: room * 2)
            lastTick = tick
        }
        if tick > lastTick { turn(to: tick, room: room) }
        guard total > 0 || count > 0 else { return }
        let slot = Int(tick % Int64(room)) * 2
        slots[slot] += Float(count)
        slots[slot + 1] += Float(total)
    }

    private mutating func turn(to tick: Int64, room: Int) {
        for passed in max(lastTick + 1, tick - Int64(room) + 1)...tick {
            let slot = Int(passed % Int64(room)) * 2
            slots[slot] = 0
            slots[slot + 1] = 0
        }
        lastTick = tick
    }

    /// Errors and events in the last buckets, of this width, that end after a time.
    func totals(since millis: Int64, width: Int64) -> (errors: Double, events: Double) {
        guard !slots.isEmpty else { return (0, 0) }
        let room = Int64(slots.count / 2)
        let oldest = max((millis - 1) / max(1, width), lastTick - room)
        var sum = (errors: 0.0, events: 0.0)
        var tick = lastTick
        while tick > oldest {
            let slot = Int(tick % room) * 2
            sum.errors += Double(slots[slot])
            sum.events += Double(slots[slot + 1])
            tick -= 1
        }
        return sum
    }

    /// Errors and events in all buckets.
    var totals: (errors: Double, events: Double) {
        var sum = (errors: 0.0, events: 0.0)
        for slot in stride(from: 0, to: slots.count, by: 2) {
            sum.errors += Double(slots[slot])
            sum.events += Double(slots[slot + 1])
        }
        return sum
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { slots.count * MemoryLayout<Float>.stride }
}
