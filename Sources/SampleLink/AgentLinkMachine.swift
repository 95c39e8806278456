/// The agent's end of the link: which frames of the spool to send next, what to acknowledge, what to give up as lost.
///
/// States: disconnected → greeting (`hello`) → streaming (`connected`) → disconnected; from greeting also to stale,
/// which ends with a new session and a new machine. The machine does nothing itself: its owner performs the actions.
///
/// It resumes after the coordinator's last durable frame, skips nothing that the spool holds, and keeps at most a
/// window of frames under way. Frames that the spool lost are declared through `Hello.first_sequence`, the one place
/// where the wire can say so; a loss in the middle therefore ends the stream once all before it is durable.
package struct AgentLinkMachine: Sendable {
    /// Why the agent should close the stream and connect again at once.
    package enum ReconnectReason: Sendable, Hashable {
        /// The next frames are lost, which only a new `Hello` can say.
        case declareLoss(ClosedRange<UInt64>)
        /// The coordinator acknowledged a frame that was not sent: it can't be believed.
        case acknowledgedUnsent(UInt64)
    }

    /// How frames came to be lost.
    package enum LossCause: Sendable, Hashable {
        /// The spool dropped or lost them before they were durable at the coordinator.
        case spool
        /// They were durable, the spool let go of them, and the coordinator has them no more.
        case coordinator
    }

    /// What the owner has to do.
    package enum Action: Sendable, Hashable {
        /// All frames up to this one are durable: the spool may delete them.
        case acknowledgeSpool(through: UInt64)
        /// These frames will never arrive; the `Hello` of this stream said so. Repeats if the coordinator forgets.
        case declareLoss(ClosedRange<UInt64>, LossCause)
        /// Close this stream and connect again.
        case reconnect(ReconnectReason)
        /// The coordinator holds frames of this session that this spool never sent: the spool is an old copy, and new
        /// frames would be taken for duplicates. Begin a new session with the records after `keepAfter`, and make a new
        /// machine. Only a copy that was taken before its process had sent anything delivers some records twice by
        /// this.
        case beginNewSession(keepAfter: UInt64, durable: UInt64)
    }

    private enum State: Hashable {
        case disconnected
        case greeting(first: UInt64)
        case streaming(next: UInt64, window: UInt64)
        case stale
    }

    /// Last frame in the spool, 0 when there never was one.
    package private(set) var last: UInt64
    /// Last frame that is known to be durable at the coordinator.
    package private(set) var acknowledged: UInt64

    // All up to here is durable, or lost and declared in the last accepted Hello.
    private var resolved: UInt64
    private var lost = SequenceRanges()
    private var state = State.disconnected
    // Nothing above it was ever sent from this spool or declared lost.
    private var sentThrough: UInt64

    /// Makes the machine of a spool that was just opened.
    ///
    /// - Parameters:
    ///   - last: the last sequence that was given out, 0 for a new spool.
    ///   - acknowledged: the spool's acknowledgement mark, at most `last`.
    ///   - sentThrough: the last sequence that an earlier process can have sent or declared lost, at most `last`.
    package init(last: UInt64, acknowledged: UInt64, sentThrough: UInt64) {
        precondition(
            acknowledged <= last && sentThrough <= last,
            "acknowledged \(acknowledged) or sent \(sentThrough) is after the last sequence \(last)")
        self.last = last
        self.acknowledged = acknowledged
        resolved = acknowledged
        self.sentThrough = max(sentThrough, acknowledged)
    }

    /// Whether frames may be sent.
    package var isStreaming: Bool {
        if case .streaming = state { true } else { false }
    }

    /// Frames sent on this stream and not acknowledged yet.
    package var inFlight: UInt64 {
        guard case .streaming(let next, _) = state, next > resolved else { return 0 }
        return next - 1 - resolved
    }

    /// Frames in the spool that are not durable, lost ones left out.
    package var backlog: UInt64 {
        let gone = lost.ranges.reduce(into: UInt64(0)) { sum, range in
            if range.upperBound > resolved { sum += range.upperBound - max(range.lowerBound, resolved + 1) + 1 }
        }
        return last - resolved - gone
    }

    /// What the `Hello` of a new stream says: `first_sequence` and `last_sequence`.
    ///
    /// Ends the stream before, if there is one.
    ///
    /// - Parameter heldFrom: the first record that the spool still holds; `last + 1` when it holds none.
    package mutating func hello(heldFrom: UInt64) -> (first: UInt64, last: UInt64) {
        precondition(heldFrom >= 1 && heldFrom <= last + 1, "held from \(heldFrom) of \(last)")
        precondition(state != .stale, "a stale spool has no more to say")
        lost.remove(before: heldFrom)
        let first = firstToDeclare(heldFrom: heldFrom)
        state = .greeting(first: first)
        // The coordinator counts declared losses as durable.
        sentThrough = max(sentThrough, first - 1)
        return (first, last)
    }

    /// The coordinator answered `Hello` with `Welcome`.
    ///
    /// A window of 0 would never let anything through; it is taken for 1.
    package mutating func connected(durable: UInt64, window: UInt32) -> [Action] {
        guard case .greeting(let first) = state else {
            preconditionFailure("welcome without hello, in \(state)")
        }
        guard durable <= sentThrough else {
            // What was sent and is not above `durable` is durable; what was never sent is what remains to be delivered.
            state = .stale
            return [.beginNewSession(keepAfter: sentThrough, durable: durable)]
        }
        var actions: [Action] = []
        if durable > acknowledged {
            actions.append(.acknowledgeSpool(through: durable))
        }
        if durable + 1 < first {
            // Below the old mark the coordinator had them once, above it the spool lost them.
            if durable < acknowledged {
                actions.append(.declareLoss(durable + 1...min(acknowledged, first - 1), .coordinator))
            }
            let fromSpool = max(durable, acknowledged) + 1
            if fromSpool < first {
                actions.append(.declareLoss(fromSpool...first - 1, .spool))
            }
        }
        acknowledged = durable
        resolved = max(durable, first - 1)
        state = .streaming(next: resolved + 1, window: UInt64(max(window, 1)))
        return actions + settle()
    }

    /// The stream ended, for whatever reason; what was under way is sent again after the next `Welcome`.
    package mutating func disconnected() {
        if state != .stale { state = .disconnected }
    }

    /// Records up to this sequence are in the spool.
    ///
    /// Precondition: not before `last`.
    package mutating func appended(through sequence: UInt64) {
        precondition(sequence >= last, "appended \(sequence) after \(last)")
        last = sequence
    }

    /// The spool lost these records: dropped for its budget, or damaged.
    package mutating func lost(_ range: ClosedRange<UInt64>) -> [Action] {
        guard range.lowerBound <= last else { return [] }
        lost.insert(max(range.lowerBound, 1)...min(range.upperBound, last))
        return settle()
    }

    /// The coordinator acknowledged all frames up to this one.
    package mutating func acknowledged(through sequence: UInt64) -> [Action] {
        guard case .streaming(let next, _) = state else { return [] }
        guard sequence < next else {
            state = .disconnected
            return [.reconnect(.acknowledgedUnsent(sequence))]
        }
        guard sequence > acknowledged else { return [] }
        acknowledged = sequence
        resolved = max(resolved, sequence)
        return [.acknowledgeSpool(through: sequence)] + settle()
    }

    /// The frames to send now, in order, inside the window; nil when there are none or no stream.
    package func sendable() -> ClosedRange<UInt64>? {
        guard case .streaming(let next, let window) = state, lost.range(containing: next) == nil else { return nil }
        let (allowed, overflow) = resolved.addingReportingOverflow(window)
        var end = min(last, overflow ? .max : allowed)
        if let gap = lost.range(after: next) { end = min(end, gap.lowerBound - 1) }
        return next <= end ? next...end : nil
    }

    /// Frames up to this one were handed to the stream.
    ///
    /// Precondition: it is in `sendable()`.
    package mutating func sent(through sequence: UInt64) {
        guard case .streaming(_, let window) = state, let range = sendable(), range.contains(sequence) else {
            preconditionFailure("sent \(sequence), which may not be sent in \(state)")
        }
        sentThrough = max(sentThrough, sequence)
        state = .streaming(next: sequence + 1, window: window)
    }

    /// Ends the stream when the next frame is lost and all before it is durable: a new `Hello` then declares the loss.
    private mutating func settle() -> [Action] {
        guard case .streaming(let next, _) = state, resolved + 1 == next,
            let gap = lost.range(containing: next)
        else { return [] }
        state = .disconnected
        return [.reconnect(.declareLoss(next...gap.upperBound))]
    }

    /// The lowest frame from which on the spool holds all up to the next one to send, and that one itself when it is
    /// lost.
    private func firstToDeclare(heldFrom: UInt64) -> UInt64 {
        let next = max(resolved + 1, heldFrom)
        if let gap = lost.range(containing: next) { return gap.upperBound + 1 }
        // Frames before `next` are held although they are durable: a coordinator that forgot them can have them again.
        return max(heldFrom, lost.range(before: next).map { $0.upperBound + 1 } ?? heldFrom)
    }
}
