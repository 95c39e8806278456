import Signals
import Telemetry

/// How a check's window turns cells into one value.
enum WindowKind: Sendable {
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

/// The last cells of a window in at most 32 buckets of 32 bytes.
///
/// Where the window has more cells than buckets, cells are joined, and the window is up to one bucket longer than
/// asked.
struct BreachWindow: Sendable, Codable, Hashable {
    private struct Bucket: Sendable, Codable, Hashable {
        var endMillis: Int64
        var sum: Double
        var sumIfMissingHealthy: Double
        var volume: Double
    }

    private var buckets: [Bucket] = []

    /// Bound of the buckets.
    static let bucketsMax: Int64 = 32

    /// Takes a cell with a value, and gives the value of the window that ends with it.
    mutating func add(_ point: SignalPoint, value: Double, ifMissingHealthy: Double, check: Check) -> WindowedValue {
        let kind = WindowKind(check.signal)
        guard check.window > .zero, kind != .point else {
            return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: point.volume)
        }
        let weight = kind == .weighted ? point.volume : 1
        let cell = Bucket(
            endMillis: point.at.millis, sum: value * weight, sumIfMissingHealthy: ifMissingHealthy * weight,
            volume: point.volume)
        insert(cell, stepMillis: point.step.wholeMilliseconds, windowMillis: check.window.wholeMilliseconds)
        return total(kind, value: value, ifMissingHealthy: ifMissingHealthy)
    }

    /// Drops what is older than the window that ends at a time.
    mutating func expire(before end: Timestamp, check: Check) {
        let horizon = (end - check.window).millis
        if let first = buckets.first, first.endMillis <= horizon {
            buckets.removeAll { $0.endMillis <= horizon }
        }
    }

    /// Events in the window.
    var volume: Double { buckets.reduce(0) { $0 + $1.volume } }

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
            if buckets.count > Self.bucketsMax { buckets.removeFirst() }
            buckets.append(cell)
        }
    }

    private func total(_ kind: WindowKind, value: Double, ifMissingHealthy: Double) -> WindowedValue {
        var sum = 0.0
        var healthy = 0.0
        var volume = 0.0
        for bucket in buckets {
            sum += bucket.sum
            healthy += bucket.sumIfMissingHealthy
            volume += bucket.volume
        }
        switch kind {
        case .sum: return WindowedValue(value: sum, ifMissingHealthy: healthy, volume: volume)
        default:
            guard volume > 0 else { return WindowedValue(value: value, ifMissingHealthy: ifMissingHealthy, volume: 0) }
            return WindowedValue(value: sum / volume, ifMissingHealthy: healthy / volume, volume: volume)
        }
    }
}
