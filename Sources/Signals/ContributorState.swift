/// What one contributor has in the open cell, beside the last values of its series.
///
/// There may be tens of thousands: small fields stand behind those that leave room.
struct ContributorState: Sendable {
    let name: String
    let group: Int
    /// Its series, by slot.
    var slots: [Int] = []
    /// Pseudo series of its edges, -1 for none.
    private var oomKillEdgesSlot: Int32 = -1
    private var restartEdgesSlot: Int32 = -1
    /// Series that have not ended.
    var liveSlots = 0
    /// The newest cell it has a sample for, whether taken up or still waiting.
    var newestCell: Int64 = .min
    /// What of it is still to come.
    var rounds = ContributorRounds()
    /// Milliseconds since 1970 of the newest sample or edge: what forgetting goes by.
    var newestAt: Int64 = .min

    /// Start of the latest and of the earlier look at the application's meters, in milliseconds since 1970.
    var roundAt: Int64?
    let kind: ContributorKind
    /// Whether its group counts it among those whose round is not complete in the open cell.
    var isAwaited = false
    /// Whether its group counts it among those that have no sample in the open cell or behind it.
    var isAbsent = false
    var previousRoundAt: Int64?
    /// Whether the maximum of a heap pool is that of the whole heap.
    var poolsShareMaximum = false
    var isZGC = false
    var hasRequests = false
    var hasPauses = false

    /// Increases in the open cell.
    var requests = 0.0
    var errors = 0.0
    var requestSeconds = 0.0
    var pauseSeconds = 0.0
    var concurrentSeconds = 0.0
    /// What of them parts of the cell have told of.
    var toldRequests = 0.0
    var toldErrors = 0.0
    /// The look before the first one of the open cell: where the increases start.
    var increaseSince: Int64?
    /// The application's start, when it restarted in the open cell.
    var restartedAt: Int64?
    /// Requests and requests a second in the last cell that had any: the estimate while it is missing.
    var lastRequests = 0.0

    private var bucketsBeside = Beside<LatencyBuckets>()
    private var databaseBeside = Beside<DatabaseCounts>()
    private var logBeside = Beside<LogCounts>()
    var oomKills = WitnessedCount()
    var restarts = WitnessedCount()

    init(name: String, kind: ContributorKind, group: Int) {
        self.name = name
        self.kind = kind
        self.group = group
    }

    /// Whether it is alive, and so expected, in a cell: not ended, and not silent for longer than allowed.
    func isExpected(inCell cell: Int64, silentCellsMax: Int64) -> Bool {
        liveSlots > 0 && newestCell >= cell - silentCellsMax
    }

    /// Notes a look at the application's meters.
    ///
    /// Samples of one look may differ by up to a quarter of a step.
    mutating func noteRound(at time: Int64, stepMillis: Int64) {
        guard let current = roundAt else {
            roundAt = time
            return
        }
        guard time - current > stepMillis / 4 else { return }
        previousRoundAt = current
        roundAt = time
        if increaseSince == nil { increaseSince = current }
    }

    /// Pseudo series of its edges that tell of kills.
    var oomKillEdges: Int? {
        get { oomKillEdgesSlot < 0 ? nil : Int(oomKillEdgesSlot) }
        set { oomKillEdgesSlot = newValue.map { Int32(truncatingIfNeeded: $0) } ?? -1 }
    }

    /// Pseudo series of its edges that tell of restarts.
    var restartEdges: Int? {
        get { restartEdgesSlot < 0 ? nil : Int(restartEdgesSlot) }
        set { restartEdgesSlot = newValue.map { Int32(truncatingIfNeeded: $0) } ?? -1 }
    }

    /// What its buckets of request times rose by in the open cell.
    var buckets: LatencyBuckets { bucketsBeside.value }

    /// Whether there are buckets that a quantile can be told from.
    var hasFiniteBuckets: Bool { !bucketsBeside.isEmpty && bucketsBeside.value.hasFiniteBounds }

    /// Changes the buckets in place.
    mutating func changeBuckets<Result>(_ body: (inout LatencyBuckets) -> Result) -> Result {
        bucketsBeside.change(body)
    }

    /// Increases of a database's counters in the open cell.
    var database: DatabaseCounts { databaseBeside.value }

    /// Increases of a log's counters in the open cell.
    var log: LogCounts { logBeside.value }

    /// Adds an increase of a database's counter.
    mutating func addToDatabase(_ increase: Double, role: SeriesRole) {
        databaseBeside.change { $0.add(increase, role: role) }
    }

    /// Adds an increase of a log's counter.
    mutating func addToLog(_ increase: Double, role: SeriesRole) {
        logBeside.change { $0.add(increase, role: role) }
    }

