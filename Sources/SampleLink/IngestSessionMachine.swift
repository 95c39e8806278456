/// The coordinator's end of the link for one (cluster, node, session): what to do with each frame that arrives.
///
/// At most one stream may feed a machine: when an agent connects again, the owner ends the old stream and waits for its
/// pending writes before it makes the machine of the new one from the store's durable sequence. Otherwise a frame of
/// the old stream could become durable after the `Welcome`, and be stored twice.
package struct IngestSessionMachine: Sendable {
    /// A `Hello` that contradicts itself: close the stream, a retry with the same numbers doesn't help.
    package struct HelloError: Error, Sendable, Hashable, CustomStringConvertible {
        /// The `first_sequence` of the `Hello`.
        package var first: UInt64
        /// The `last_sequence` of the `Hello`.
        package var last: UInt64

        package var description: String {
            "hello names first sequence \(first) and last sequence \(last); first must be 1 to last + 1"
        }
    }

    /// What to do with a frame.
    package enum Decision: Sendable, Hashable {
        /// The next frame: store it, and report it with `durable(through:)` when it is.
        case store
        /// Stored or being stored already: drop it, and acknowledge `durable` again.
        case duplicate(durable: UInt64)
        /// Frames before it are missing: a protocol error, close the stream.
        case gap(expected: UInt64)
        /// More frames under way than the window allows: a protocol error, close the stream.
        case beyondWindow(limit: UInt64)
    }

    /// What to acknowledge.
    package struct Acknowledgement: Sendable, Hashable {
        /// All frames up to this one are durable.
        package var durable: UInt64
        /// All frames of a fresh lane that runs ahead are durable up to this one; 0 when none runs ahead.
        package var fresh: UInt64

        /// Makes an acknowledgement.
        package init(durable: UInt64, fresh: UInt64) {
            self.durable = durable
            self.fresh = fresh
        }
    }

    /// Last frame up to which all are durable; the `durable_sequence` of the `Welcome`, and of each `Ack`.
    package private(set) var durable: UInt64
    /// Frames that the agent lost before this stream; record them, then call `durable(through:)` with the upper bound.
    package let openingLoss: ClosedRange<UInt64>?
    /// Whether the agent's spool ends before what is durable: an old copy, and the agent will ask for a new session.
    package let agentIsBehind: Bool

    private var accepted: UInt64
    private let window: UInt64
    private let usesLanes: Bool
    // Durable although something before them is not, from earlier streams.
    private let held: SequenceRanges
    // The fresh lane, while it runs ahead.
    private var ahead: Ahead?

    private struct Ahead {
        let first: UInt64
        var accepted: UInt64
        var durable: UInt64
    }

    /// Makes the machine of a new stream, from the store's durable sequence and the numbers of `Hello`.
    ///
    /// - Parameters:
    ///   - durable: last frame of the session up to which all are durable, 0 when none is.
    ///   - held: durable frames after that one; none of them follows it directly.
    ///   - first: `Hello.first_sequence`, from 1 to `last + 1`.
    ///   - last: `Hello.last_sequence`.
    ///   - window: `Welcome.ack_window`, at least 1.
    ///   - usesLanes: whether both sides know lanes.
    package init(
        durable: UInt64, held: SequenceRanges = SequenceRanges(), first: UInt64, last: UInt64, window: UInt32,
        usesLanes: Bool = false
    ) throws(HelloError) {
        precondition(window >= 1, "a window of 0 lets no frame through")
        guard first >= 1, first - 1 <= last else { throw HelloError(first: first, last: last) }
        self.durable = durable
        self.held = held
        self.window = UInt64(window)
        self.usesLanes = usesLanes
        agentIsBehind = last < max(durable, held.last ?? 0)
        let isLoss = first - 1 > durable
        openingLoss = isLoss ? durable + 1...first - 1 : nil
        accepted = isLoss ? first - 1 : durable
    }

    /// Frames that are accepted and not durable yet.
    package var pending: UInt64 {
        let base = max(durable, openingLoss?.upperBound ?? 0)
        let waiting = accepted > base ? accepted - base - held.count(in: base + 1...accepted) : 0
        return waiting + (ahead.map { $0.accepted - $0.durable } ?? 0)
    }

    /// What an acknowledgement says now.
    package var acknowledgement: Acknowledgement {
        Acknowledgement(durable: durable, fresh: ahead?.durable ?? 0)
    }

    /// Decides about a frame.
    ///
    /// After `store` the frame counts as accepted; if storing fails, end the stream.
    package mutating func receive(_ sequence: UInt64, isBackfill: Bool = false) -> Decision {
        if let ahead, !isBackfill {
            guard sequence > ahead.accepted else { return .duplicate(durable: durable) }
            guard sequence == ahead.accepted + 1 else { return .gap(expected: ahead.accepted + 1) }
            if let limit = limit(after: ahead.durable), sequence > limit { return .beyondWindow(limit: limit) }
            self.ahead?.accepted = sequence
            return .store
        }
        guard sequence > accepted else { return .duplicate(durable: durable) }
        let expected = held.gap(from: accepted + 1)
        if sequence < expected || held.range(containing: sequence) != nil { return .duplicate(durable: durable) }
        if sequence > expected, usesLanes, !isBackfill, ahead == nil, sequence > held.last ?? 0 {
            ahead = Ahead(first: sequence, accepted: sequence, durable: sequence - 1)
            return .store
        }
        guard sequence == expected, ahead.map({ sequence < $0.first }) ?? true else { return .gap(expected: expected) }
        if let limit = limit(after: max(durable, openingLoss?.upperBound ?? 0)), sequence > limit {
            return .beyondWindow(limit: limit)
        }
        accepted = sequence
        return .store
    }

    /// The last frame inside the window; nil when that is beyond all numbers.
    private func limit(after durable: UInt64) -> UInt64? {
        let (limit, overflow) = durable.addingReportingOverflow(window)
        return overflow ? nil : limit
    }

    /// All accepted frames of this one's lane (and the opening loss) up to it are durable.
    ///
    /// Returns what to acknowledge, nil when nothing is new. Precondition: not after the last accepted frame.
    package mutating func durable(through sequence: UInt64) -> Acknowledgement? {
        let before = acknowledgement
        if let ahead, sequence >= ahead.first {
            precondition(
                sequence <= ahead.accepted, "durable \(sequence) was never accepted, last is \(ahead.accepted)")
            self.ahead?.durable = max(ahead.durable, sequence)
        } else {
            precondition(sequence <= accepted, "durable \(sequence) was never accepted, last is \(accepted)")
            durable = max(durable, sequence)
            if durable < .max { durable = held.gap(from: durable + 1) - 1 }
            accepted = max(accepted, durable)
            if let ahead, durable >= ahead.first - 1 {
                (durable, accepted) = (ahead.durable, ahead.accepted)
                self.ahead = nil
            }
        }
        return acknowledgement == before ? nil : acknowledgement
    }
}
