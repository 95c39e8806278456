/// Errors and events of a window in a bounded number of buckets of 12 bytes.
struct RatioWindow: Sendable, Codable, Hashable {
    private var ticks: [Int32] = []
    private var errors: [Float] = []
    private var events: [Float] = []

    /// Adds a cell's errors and events; a window of `span` has about `buckets` buckets.
    mutating func add(errors count: Double, events total: Double, at millis: Int64, span: Int64, buckets: Int64) {
        let width = max(1, span / buckets)
        let tick = Int32(truncatingIfNeeded: (millis - 1) / width)
        expire(at: millis, span: span, buckets: buckets)
        if let last = ticks.last, last == tick {
            errors[errors.count - 1] += Float(count)
            events[events.count - 1] += Float(total)
        } else if total > 0 || count > 0 {
            ticks.append(tick)
            errors.append(Float(count))
            events.append(Float(total))
        }
    }

    /// Drops what is older than the window that ends at a time.
    mutating func expire(at millis: Int64, span: Int64, buckets: Int64) {
        guard let first = ticks.first else { return }
        let width = max(1, span / buckets)
        let oldest = Int32(truncatingIfNeeded: (millis - 1 - span) / width)
        guard first <= oldest else { return }
        let gone = ticks.firstIndex { $0 > oldest } ?? ticks.count
        ticks.removeFirst(gone)
        errors.removeFirst(gone)
        events.removeFirst(gone)
    }

    /// Errors and events in the last `span` milliseconds of buckets as wide as `width`.
    func totals(since millis: Int64, width: Int64) -> (errors: Double, events: Double) {
        let oldest = Int32(truncatingIfNeeded: (millis - 1) / max(1, width))
        var sum = (errors: 0.0, events: 0.0)
        for index in ticks.indices.reversed() {
            guard ticks[index] > oldest else { break }
            sum.errors += Double(errors[index])
            sum.events += Double(events[index])
        }
        return sum
    }

    /// Bytes outside of the value itself.
    var heapBytes: Int { ticks.capacity * 4 + errors.capacity * 4 + events.capacity * 4 }

    /// Errors and events in all buckets.
    var totals: (errors: Double, events: Double) {
        var sum = (errors: 0.0, events: 0.0)
        for index in ticks.indices {
            sum.errors += Double(errors[index])
            sum.events += Double(events[index])
        }
        return sum
    }
}
