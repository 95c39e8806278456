/// How many requests of some cells were slower than a check's levels.
struct SlowRequests: Sendable, Hashable, Codable {
    var requests = 0.0
    /// Requests if all missing contributors had been there and fast.
    var ifMissingHealthy = 0.0
    var beyondEnter = 0.0
    var beyondLeave = 0.0
    /// Σ quantile × requests.
    var weighted = 0.0

    static func += (sum: inout SlowRequests, other: SlowRequests) { sum.add(other, times: 1) }

    static func -= (sum: inout SlowRequests, other: SlowRequests) { sum.add(other, times: -1) }

    private mutating func add(_ other: SlowRequests, times sign: Double) {
        requests += other.requests * sign
        ifMissingHealthy += other.ifMissingHealthy * sign
        beyondEnter += other.beyondEnter * sign
        beyondLeave += other.beyondLeave * sign
        weighted += other.weighted * sign
    }

    /// The requests' quantiles by cell, averaged by requests.
    var mean: Double { requests > 0 ? weighted / requests : 0 }
}

/// The slow requests of a window's cells in a ring of at most 30 buckets of 20 bytes.
///
/// Counts and no quantiles: a quantile of few requests is their slowest, and no average of such is the window's.
/// Where the window has more cells than buckets, cells are joined, and the window is up to a bucket longer than asked.
struct QuantileWindow: Sendable, Codable, Hashable {
    /// The columns of all buckets, bucket by bucket; the bucket of a tick lies at the tick modulo their number.
    private var columns: [Float] = []
    /// All buckets together; summed anew once a round, so that rounding does not pile up.
    private(set) var total = SlowRequests()
    /// Milliseconds of a bucket.
    private var width: Int64 = 0
    /// The newest bucket; ticks count widths since 1970.
    private var lastTick: Int64 = 0
    /// What is usual, where the check asks.
    var usual: UsualHours?

    /// Bound of the buckets.
    static let bucketsMax: Int64 = 30
    private static let columnCount = 5

    private var room: Int { columns.count / Self.columnCount }

    /// Takes a cell that ends at a time.
    mutating func add(_ cell: SlowRequests, at millis: Int64, stepMillis: Int64, windowMillis: Int64) {
        let step = max(1, stepMillis)
        let cells = max(1, (windowMillis + step - 1) / step)
        let cellsOfBucket = (cells + Self.bucketsMax - 1) / Self.bucketsMax
        let wanted = Int((cells + cellsOfBucket - 1) / cellsOfBucket)
        let tick = (millis - 1) / (step * cellsOfBucket)
        if room != wanted || width != step * cellsOfBucket {
            columns = Array(repeating: 0, count: wanted * Self.columnCount)
            total = SlowRequests()
            width = step * cellsOfBucket
            lastTick = tick
        }
        turn(to: tick)
        guard cell.requests > 0 else { return }
        let bucket = Int(tick % Int64(room))
        let start = bucket * Self.columnCount
        // What rounding makes of a count is what the total holds.
        total -= requests(of: bucket)
        columns[start] += Float(cell.requests)
        columns[start + 1] += Float(cell.ifMissingHealthy)
        columns[start + 2] += Float(cell.beyondEnter)
        columns[start + 3] += Float(cell.beyondLeave)
        columns[start + 4] += Float(cell.weighted)
        total += requests(of: bucket)
    }

    private mutating func turn(to tick: Int64) {
        guard tick > lastTick else { return }
        var isRound = false
        for passed in max(lastTick + 1, tick - Int64(room) + 1)...tick {
            let bucket = Int(passed % Int64(room))
            total -= requests(of: bucket)
            clear(bucket)
            if bucket == 0 { isRound = true }
        }
        lastTick = tick
        if isRound { sum() }
    }

    private mutating func clear(_ bucket: Int) {
        for column in bucket * Self.columnCount..<(bucket + 1) * Self.columnCount { columns[column] = 0 }
    }

    private mutating func sum() {
        total = SlowRequests()
        for bucket in 0..<room { total += requests(of: bucket) }
    }

    /// The last one, two, … fifteen buckets together, those left out that end with a bucket without requests; with
    /// their number.
    var recent: [(buckets: Int, requests: SlowRequests)] {
        guard room > 0 else { return [] }
        var sum = SlowRequests()
        var recent: [(buckets: Int, requests: SlowRequests)] = []
        for age in 0..<min(room, 15) {
            let bucket = Int((lastTick - Int64(age)) % Int64(room))
            let own = requests(of: bucket)
            guard own.requests > 0 else { continue }
            sum += own
            recent.append((age + 1, sum))
        }
        return recent
    }

    /// Of the runs of buckets that end with the newest one that with the most requests beyond `enter` above the share
    /// that is allowed, as the buckets that its first lies back; nil when none has more than that share.
    ///
    /// The change point of a cumulative sum, as in `BreachWindow.breachRun`.
    func breachRun(allowed: Double) -> Int? {
        var best: (age: Int, excess: Double)?
        eachBucket { age, own, sum in
            let excess = sum.beyondEnter - allowed * sum.ifMissingHealthy
            if own.requests > 0, excess > best?.excess ?? 0 { best = (age, excess) }
            return true
        }
        return best?.age
    }

    /// How many requests of the newest bucket and so many before it are beyond `enter` above the share that is allowed.
    func excess(ofLast buckets: Int, allowed: Double) -> Double? {
        var excess: Double?
        eachBucket { age, _, sum in
            excess = sum.beyondEnter - allowed * sum.ifMissingHealthy
            return age < buckets
        }
        return excess
    }

    /// The same of requests beyond `leave` below that share, in a run in which no bucket is beyond `enter`.
    func recoveryRun(allowed: Double) -> Int? {
        var best: (age: Int, shortfall: Double)?
        eachBucket { age, own, sum in
            if own.requests > 0, own.beyondEnter > allowed * own.requests { return false }
            let shortfall = allowed * sum.requests - sum.beyondLeave
            if own.requests > 0, shortfall > best?.shortfall ?? 0 { best = (age, shortfall) }
            return true
        }
        return best?.age
    }

    /// Gives the buckets from the newest back with the sum of all so far, until it has enough.
    private func eachBucket(_ body: (Int, SlowRequests, SlowRequests) -> Bool) {
        var sum = SlowRequests()
        for age in 0..<room {
            let own = requests(of: Int((lastTick - Int64(age)) % Int64(room)))
            sum += own
            guard body(age, own, sum) else { return }
        }
    }

    /// Drops all but the newest buckets.
    mutating func keep(last buckets: Int) {
        guard room > buckets else { return }
        for age in buckets..<room { clear(Int((lastTick - Int64(age)) % Int64(room))) }
        sum()
    }

    /// Milliseconds of a bucket.
    var bucketMillis: Int64 { width }

    /// Bytes outside of the value itself.
    var heapBytes: Int { columns.count * MemoryLayout<Float>.stride + (usual?.heapBytes ?? 0) }

    /// A window without requests that knows what is usual.
    var emptied: QuantileWindow {
        var window = QuantileWindow()
        window.usual = usual
        return window
    }

    private func requests(of bucket: Int) -> SlowRequests {
        let start = bucket * Self.columnCount
        return SlowRequests(
            requests: Double(columns[start]), ifMissingHealthy: Double(columns[start + 1]),
            beyondEnter: Double(columns[start + 2]), beyondLeave: Double(columns[start + 3]),
            weighted: Double(columns[start + 4]))
    }
}
