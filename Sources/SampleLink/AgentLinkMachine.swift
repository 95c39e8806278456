/// The agent's end of the link: which frames of the spool to send next, what to acknowledge, what to give up as lost.
///
/// States: disconnected → greeting (`hello`) → streaming (`connected`) → disconnected; from greeting also to stale,
/// which ends with a new session and a new machine. The machine does nothing itself: its owner performs the actions.
///
/// It resumes after the coordinator's last durable frame, skips nothing that the spool holds, and keeps at most a
/// window of frames under way. Frames that the spool lost are declared through `Hello.first_sequence`, the one place
/// where the wire can say so; a loss in the middle therefore ends the stream once all before it is durable.
///
/// With lanes, a backlog longer than a window doesn't hold up what is new: the fresh lane runs ahead of it with the
/// last window of frames and all that come after, while the backfill lane works through what was left out. When it
/// gets there, the fresh lane goes on alone.
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
        case streaming(Stream)
        case stale
    }

    private struct Stream: Hashable {
        let window: UInt64
        /// The next frame in the order of sequences: of the one lane there is, or of the backfill lane.
        var next: UInt64
        /// The fresh lane, while it runs ahead.
        var ahead: Ahead?
    }

    private struct Ahead: Hashable {
        let first: UInt64
        var next: UInt64
        var durable: UInt64
    }

    /// Last frame in the spool, 0 when there never was one.
    package private(set) var last: UInt64
    /// Last frame that is known to be durable at the coordinator.
    package private(set) var acknowledged: UInt64

    // All up to here is durable, or lost and declared in the last accepted Hello.
    private var resolved: UInt64
    private var lost = SequenceRanges()
    // Durable although something before them is not.
    private var delivered = SequenceRanges()
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
        guard case .streaming(let stream) = state else { return 0 }
        let base = stream.next > resolved + 1 ? stream.next - 1 - resolved : 0
        let gone = base > 0 ? delivered.count(in: resolved + 1...stream.next - 1) : 0
        return base - gone + (stream.ahead.map { $0.next - 1 - $0.durable } ?? 0)
    }

    /// Frames in the spool that are not durable, lost ones left out.
    package var backlog: UInt64 {
        guard last > resolved else { return 0 }
        var gone = lost
        for range in delivered.ranges { gone.insert(range) }
        return last - resolved - gone.count(in: resolved + 1...last)
    }

    /// The sequences that `backlog` counts, ascending.
    package var undelivered: [ClosedRange<UInt64>] {
        var gone = lost
        for range in delivered.ranges { gone.insert(range) }
        var ranges: [ClosedRange<UInt64>] = []
        var next = gone.gap(from: resolved + 1)
        while next <= last {
            let end = min(last, (gone.range(after: next)?.lowerBound ?? last + 1) - 1)
            ranges.append(next...end)
            next = gone.gap(from: end + 1)
        }
        return ranges
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
    ///
    /// - Parameters:
    ///   - ahead: what is durable after `durable` and needs not be sent.
    ///   - usesLanes: whether the coordinator takes frames on two lanes.
    package mutating func connected(
        durable: UInt64, window: UInt32, ahead: [ClosedRange<UInt64>] = [], usesLanes: Bool = false
    ) -> [Action] {
        guard case .greeting(let first) = state else {
            preconditionFailure("welcome without hello, in \(state)")
        }
        delivered = SequenceRanges(ahead)
        guard max(durable, delivered.last ?? 0) <= sentThrough else {
            // What was sent and is not above `durable` is durable; what was never sent is what remains to be delivered.
            // When there are holes, some of what was sent may be in them: better twice than never.
            state = .stale
            let keepAfter = ahead.isEmpty ? sentThrough : min(durable, sentThrough)
            return [.beginNewSession(keepAfter: keepAfter, durable: max(durable, delivered.last ?? 0))]
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
        resolved = delivered.gap(from: max(durable, first - 1) + 1) - 1
        delivered.remove(before: resolved + 1)
        state = .streaming(stream(window: UInt64(max(window, 1)), usesLanes: usesLanes))
        return actions + settle()
    }

    /// Decides whether the fresh lane runs ahead.
    private func stream(window: UInt64, usesLanes: Bool) -> Stream {
        var stream = Stream(window: window, next: resolved + 1)
        guard usesLanes else { return stream }
        // It leaves nothing out, so it begins after all that is durable already or lost.
        var first = max(resolved, delivered.last ?? 0, lost.last ?? 0) + 1
        if last - resolved > window { first = max(first, last + 1 - window) }
        if first > resolved + 1 { stream.ahead = Ahead(first: first, next: first, durable: first - 1) }
        return stream
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

    /// The coordinator acknowledged all frames up to this one, and those of a fresh lane that runs ahead up to `fresh`.
    package mutating func acknowledged(through sequence: UInt64, fresh: UInt64 = 0) -> [Action] {
        guard case .streaming(var stream) = state else { return [] }
        let end = next(of: stream)
        let isWhole = stream.ahead.map { end >= $0.first } ?? false
        let limit = isWhole ? stream.ahead?.next ?? end : end
        guard sequence < limit, fresh < stream.ahead?.next ?? .max else {
            state = .disconnected
            return [.reconnect(.acknowledgedUnsent(sequence < limit ? fresh : sequence))]
        }
        if let ahead = stream.ahead {
            stream.ahead?.durable = max(ahead.durable, fresh)
            if fresh >= ahead.first { delivered.insert(ahead.first...fresh) }
        }
        let isNews = sequence > acknowledged
        acknowledged = max(acknowledged, sequence)
        resolved = max(resolved, sequence)
        if let ahead = stream.ahead, resolved + 1 >= ahead.first {
            stream.next = ahead.next
            stream.ahead = nil
        }
        delivered.remove(before: resolved + 1)
        state = .streaming(stream)
        return (isNews ? [.acknowledgeSpool(through: sequence)] : []) + settle()
    }

    /// The frames to send now on the fresh lane, in order, inside the window; nil when there are none or no stream.
    package func sendable() -> ClosedRange<UInt64>? {
        guard case .streaming(let stream) = state else { return nil }
        return stream.ahead.map { range(from: $0.next, window: stream.window, after: $0.durable, to: last) }
            ?? range(from: stream.next, window: stream.window, after: resolved, to: last)
    }

    /// The frames to send now on the backfill lane, when there is nothing fresh; nil when there are none.
    package func backfillSendable() -> ClosedRange<UInt64>? {
        guard case .streaming(let stream) = state, let ahead = stream.ahead else { return nil }
        let next = next(of: stream)
        guard next < ahead.first,
            let range = range(from: next, window: stream.window, after: resolved, to: ahead.first - 1)
        else { return nil }
        guard let durable = delivered.range(after: next), durable.lowerBound <= range.upperBound else { return range }
        return next...durable.lowerBound - 1
    }

    private func range(
        from next: UInt64, window: UInt64, after durable: UInt64, to end: UInt64
    ) -> ClosedRange<UInt64>? {
        guard lost.range(containing: next) == nil else { return nil }
        let (allowed, overflow) = durable.addingReportingOverflow(window)
        var end = min(end, overflow ? .max : allowed)
        if let gap = lost.range(after: next) { end = min(end, gap.lowerBound - 1) }
        return next <= end ? next...end : nil
    }

    /// The next frame of a stream's order of sequences that is not durable.
    private func next(of stream: Stream) -> UInt64 {
        stream.ahead == nil ? stream.next : delivered.gap(from: max(stream.next, resolved + 1))
    }

    /// Frames up to this one were handed to the stream, on the fresh lane.
    ///
    /// Precondition: it is in `sendable()`.
    package mutating func sent(through sequence: UInt64) {
        guard case .streaming(var stream) = state, let range = sendable(), range.contains(sequence) else {
            preconditionFailure("sent \(sequence), which may not be sent in \(state)")
        }
        sentThrough = max(sentThrough, sequence)
        if stream.ahead != nil { stream.ahead?.next = sequence + 1 } else { stream.next = sequence + 1 }
        state = .streaming(stream)
    }

    /// Frames up to this one were handed to the stream, on the backfill lane.
    ///
    /// Precondition: it is in `backfillSendable()`.
    package mutating func backfilled(through sequence: UInt64) {
        guard case .streaming(var stream) = state, let range = backfillSendable(), range.contains(sequence) else {
            preconditionFailure("backfilled \(sequence), which may not be sent in \(state)")
        }
        sentThrough = max(sentThrough, sequence)
        stream.next = sequence + 1
        state = .streaming(stream)
    }

    /// Ends the stream when the next frame of a lane is lost and all before it is durable: a new `Hello` then declares
    /// the loss, or leaves it to the backfill lane.
    private mutating func settle() -> [Action] {
        guard case .streaming(let stream) = state else { return [] }
        var gap: ClosedRange<UInt64>?
        var at = next(of: stream)
        if resolved + 1 == at { gap = lost.range(containing: at) }
        if gap == nil, let ahead = stream.ahead, ahead.durable + 1 == ahead.next {
            at = ahead.next
            gap = lost.range(containing: at)
        }
        guard let gap else { return [] }
        state = .disconnected
        return [.reconnect(.declareLoss(at...gap.upperBound))]
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
