/// One cell of the grid, [start, end), and which samples count in it.
struct Cell: Sendable {
    let index: Int64
    let startMillis: Int64
    let endMillis: Int64
    let stepMillis: Int64
    let silentCellsMax: Int64
    /// When all that counts in it was known: its end, or earlier when everybody had reported.
    private(set) var knownMillis: Int64

    init(index: Int64, stepMillis: Int64, silentCellsMax: Int64) {
        self.index = index
        self.stepMillis = stepMillis
        self.silentCellsMax = silentCellsMax
        startMillis = index * stepMillis
        endMillis = (index + 1) * stepMillis
        knownMillis = endMillis
    }

    /// Ends it before its time.
    mutating func end(knownAt time: Int64) { knownMillis = max(startMillis, min(time, endMillis)) }

    /// Whether a time lies in the cell or in the half step before it: a probe that wobbles around a border is not
    /// missing.
    func covers(_ time: Int64) -> Bool {
        time >= startMillis - stepMillis / 2 && time < endMillis
    }

    /// Whether the slot has a value of the cell.
    ///
    /// The same age is granted where the cell ended early: what was not waited for may be due any moment.
    func covers(_ slot: SeriesSlot) -> Bool {
        guard !covers(slot.at) else { return true }
        return knownMillis < endMillis && !slot.round.isDue && slot.at < endMillis
            && slot.at >= knownMillis - stepMillis * 3 / 2
    }

    /// Whether the slot's value still stands, so that its contributor is expected to report it.
    func expects(_ slot: SeriesSlot) -> Bool {
        slot.isLive && slot.hasValue && slot.at >= startMillis - silentCellsMax * stepMillis
    }
}

/// A gauge merged from a contributor's series of one role.
struct Gauge {
    /// The merged value of the series that have a sample in the cell.
    var value: Double?
    /// Whether any such series should have one.
    var isExpected = false

    /// NaN and infinities are the source's way to say that it doesn't know: neither a value nor a gap.
    mutating func take(_ slot: SeriesSlot, in cell: Cell, _ merge: (Double, Double) -> Double) {
        guard slot.value.isFinite else { return }
        isExpected = true
        guard cell.covers(slot) else { return }
        value = value.map { merge($0, slot.value) } ?? slot.value
    }
}

/// Reads contributors' series into the accumulators of a cell's signals.
struct CellReader {
    var cell: Cell
    /// Indexed by `Signal.rawValue`.
    var accumulators: [SignalAccumulator] = Signal.allCases.map(SignalAccumulator.init)
    /// The buckets of all contributors of the cell.
    var latency = LatencyCell()

    init(cell: Cell) {
        self.cell = cell
    }

    /// Reads one contributor; its counts and volumes are taken from it.
    mutating func read(_ contributor: inout ContributorState, slots: [SeriesSlot]) {
        switch contributor.kind {
        case .application: readApplication(&contributor, slots: slots)
        case .pod: readGauges(contributor, slots: slots) { $0 == .podReady ? .ready : nil }
        case .container: readContainer(&contributor, slots: slots)
        case .database: readDatabase(contributor, slots: slots)
        case .target: readTarget(contributor, slots: slots)
        case .node: readNode(&contributor, slots: slots)
        case .filesystem: readFileSystem(contributor, slots: slots)
        case .log: readLog(contributor, slots: slots)
        }
    }

    mutating func report(_ signal: Signal, _ gauge: Gauge, _ name: String) {
        if let value = gauge.value {
            accumulators[signal.rawValue].add(name, value: value)
        } else if gauge.isExpected {
            accumulators[signal.rawValue].miss()
        }
    }

    /// For signals that are one series each: the worst where a contributor has several.
    mutating func readGauges(
        _ contributor: ContributorState, slots: [SeriesSlot], signal: (SeriesRole) -> Signal?
    ) {
        var gauges: [(signal: Signal, gauge: Gauge)] = []
        for index in contributor.slots where cell.expects(slots[index]) {
            guard let signal = signal(slots[index].role) else { continue }
            let position = gauges.firstIndex { $0.signal == signal } ?? gauges.count
            if position == gauges.count { gauges.append((signal, Gauge())) }
            let worstIsGreatest = signal.merging == .greatest
            gauges[position].gauge.take(slots[index], in: cell, worstIsGreatest ? max : min)
        }
        for (signal, gauge) in gauges { report(signal, gauge, contributor.name) }
    }

    // MARK: Applications

    private mutating func readApplication(_ contributor: inout ContributorState, slots: [SeriesSlot]) {
        var gauges = ApplicationGauges()
        for index in contributor.slots where cell.expects(slots[index]) {
            gauges.take(slots[index], in: cell)
        }
        readRequests(&contributor, expected: gauges.hasRequestSeries)
        if contributor.hasFiniteBuckets { readBuckets(&contributor, expected: gauges.hasBucketSeries) }
        report(.heapUsed, gauges.heapUsedRatio(poolsShareMaximum: contributor.poolsShareMaximum), contributor.name)
        report(.heapLive, gauges.heapLiveRatio, contributor.name)
        report(.collectionOverhead, collectionOverhead(contributor, gauges), contributor.name)
        report(.health, gauges.health, contributor.name)
        report(.poolPending, gauges.poolPending, contributor.name)
    }

