import Signals
import Telemetry

/// How a check's window turns cells into one value.
enum WindowKind: UInt8, Sendable {
    /// Σ value × volume / Σ volume.
    case weighted
    /// Σ value.
    case sum
    /// The last cell alone.
    case point

    /// The kind that a signal takes: weights where it has a volume, sums of counts, the point for the rest.
    init(_ signal: SignalName) {
        switch signal {
        case .errorRatio, .latencyMeanSeconds, .readyRatio, .rollbackRatio, .logErrorRatio: self = .weighted
        case .oomKills, .restarts, .nodeOOMKills, .deadlocks, .logErrors, .logNewPatterns: self = .sum
        default: self = .point
        }
    }
}

/// A value over a window, as it is and as it would be if all missing contributors were healthy.
struct WindowedValue: Sendable {
    var value: Double
    var ifMissingHealthy: Double
    var volume: Double
}

/// The value of the last cells of a window.
struct RecentValue: Sendable {
    var value: WindowedValue
    /// How many cells of the grid that is, those without events among them.
    var cells: Int
}

/// The last cells of a window in a ring of at most 33 buckets of 12 bytes, with their totals.
///
/// Where the window has more cells than buckets, cells are joined, and the window is up to one bucket longer than
/// asked.
struct BreachWindow: Sendable, Codable, Hashable {
    private struct Bucket: Sendable, Codable, Hashable {
        var sum: Float = 0
        var sumIfMissingHealthy: Float = 0
        var volume: Float = 0

        var isEmpty: Bool { sum == 0 && sumIfMissingHealthy == 0 && volume == 0 }
    }

    /// What all buckets come to; summed anew once a round, so that rounding does not pile up.
    private struct Totals: Sendable, Codable, Hashable {
        var sum = 0.0
        var healthy = 0.0
        var volume = 0.0

        var isEmpty: Bool { sum == 0 && healthy == 0 && volume == 0 }

        mutating func add(_ bucket: Bucket) {
            sum += Double(bucket.sum)
            healthy += Double(bucket.sumIfMissingHealthy)
            volume += Double(bucket.volume)
        }

        mutating func remove(_ bucket: Bucket) {
            sum -= Double(bucket.sum)
            healthy -= Double(bucket.sumIfMissingHealthy)
            volume -= Double(bucket.volume)
        }
    }

    /// The bucket of a tick lies at the tick modulo their number.
    private var ring: [Bucket] = []
    private var totals = Totals()
    /// Milliseconds of a bucket.
    private var width: Int64 = 0
    /// The newest bucket; ticks count widths since 1970.
    private var lastTick: Int64 = 0

    /// Bound of the buckets that are needed for a window's cells.
    static let bucketsMax: Int64 = 32

