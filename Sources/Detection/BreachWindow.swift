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
        case .errorRatio, .latencyMeanSeconds, .readyRatio: self = .weighted
        case .oomKills, .restarts, .nodeOOMKills: self = .sum
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

/// The last cells of a window in at most 33 buckets of 24 bytes.
///
/// Where the window has more cells than buckets, cells are joined, and the window is up to one bucket longer than
/// asked.
struct BreachWindow: Sendable, Codable, Hashable {
    private struct Bucket: Sendable, Codable, Hashable {
        var endMillis: Int64
        var sum: Float
        var sumIfMissingHealthy: Float
        var volume: Float
    }

    private var buckets: [Bucket] = []

    /// Bound of the buckets.
    static let bucketsMax: Int64 = 32

    /// Takes a cell with a value, and gives the value of the window that ends with it.
    mutating func add(_ point: SignalPoint, value: Double, ifMissingHealthy: Double, tuning: Tuning) -> WindowedValue {
        let kind = tuning.kind
        guard tuning.windowMillis > 0, kind != .point else {
            return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: point.volume)
        }
        if kind == .sum, value == 0, ifMissingHealthy == 0 {
            // Nothing to count: only what is too old goes.
            expire(before: point.at, windowMillis: tuning.windowMillis)
            return total(kind, value: 0, ifMissingHealthy: 0)
        }
        let weight = kind == .weighted ? point.volume : 1
        let cell = Bucket(
            endMillis: point.at.millis, sum: Float(value * weight),
            sumIfMissingHealthy: Float(ifMissingHealthy * weight),
            volume: Float(point.volume))
        insert(cell, stepMillis: point.step.wholeMilliseconds, windowMillis: tuning.windowMillis)
        return total(kind, value: value, ifMissingHealthy: ifMissingHealthy)
    }

    /// Drops what is older than the window that ends at a time.
    mutating func expire(before end: Timestamp, windowMillis: Int64) {
        let horizon = end.millis - windowMillis
        if let first = buckets.first, first.endMillis <= horizon {
            buckets.removeAll { $0.endMillis <= horizon }
        }
    }

    /// Values over the last one, two, … fifteen cells that the window knows one by one; none where cells are joined.
    func recent(at end: Timestamp, step: Duration, tuning: Tuning) -> [WindowedValue] {
        let stepMillis = step.wholeMilliseconds
        guard tuning.kind == .weighted, tuning.windowMillis > stepMillis * 3, tuning.windowMillis <= stepMillis * 32
        else {
            return []
        }
        let horizon = end.millis - stepMillis * 15
        var sum = 0.0
        var healthy = 0.0
        var volume = 0.0
        var values: [WindowedValue] = []
        for bucket in buckets.reversed() {
            guard bucket.endMillis > horizon else { break }
            sum += Double(bucket.sum)
            healthy += Double(bucket.sumIfMissingHealthy)
            volume += Double(bucket.volume)
            guard volume > 0 else { continue }
            values.append(WindowedValue(value: sum / volume, ifMissingHealthy: healthy / volume, volume: volume))
        }
        return values
    }

    /// Whether it has no cells.
    var isEmpty: Bool { buckets.isEmpty }

    /// Bytes outside of the value itself.
    var heapBytes: Int { buckets.capacity * MemoryLayout<Bucket>.stride }

    /// Events in the window.
    var volume: Double { buckets.reduce(0) { $0 + Double($1.volume) } }

    private mutating func insert(_ cell: Bucket, stepMillis: Int64, windowMillis: Int64) {
        let horizon = cell.endMillis - windowMillis
        if let first = buckets.first, first.endMillis <= horizon {
            buckets.removeAll { $0.endMillis <= horizon }
        }
        let step = max(1, stepMillis)
        let cells = (windowMillis + step - 1) / step
        let width = step * max(1, (cells + Self.bucketsMax - 1) / Self.bucketsMax)
        let last = buckets.count - 1
        // Cells are joined on a grid of the bucket's width; a bucket is known by the end of its last cell.
        if last >= 0, (buckets[last].endMillis - 1) / width == (cell.endMillis - 1) / width {
            buckets[last].endMillis = cell.endMillis
            buckets[last].sum += cell.sum
            buckets[last].sumIfMissingHealthy += cell.sumIfMissingHealthy
            buckets[last].volume += cell.volume
        } else {
            if buckets.isEmpty { buckets.reserveCapacity(Int(Self.bucketsMax) + 1) }
            if buckets.count > Self.bucketsMax { buckets.removeFirst() }
            buckets.append(cell)
        }
    }

    private func total(_ kind: WindowKind, value: Double, ifMissingHealthy: Double) -> WindowedValue {
        var sum = 0.0
        var healthy = 0.0
        var volume = 0.0
        for bucket in buckets {
            sum += Double(bucket.sum)
            healthy += Double(bucket.sumIfMissingHealthy)
            volume += Double(bucket.volume)
        }
        switch kind {
        case .sum: return WindowedValue(value: sum, ifMissingHealthy: healthy, volume: volume)
        default:
            guard volume > 0 else { return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: 0) }
            return WindowedValue(value: sum / volume, ifMissingHealthy: healthy / volume, volume: volume)
        }
    }
}