    private mutating func readRequests(_ contributor: inout ContributorState, expected: Bool) {
        guard contributor.hasRequests else {
            guard expected, contributor.previousRoundAt != nil else { return }
            let isOnBorder = contributor.roundAt.map(cell.covers) ?? false
            for signal in [Signal.errorRatio, .requestRate, .latencyMean] {
                if isOnBorder {
                    accumulators[signal.rawValue].addSilent()
                } else {
                    let last = contributor.lastRequests
                    accumulators[signal.rawValue].miss(last: signal == .requestRate ? last / stepSeconds : last)
                }
            }
            return
        }
        let factor = contributor.volumeFactor(stepMillis: cell.stepMillis)
        let requests = contributor.requests * factor
        contributor.lastRequests = requests
        accumulators[Signal.requestRate.rawValue].add(contributor.name, value: requests / stepSeconds)
        let untold = contributor.requests - contributor.toldRequests
        if untold > 0 {
            let ratio = (contributor.errors - contributor.toldErrors) / untold
            accumulators[Signal.errorRatio.rawValue].add(contributor.name, value: ratio, volume: untold * factor)
        } else {
            accumulators[Signal.errorRatio.rawValue].addSilent()
        }
        guard contributor.requests > 0 else {
            accumulators[Signal.latencyMean.rawValue].addSilent()
            return
        }
        let mean = contributor.requestSeconds / contributor.requests
        accumulators[Signal.latencyMean.rawValue].add(contributor.name, value: mean, volume: requests)
    }

    private var stepSeconds: Double { Double(cell.stepMillis) / 1000 }

    /// The JVM's own figure, an average over five minutes; where it has none, and on ZGC, whose pauses say nothing, the
    /// share of the time since the last look.
    private func collectionOverhead(_ contributor: ContributorState, _ gauges: ApplicationGauges) -> Gauge {
        var overhead = gauges.overhead
        guard contributor.isZGC || !overhead.isExpected, gauges.hasPauseSeries else { return overhead }
        overhead.isExpected = overhead.isExpected || contributor.previousRoundAt != nil
        guard contributor.hasPauses, let covered = contributor.coveredMillis else { return overhead }
        let busiest = max(contributor.pauseSeconds, contributor.concurrentSeconds)
        let share = min(1, busiest * 1000 / Double(covered))
        overhead.value = max(overhead.value ?? 0, share)
        return overhead
    }

    // MARK: Containers

    private mutating func readContainer(_ contributor: inout ContributorState, slots: [SeriesSlot]) {
        var workingSet = Gauge()
        var limit: Double?
        var restarts = Gauge()
        var oomKills = Gauge()
        for index in contributor.slots where cell.expects(slots[index]) {
            let slot = slots[index]
            switch slot.role {
            case .workingSet: workingSet.take(slot, in: cell, max)
            case .memoryLimit: limit = slot.value.isFinite && slot.value > 0 ? slot.value : nil
            case .restarts: restarts.take(slot, in: cell, max)
            case .oomKills: oomKills.take(slot, in: cell, max)
            default: break
            }
        }
        if let limit {
            workingSet.value = workingSet.value.map { $0 / limit }
            report(.workingSet, workingSet, contributor.name)
        }
        report(.restarts, count(restarts, &contributor.restarts), contributor.name)
        report(.oomKills, count(oomKills, &contributor.oomKills), contributor.name)
    }

    /// Events of the cell in place of the counter; events that only an edge told of count without a counter too.
    func count(_ counter: Gauge, _ witnessed: inout WitnessedCount) -> Gauge {
        let events = witnessed.take()
        var gauge = counter
        gauge.value = events > 0 ? events : counter.value.map { _ in 0 }
        return gauge
    }
}

/// An application's gauges of one cell.
private struct ApplicationGauges {
    var hasRequestSeries = false
    var hasBucketSeries = false
    var hasPauseSeries = false
    var heapUsed = Gauge()
    var heapMaximumSum = 0.0
    var heapMaximumLargest = 0.0
    var usageAfterCollection = Gauge()
    var liveData = Gauge()
    var liveDataMaximum = 0.0
    var overhead = Gauge()
    var health = Gauge()
    var poolPending = Gauge()

    mutating func take(_ slot: SeriesSlot, in cell: Cell) {
        switch slot.role {
        case .requestCount, .requestErrorCount: hasRequestSeries = true
        case .requestBucket: hasBucketSeries = true
        case .pauseSeconds, .concurrentSeconds: hasPauseSeries = true
        case .heapUsed: heapUsed.take(slot, in: cell, +)
        case .heapMaximum where slot.value.isFinite && slot.value > 0:
            heapMaximumSum += slot.value
            heapMaximumLargest = max(heapMaximumLargest, slot.value)
        case .usageAfterCollection: usageAfterCollection.take(slot, in: cell, max)
        case .liveData where slot.value > 0: liveData.take(slot, in: cell, max)
        case .liveDataMaximum where slot.value.isFinite: liveDataMaximum = max(liveDataMaximum, slot.value)
        case .collectionOverhead: overhead.take(slot, in: cell, max)
        case .health: health.take(slot, in: cell, min)
        case .poolPending: poolPending.take(slot, in: cell, +)
        default: break
        }
    }

    /// All heap pools over the heap's maximum, which G1, ZGC and Shenandoah tell in full on one or each of their pools,
    /// Serial and Parallel in parts (recorded with JDK 17 and 25: Tests/Fixtures/signals).
    func heapUsedRatio(poolsShareMaximum: Bool) -> Gauge {
        let maximum = poolsShareMaximum ? heapMaximumLargest : heapMaximumSum
        guard maximum > 0 else { return Gauge() }
        return Gauge(value: heapUsed.value.map { min(1, $0 / maximum) }, isExpected: heapUsed.isExpected)
    }

    /// The usage after the last collection; ZGC under pressure says NaN there, older Micrometer has only the sizes.
    var heapLiveRatio: Gauge {
        if usageAfterCollection.isExpected { return usageAfterCollection }
        guard liveDataMaximum > 0 else { return Gauge() }
        return Gauge(value: liveData.value.map { min(1, $0 / liveDataMaximum) }, isExpected: liveData.isExpected)
    }
}
