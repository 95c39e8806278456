import ConfigurationKit
package import Detection
package import Signals
package import Telemetry

/// What the numbers of a signal are, so that levels can be written with their unit and checked for sense.
package enum SignalUnit: String, Hashable, Sendable {
    /// 0...1, written as a percentage.
    case ratio
    /// Seconds, written as a duration.
    case seconds
    /// A count or a rate, written as a plain number.
    case count
    /// Bytes, written as a size.
    case bytes
    /// 0 or 1, written as a plain number; a level stands between them.
    case flag

    /// The unit of a check's levels: its signal's, or its measure's; nil when there is no such signal.
    package init?(ofLevelsOf check: Check) {
        switch check.measure {
        case .signal:
            guard let unit = SignalDescription.of(check.signal)?.unit else { return nil }
            self = unit
        case .timeToExhaustion: self = .seconds
        case .burnRate, .deviation, .shift, .surprise: self = .count
        }
    }

    /// The words for the unit in messages.
    var words: String {
        switch self {
        case .ratio: "a ratio such as 5%"
        case .seconds: "a duration such as 5s"
        case .count: "a number"
        case .bytes: "a size such as 1GiB"
        case .flag: "a number between 0 and 1, such as 0.5: the signal is 0 or 1"
        }
    }

    /// Reads a level.
    func parse(_ text: String) throws(ValueProblem) -> Double {
        let context = ValueContext(folder: "", isPlain: true)
        switch self {
        case .ratio: return try ValueType<Double>.ratio.parse(text, context)
        case .seconds: return Self.seconds(try DurationText.parse(text))
        case .count: return try ValueType<Double>.number(in: 0...1e12).parse(text, context)
        case .bytes: return Double(try SizeText.parse(text))
        case .flag:
            guard let value = NumberText.value(text), value > 0, value < 1 else {
                throw ValueProblem("must be \(words)")
            }
            return value
        }
    }

    /// Writes a level as it would stand in a file.
    package func format(_ value: Double) -> String {
        switch self {
        case .ratio: RatioText.format(value)
        case .seconds: DurationText.format(.milliseconds(Int64((value * 1000).rounded())))
        case .bytes: SizeText.format(Int(value))
        case .count, .flag: NumberText.format(value)
        }
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// What a check can watch.
package struct SignalDescription: Hashable, Sendable {
    /// The signal.
    package var name: SignalName
    /// Its unit.
    package var unit: SignalUnit
    /// Whether its points carry a volume, so that `minimumVolume` has a meaning.
    package var hasVolume: Bool
    /// Whether a window sums or averages it, so that `window` has a meaning.
    package var hasWindow: Bool
    /// The sorts of subject that can have it.
    package var subjects: Set<Subject.Kind>
    /// What it is, for the reference.
    package var doc: String

    /// The signals that there are, in the reference's order.
    package static let all: [SignalDescription] = [
        SignalDescription(
            .errorRatio, .ratio, of: application, hasVolume: true, hasWindow: true,
            "requests answered with 5xx, of all; volume: requests"),
        SignalDescription(.requestRate, .count, of: application, "requests a second"),
        SignalDescription(
            .latencyMeanSeconds, .seconds, of: application, hasVolume: true, hasWindow: true,
            "mean time of a request; volume: requests"),
        SignalDescription(
            .latencyP50Seconds, .seconds, of: application, hasVolume: true, hasWindow: true,
            "time that half of the requests take at most, where there are buckets; volume: requests"),
        SignalDescription(
            .latencyP95Seconds, .seconds, of: application, hasVolume: true, hasWindow: true,
            "time that 95 % of the requests take at most, where there are buckets; volume: requests"),
        SignalDescription(
            .latencyP99Seconds, .seconds, of: application, hasVolume: true, hasWindow: true,
            "time that 99 % of the requests take at most, where there are buckets; volume: requests"),
        SignalDescription(.heapUsedRatio, .ratio, of: application, "heap in use, of the heap's maximum, fullest JVM"),
        SignalDescription(
            .heapLiveRatio, .ratio, of: application,
            "long-lived heap in use after the last collection, of its maximum, fullest JVM"),
        SignalDescription(.gcOverhead, .ratio, of: application, "share of time spent in collections, worst JVM"),
        SignalDescription(
            .workingSetRatio, .ratio, of: [.workload], "working set, of the memory limit, fullest container"),
        SignalDescription(
            .oomKills, .count, of: [.workload], hasWindow: true,
            "OOM kills, over all containers; summed over the window"),
        SignalDescription(
            .restarts, .count, of: [.workload], hasWindow: true,
            "container restarts, over all containers; summed over the window"),
        SignalDescription(
            .readyRatio, .ratio, of: [.workload], hasVolume: true, hasWindow: true,
            "ready pods, of those that should be; volume: pods that should be"),
        SignalDescription(
            .healthUp, .flag, of: application,
            "1 when the actuator says UP, 0 when DOWN or OUT_OF_SERVICE, worst instance"),
        SignalDescription(
            .poolPending, .count, of: application,
            "threads that wait for a connection of the application's pool, worst instance"),
        SignalDescription(
            .databaseUp, .flag, of: [.postgresql],
            "1 when the database answers, 0 when it refuses, hangs or is unavailable"),
        SignalDescription(
            .connectionRatio, .ratio, of: [.postgresql],
            "client connections, of `max_connections` less the reserved ones"),
        SignalDescription(
            .replicationLagSeconds, .seconds, of: [.postgresql],
            "time by which a standby lags, 0 when it lacks nothing; of a primary its worst standby"),
        SignalDescription(
            .replicationStalledSeconds, .seconds, of: [.postgresql],
            "time for which a standby that lacks something has replayed nothing, worst standby"),
        SignalDescription(
            .slotRetainedBytes, .bytes, of: [.postgresql], "WAL that a replication slot holds back, worst slot"),
        SignalDescription(
            .slotInactiveSeconds, .seconds, of: [.postgresql],
            "time for which a replication slot had no consumer, worst slot"),
        SignalDescription(
            .slotLost, .flag, of: [.postgresql], "1 when a replication slot has lost WAL that its consumer needs"),
        SignalDescription(.archiverFailing, .flag, of: [.postgresql], "1 when the archiver's last attempt failed"),
        SignalDescription(
            .wraparoundRatio, .ratio, of: [.postgresql],
            "age of the oldest transaction or multixact id, of that at which the server takes no more writes"),
        SignalDescription(
            .deadRowRatio, .ratio, of: [.postgresql], "dead rows, of all rows of a table beyond 1 GiB, worst table"),
        SignalDescription(
            .deadlocks, .count, of: [.postgresql], hasWindow: true,
            "deadlocks, over all databases; summed over the window"),
        SignalDescription(
            .rollbackRatio, .ratio, of: [.postgresql], hasVolume: true, hasWindow: true,
            "transactions rolled back, of all; volume: transactions"),
        SignalDescription(
            .checksumFailures, .count, of: [.postgresql], hasWindow: true,
            "pages whose checksum was wrong, over all databases; summed over the window"),
        SignalDescription(
            .checkpointRequestedRatio, .ratio, of: [.postgresql], hasVolume: true, hasWindow: true,
            "checkpoints that WAL asked for before their time, of all; volume: checkpoints"),
        SignalDescription(
            .cacheMissRatio, .ratio, of: [.postgresql], hasVolume: true, hasWindow: true,
            "blocks not found in shared buffers, of all; volume: blocks"),
        SignalDescription(
            .longestQuerySeconds, .seconds, of: [.postgresql], "time the longest active client query runs"),
        SignalDescription(
            .idleInTransactionSeconds, .seconds, of: [.postgresql],
            "time the longest idle-in-transaction session is idle"),
        SignalDescription(.lockWaiters, .count, of: [.postgresql], "sessions that wait for a lock"),
        SignalDescription(.longestLockWaitSeconds, .seconds, of: [.postgresql], "time the longest lock wait lasts"),
        SignalDescription(
            .probeUp, .flag, of: [.workload, .postgresql, .target],
            "1 when the target's last probe got an answer, worst of the subject's targets"),
        SignalDescription(
            .certificateRemainingSeconds, .seconds, of: [.workload, .postgresql, .target],
            "time until a certificate of the chain expires, soonest of the subject's targets"),
        SignalDescription(
            .logErrorRatio, .ratio, of: [.workload, .node], hasVolume: true, hasWindow: true,
            "log entries of level error, of all; volume: entries"),
        SignalDescription(
            .logErrors, .count, of: [.workload, .node], hasWindow: true,
            "log entries of level error; summed over the window"),
        SignalDescription(
            .logNewPatterns, .count, of: [.workload, .node], hasWindow: true,
            "kinds of error that a log did not have before, once there are ten lines of one; summed over the window"),
        SignalDescription(.nodeMemoryUsedRatio, .ratio, of: [.node], "memory of the node that is not available"),
        SignalDescription(
            .nodeOOMKills, .count, of: [.node], hasWindow: true,
            "OOM kills on the node, by the kernel's own count; summed over the window"),
        SignalDescription(
            .nodeReady, .flag, of: [.node], "1 when the cluster says that the node is ready, 0 when not or not known"),
        SignalDescription(
            .nodePressure, .flag, of: [.node],
            "1 when the kubelet says that memory, disk, process ids or network are short"),
        SignalDescription(.diskUsedRatio, .ratio, of: [.node], "room taken, as `df` counts, fullest file system"),
        SignalDescription(.inodeUsedRatio, .ratio, of: [.node], "inodes taken, fullest file system"),
    ]

    /// Applications: pods of a workload, or targets that an agent's own file lists.
    private static let application: Set<Subject.Kind> = [.workload, .target]

    /// Whether a window sums it: events, which leave the window again.
    var isSummed: Bool { hasWindow && !hasVolume }

    /// The description of a signal, nil for one that there is not.
    package static func of(_ name: SignalName) -> SignalDescription? { all.first { $0.name == name } }

    private init(
        _ name: SignalName, _ unit: SignalUnit, of subjects: Set<Subject.Kind>, hasVolume: Bool = false,
        hasWindow: Bool = false, _ doc: String
    ) {
        self.subjects = subjects
        self.name = name
        self.unit = unit
        self.hasVolume = hasVolume
        self.hasWindow = hasWindow
        self.doc = doc
    }

    /// The reference's table of signals, in Markdown.
    package static var markdown: String {
        let unitWords: [SignalUnit: String] = [
            .ratio: "ratio", .seconds: "duration", .count: "number", .bytes: "size", .flag: "0 or 1; a level is 0.5",
        ]
        var text = "## Signals\n\nWhat a check can watch, and how its levels are written.\n\n"
        text += "| signal | level | `window` | `minimumVolume` | meaning |\n|---|---|---|---|---|\n"
        for signal in all {
            let window = signal.hasWindow ? "yes" : "–"
            let volume = signal.hasVolume ? "yes" : "–"
            text += "| `\(signal.name)` | \(unitWords[signal.unit] ?? "") | \(window) | \(volume) | \(signal.doc) |\n"
        }
        return text
    }
}
