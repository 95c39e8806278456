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

    /// Last frame that is durable; the `durable_sequence` of the `Welcome`, and of each `Ack`.
    package private(set) var durable: UInt64
    /// Frames that the agent lost before this stream; record them, then call `durable(through:)` with the upper bound.
    package let openingLoss: ClosedRange<UInt64>?
    /// Whether the agent's spool ends before what is durable: an old copy, and the agent will ask for a new session.
    package let agentIsBehind: Bool

    private var accepted: UInt64
    private let window: UInt64

    /// Makes the machine of a new stream, from the store's durable sequence and the numbers of `Hello`.
    ///
    /// - Parameters:
    ///   - durable: last durable frame of the session, 0 when none is.
    ///   - first: `Hello.first_sequence`, from 1 to `last + 1`.
    ///   - last: `Hello.last_sequence`.
    ///   - window: `Welcome.ack_window`, at least 1.
    package init(durable: UInt64, first: UInt64, last: UInt64, window: UInt32) throws(HelloError) {
        precondition(window >= 1, "a window of 0 lets no frame through")
        guard first >= 1, first - 1 <= last else { throw HelloError(first: first, last: last) }
        self.durable = durable
        self.window = UInt64(window)
        agentIsBehind = last < durable
        let isLoss = first - 1 > durable
        openingLoss = isLoss ? durable + 1...first - 1 : nil
        accepted = isLoss ? first - 1 : durable
    }

    /// Frames that are accepted and not durable yet.
    package var pending: UInt64 {
        accepted - max(durable, openingLoss?.upperBound ?? 0)
    }

    /// Decides about a frame.
    ///
    /// After `store` the frame counts as accepted; if storing fails, end the stream.
    package mutating func receive(_ sequence: UInt64) -> Decision {
        guard sequence > accepted else { return .duplicate(durable: durable) }
        guard sequence == accepted + 1 else { return .gap(expected: accepted + 1) }
        let (limit, overflow) = max(durable, openingLoss?.upperBound ?? 0).addingReportingOverflow(window)
        guard overflow || sequence <= limit else { return .beyondWindow(limit: limit) }
        accepted = sequence
        return .store
    }

    /// All accepted frames (and the opening loss) up to this one are durable.
    ///
    /// Returns the sequence to acknowledge, nil when nothing is new. Precondition: not after the last accepted frame.
    package mutating func durable(through sequence: UInt64) -> UInt64? {
        precondition(sequence <= accepted, "durable \(sequence) was never accepted, last is \(accepted)")
        guard sequence > durable else { return nil }
        durable = sequence
        return sequence
    }
}