    /// Takes a cell with a value, and gives the value of the window that ends with it.
    mutating func add(
        _ cell: Cell, value: Double, ifMissingHealthy: Double, tuning: Tuning, steps: inout StepMillis
    ) -> WindowedValue {
        let kind = tuning.kind
        guard tuning.windowMillis > 0, kind != .point else {
            return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: cell.volume)
        }
        if kind == .sum, value == 0, ifMissingHealthy == 0 {
            // Nothing to count: only what is too old goes.
            expire(before: cell.at, windowMillis: tuning.windowMillis)
            return total(kind, value: 0, ifMissingHealthy: 0)
        }
        let weight = kind == .weighted ? cell.volume : 1
        let bucket = Bucket(
            sum: Float(value * weight), sumIfMissingHealthy: Float(ifMissingHealthy * weight),
            volume: Float(cell.volume))
        insert(bucket, at: cell.at.millis, stepMillis: steps.of(cell.step), windowMillis: tuning.windowMillis)
        return total(kind, value: value, ifMissingHealthy: ifMissingHealthy)
    }

    /// Drops what is older than the window that ends at a time.
    mutating func expire(before end: Timestamp, windowMillis: Int64) {
        guard !ring.isEmpty else { return }
        turn(to: (end.millis - 1) / width)
    }

    /// Values over the last one, two, … fifteen cells that the window knows one by one; none where cells are joined.
    func recent(at end: Timestamp, step: Duration, tuning: Tuning) -> [RecentValue] {
        let stepMillis = step.wholeMilliseconds
        guard tuning.kind == .weighted, tuning.windowMillis > stepMillis * 3, tuning.windowMillis <= stepMillis * 32
        else {
            return []
        }
        guard !ring.isEmpty, width == stepMillis else { return [] }
        var totals = Totals()
        var values: [RecentValue] = []
        let newest = (end.millis - 1) / width
        for tick in stride(from: min(newest, lastTick), to: max(newest - 15, lastTick - Int64(ring.count)), by: -1) {
            let bucket = ring[Int(tick % Int64(ring.count))]
            totals.add(bucket)
            guard totals.volume > 0, !bucket.isEmpty else { continue }
            let value = WindowedValue(
                value: totals.sum / totals.volume, ifMissingHealthy: totals.healthy / totals.volume,
                volume: totals.volume)
            values.append(RecentValue(value: value, cells: Int(newest - tick) + 1))
        }
        return values
    }

    /// Of the runs of cells that end with the newest one that which is furthest beyond a level, as the cells that its
    /// first lies back; nil when none is beyond it, or cells are joined.
    ///
    /// What a run is beyond the level is Σ (value - level) × volume, so that the run begins where the sum of all that
    /// came was least: the change point of a cumulative sum (Page, "Continuous inspection schemes", 1954).
    func breachRun(over level: Double, at end: Timestamp, step: Duration, tuning: Tuning) -> Int? {
        var best: (cells: Int, excess: Double)?
        eachCell(at: end, step: step, tuning: tuning) { age, bucket, totals in
            let excess = totals.healthy - level * totals.volume
            if bucket.volume > 0, excess > best?.excess ?? 0 { best = (age, excess) }
            return true
        }
        return best?.cells
    }

    /// What the newest cell and so many before it are beyond a level: Σ (value − level) × volume; nil as above.
    func excess(ofLast cells: Int, over level: Double, at end: Timestamp, step: Duration, tuning: Tuning) -> Double? {
        var excess: Double?
        eachCell(at: end, step: step, tuning: tuning) { age, _, totals in
            excess = totals.healthy - level * totals.volume
            return age < cells
        }
        return excess
    }

    /// The same below a level for a recovery, in which no cell is at or beyond `enter`.
    func recoveryRun(
        below level: Double, enter: Double, at end: Timestamp, step: Duration, tuning: Tuning
    ) -> Int? {
        var best: (cells: Int, shortfall: Double)?
        eachCell(at: end, step: step, tuning: tuning) { age, bucket, totals in
            if bucket.volume > 0, Double(bucket.sum) >= enter * Double(bucket.volume) { return false }
            let shortfall = level * totals.volume - totals.sum
            if bucket.volume > 0, shortfall > best?.shortfall ?? 0 { best = (age, shortfall) }
            return true
        }
        return best?.cells
    }

    /// Gives the cells of the window from the newest back, 0, 1, … ago, with what they come to so far, until it has
    /// enough; nothing in a window whose cells are joined.
    private func eachCell(
        at end: Timestamp, step: Duration, tuning: Tuning, _ body: (Int, Bucket, Totals) -> Bool
    ) {
        guard tuning.kind == .weighted, !ring.isEmpty, width == step.wholeMilliseconds else { return }
        var totals = Totals()
        let newest = (end.millis - 1) / width
        for tick in stride(from: min(newest, lastTick), to: lastTick - Int64(ring.count), by: -1) {
            let bucket = ring[Int(tick % Int64(ring.count))]
            totals.add(bucket)
            guard body(Int(newest - tick), bucket, totals) else { return }
        }
    }

    /// Drops all but the newest cells, in a window that knows cells one by one.
    mutating func keep(last cells: Int, step: Duration) {
        guard width == step.wholeMilliseconds else { return }
        for slot in ring.indices {
            let age = (Int(lastTick % Int64(ring.count)) - slot + ring.count) % ring.count
            if age >= cells { ring[slot] = Bucket() }
        }
        totals = Totals()
        for bucket in ring { totals.add(bucket) }
    }

    /// Whether nothing was counted in it.
    var isEmpty: Bool { totals.isEmpty }

    /// Bytes outside of the value itself.
    var heapBytes: Int { ring.count * MemoryLayout<Bucket>.stride }

    /// Events in the window.
    var volume: Double { max(0, totals.volume) }

    private mutating func insert(_ cell: Bucket, at millis: Int64, stepMillis: Int64, windowMillis: Int64) {
        let step = max(1, stepMillis)
        let cells = (windowMillis + step - 1) / step
        let cellsOfBucket = max(1, (cells + Self.bucketsMax - 1) / Self.bucketsMax)
        // The oldest of joined cells are half out of the window.
        let room = Int((cells + cellsOfBucket - 1) / cellsOfBucket) + (cellsOfBucket > 1 ? 1 : 0)
        let tick: Int64
        if ring.count == room, width == step * cellsOfBucket {
            tick = (millis - 1) / width
            turn(to: tick)
        } else {
            ring = Array(repeating: Bucket(), count: room)
            totals = Totals()
            width = step * cellsOfBucket
            tick = (millis - 1) / width
            lastTick = tick
        }
        let slot = Int(tick % Int64(ring.count))
        // Cells are joined on the grid of the bucket's width; what rounding makes of a sum is what the totals hold.
        totals.remove(ring[slot])
        ring[slot].sum += cell.sum
        ring[slot].sumIfMissingHealthy += cell.sumIfMissingHealthy
        ring[slot].volume += cell.volume
        totals.add(ring[slot])
    }

    private mutating func turn(to tick: Int64) {
        guard tick > lastTick, !ring.isEmpty else { return }
        let room = Int64(ring.count)
        var isRound = false
        for passed in max(lastTick + 1, tick - room + 1)...tick {
            let slot = Int(passed % room)
            totals.remove(ring[slot])
            ring[slot] = Bucket()
            if slot == 0 { isRound = true }
        }
        lastTick = tick
        guard isRound else { return }
        totals = Totals()
        for bucket in ring { totals.add(bucket) }
    }

    private func total(_ kind: WindowKind, value: Double, ifMissingHealthy: Double) -> WindowedValue {
        if kind == .sum {
            return WindowedValue(value: totals.sum, ifMissingHealthy: totals.healthy, volume: volume)
        }
        guard totals.volume > 0 else {
            return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: 0)
        }
        return WindowedValue(
            value: totals.sum / totals.volume, ifMissingHealthy: totals.healthy / totals.volume, volume: totals.volume)
    }
}
