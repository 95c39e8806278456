import SampleLink
import SampleStore
import Synchronization
import Telemetry
import TocsinProto

/// Whether samples can be stored now, for status, metrics and the log.
final class StoreHealth: Sendable {
    /// Why samples cannot be stored.
    struct Fault: Sendable, Hashable {
        var since: Timestamp
        var reason: String
    }

    private let state = Mutex<Fault?>(nil)

    /// What is wrong; nil when nothing is.
    var fault: Fault? { state.withLock { $0 } }

    /// Notes a failure; true for the first one since it last worked.
    func failed(_ reason: String, at now: Timestamp) -> Bool {
        state.withLock { fault in
            let isFirst = fault == nil
            fault = Fault(since: fault?.since ?? now, reason: reason)
            return isFirst
        }
    }

    /// Notes a success; gives the fault that ends by it.
    func worked() -> Fault? {
        state.withLock { fault in
            defer { fault = nil }
            return fault
        }
    }
}

/// What the store writer remembers of frames that it judged and could not store.
///
/// They are not acknowledged, so that their agent keeps them. Its stream is left open for a moment, in which what is
/// new still comes, and is then ended: on the next one the agent begins with its newest frames, whatever could not be
/// stored. When the store works again all of them come once more, and are stored and not judged again.
struct StorageOutage {
    private struct Parked {
        var entries: [StoreWriter.Entry] = []
        var end: ContinuousClock.Instant
    }

    /// How long a stream stays open after the first frame that could not be stored.
    private static let patience = Duration.seconds(3)
    /// Sessions whose judged frames and broken streams are remembered; beyond that all of it is given up: some frames
    /// may be judged twice, and some be stored without what they build on.
    private static let sessionsMax = 20_000

    private var parked: [StoreWriter.Session: Parked] = [:]
    /// The latest stream of each session of which a frame was not stored.
    private var broken: [StoreWriter.Session: UInt64] = [:]
    private var judged: [StoreWriter.Session: SequenceRanges] = [:]

    /// Whether frames wait for the end of their stream.
    var hasParked: Bool { !parked.isEmpty }

    /// Whether an earlier frame of its stream was not stored: then no later one can be, for it may build on that.
    ///
    /// Also after the stream was told to end: what it sent until it did still comes.
    func isHopeless(_ entry: StoreWriter.Entry) -> Bool {
        entry.stream.map { broken[entry.session] == $0 } ?? false
    }

    /// Takes a frame that is not stored.
    mutating func park(_ entry: StoreWriter.Entry, at now: ContinuousClock.Instant) {
        parked[entry.session, default: Parked(end: now + Self.patience)].entries.append(entry)
        guard let stream = entry.stream else { return }
        if broken.count >= Self.sessionsMax, broken[entry.session] == nil { broken = [:] }
        broken[entry.session] = max(broken[entry.session] ?? 0, stream)
    }

    /// The frames whose streams are to be ended by now, or all of one session.
    mutating func release(at now: ContinuousClock.Instant) -> [StoreWriter.Entry] {
        let due = parked.filter { $0.value.end <= now }
        for session in due.keys { parked[session] = nil }
        return due.values.flatMap(\.entries)
    }

    /// The frames of a session, whose stream is gone.
    mutating func release(_ session: StoreWriter.Session) -> [StoreWriter.Entry] {
        parked.removeValue(forKey: session)?.entries ?? []
    }

    /// Whether a frame is still to be judged; from now on it is not, if it could not be stored.
    mutating func judge(_ entry: StoreWriter.Entry, isStored: Bool) -> Bool {
        let sequence = entry.frame.sequence
        if judged[entry.session]?.range(containing: sequence) != nil { return false }
        if !isStored {
            if judged.count >= Self.sessionsMax, judged[entry.session] == nil { judged = [:] }
            judged[entry.session, default: SequenceRanges()].insert(sequence...sequence)
        }
        return true
    }

    /// Forgets frames that are durable: they don't come again.
    mutating func durable(_ session: StoreWriter.Session, through sequence: UInt64) {
        guard judged[session] != nil, sequence < .max else { return }
        judged[session]?.remove(before: sequence + 1)
        if judged[session]?.ranges.isEmpty == true { judged[session] = nil }
    }
}