    /// Adds a counter's increase to the open cell.
    mutating func add(increase: Double, role: SeriesRole) {
        switch role {
        case .requestCount:
            requests += increase
            hasRequests = true
        case .requestErrorCount:
            requests += increase
            errors += increase
            hasRequests = true
        case .requestSeconds: requestSeconds += increase
        case .pauseSeconds:
            pauseSeconds += increase
            hasPauses = true
        case .concurrentSeconds:
            concurrentSeconds += increase
            hasPauses = true
        default: break
        }
    }

    /// Milliseconds that the cell's increases cover, nil when there is no earlier look.
    var coveredMillis: Int64? {
        guard let roundAt, var since = increaseSince else { return nil }
        if let restartedAt, restartedAt > since, restartedAt < roundAt { since = restartedAt }
        return roundAt > since ? roundAt - since : nil
    }

    /// What increases are multiplied with so that a cell after a gap stands for one step, not for the whole gap.
    func volumeFactor(stepMillis: Int64) -> Double {
        guard let coveredMillis, coveredMillis * 2 > stepMillis * 3 else { return 1 }
        return Double(stepMillis) / Double(coveredMillis)
    }

    /// Starts the next cell.
    mutating func startCell() {
        requests = 0
        errors = 0
        toldRequests = 0
        toldErrors = 0
        requestSeconds = 0
        pauseSeconds = 0
        concurrentSeconds = 0
        hasRequests = false
        hasPauses = false
        if !bucketsBeside.isEmpty { bucketsBeside.change { $0.startCell() } }
        databaseBeside.reset()
        logBeside.reset()
        increaseSince = nil
        restartedAt = nil
    }
}

/// Counts that a contributor has.
protocol Counts: Sendable {
    /// Makes zeros.
    init()
}

/// Counts that most contributors never have: they lie beside their owner, once there are any.
struct Beside<Value: Counts>: Sendable {
    private var only: [Value] = []

    var value: Value { only.first ?? Value() }

    var isEmpty: Bool { only.isEmpty }

    mutating func change<Result>(_ body: (inout Value) -> Result) -> Result {
        if only.isEmpty { only = [Value()] }
        return body(&only[0])
    }

    mutating func reset() {
        if !only.isEmpty { only[0] = Value() }
    }
}

/// Increases of a server's counters in the open cell, over its databases.
struct DatabaseCounts: Counts {
    var deadlocks = 0.0
    var commits = 0.0
    var rollbacks = 0.0
    var checksumFailures = 0.0
    var checkpointsTimed = 0.0
    var checkpointsRequested = 0.0
    var blocksHit = 0.0
    var blocksRead = 0.0
    /// Whether there is any increase to speak of, be it 0: not before the second look.
    var isKnown = false

    mutating func add(_ increase: Double, role: SeriesRole) {
        isKnown = true
        switch role {
        case .deadlocks: deadlocks += increase
        case .commits: commits += increase
        case .rollbacks: rollbacks += increase
        case .checksumFailures: checksumFailures += increase
        case .checkpointsTimed: checkpointsTimed += increase
        case .checkpointsRequested: checkpointsRequested += increase
        case .blocksHit: blocksHit += increase
        case .blocksRead: blocksRead += increase
        default: break
        }
    }
}

/// Increases of an agent's counters of log entries in the open cell.
struct LogCounts: Counts {
    var entries = 0.0
    var errors = 0.0
    var newPatterns = 0.0
    /// Whether there is any increase to speak of, be it 0: not before the second look.
    var isKnown = false

    mutating func add(_ increase: Double, role: SeriesRole) {
        isKnown = true
        switch role {
        case .logEntries: entries += increase
        case .logErrorEntries:
            entries += increase
            errors += increase
        case .logNewErrorPatterns: newPatterns += increase
        default: break
        }
    }
}

/// A number of events with two witnesses, a counter and edges, each of which may see an event first, late or not at
/// all.
///
/// What counts is the greater of the two running totals, so an event seen by both counts once and one seen by either
/// counts too. The totals are levelled after an hour without news, so that an event which one of them missed doesn't
/// hide a later one for ever.
struct WitnessedCount: Sendable {
    private var counter = 0.0
    private var edges = 0.0
    private var taken = 0.0
    private var changedAt: Int64 = .min

    /// An hour: longer than a backlog of edges takes to arrive behind the fresh samples.
    static let levelAfterMillis: Int64 = 3_600_000

    /// Whether there are events not yet taken.
    var hasNews: Bool { max(counter, edges) > taken }

    mutating func addToCounter(_ increase: Double, at time: Int64) {
        level(at: time)
        counter += increase
    }

    mutating func addEdges(_ count: Double, at time: Int64) {
        level(at: time)
        edges += count
    }

    /// Events since the last call.
    mutating func take() -> Double {
        let total = max(counter, edges)
        defer { taken = total }
        return total - taken
    }

    private mutating func level(at time: Int64) {
        if time > changedAt, changedAt != .min, time - changedAt > Self.levelAfterMillis, !hasNews {
            counter = 0
            edges = 0
            taken = 0
        }
        changedAt = max(changedAt, time)
    }
}
