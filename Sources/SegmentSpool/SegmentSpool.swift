/// The agent's disk: records with consecutive sequences in append-only segment files, held until they are acknowledged.
///
/// Not `Sendable` and not locked: its user confines it to one actor. Calls do file I/O and may block for a disk's sync.
///
/// Files, in the directory given to `open`: `LOCK` keeps a second process out; `data/SPOOL` names the session;
/// `data/STATE` holds marks and counters; `data/NNNNNNNNNNNNNNNNNNNN.seg` are the segments (see `SegmentFile`,
/// `RecordHead`). `data.quarantined` is what a start could not use (the last such only, at most one budget's size);
/// `data.next` and `data.old` exist only while a session is replaced.
package final class SegmentSpool {
    struct Segment {
        var first: UInt64
        var bytes: Int
    }

    /// Where the next sequential read goes on.
    struct Cursor {
        var segment: SegmentFile
        var sequence: UInt64
        var offset: Int
    }

    /// The sizes that the spool holds.
    package let limits: SpoolLimits
    /// The session that the sequences belong to.
    package let session: SpoolSession
    /// What opening found.
    package let recovery: SpoolRecovery

    let root: String
    let folder: String
    let lock: SpoolFile
    var state: SpoolState
    var stateFile: SpoolStateFile
    // Never empty; the last one is `active`, where records are appended.
    var segments: [Segment]
    var active: SegmentFile
    var activeIsBroken = false
    /// The next record does not follow on the last one of the active segment.
    var mustBeginSegment = false
    var unsyncedAppends = 0
    var cursor: Cursor?
    /// What `takeLosses()` will give.
    package internal(set) var pendingLosses: [SpoolLoss] = []
    var isClosed = false

    init(_ contents: SpoolContents, folder: String, root: String, lock: SpoolFile, limits: SpoolLimits) {
        self.root = root
        self.folder = folder
        self.lock = lock
        self.limits = limits
        session = contents.session
        recovery = contents.recovery
        state = contents.state
        stateFile = contents.stateFile
        segments = contents.segments
        active = contents.active
    }

    /// Last sequence given out, 0 when none was.
    package var lastSequence: UInt64 { state.next - 1 }

    /// First sequence whose segment is still here; `lastSequence + 1` when no record is.
    package var firstSequence: UInt64 { segments.first?.first ?? state.next }

    /// All records up to this one are acknowledged.
    package var acknowledged: UInt64 { state.acknowledged }

    /// The last record that can have been sent, by this process or one before it; what `AgentLinkMachine` starts from.
    ///
    /// Records that were appended by a process that never read any are certainly unsent.
    package var sentThrough: UInt64 { state.hasSent ? lastSequence : min(state.sentThrough, lastSequence) }

    /// Bytes of all segments.
    package var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Losses since the directory was made.
    package var counters: SpoolCounters { state.counters }

    /// Appends records, all or none, and forces them to disk as `limits.syncEvery` says.
    ///
    /// Returns their sequences.
    ///
    /// When the budget is spent, the oldest segments go first; ask `takeLosses()`. Throws `full` when the disk is, with
    /// the spool unchanged: keep the records in memory and try again later. Precondition: `entries` is not empty.
    package func append(_ entries: [SpoolEntry]) throws(SpoolError) -> ClosedRange<UInt64> {
        precondition(!entries.isEmpty, "nothing to append")
        try checkOpen()
        let written = try serialized(entries)
        try makeRoom(for: written.count)
        if needsNewSegment(for: written.count) { try beginSegment() }
        let end = activeBytes
        do {
            try active.file.write(written, at: end)
            if unsyncedAppends + 1 >= limits.syncEvery {
                try active.file.sync()
                unsyncedAppends = 0
            } else {
                unsyncedAppends += 1
            }
        } catch {
            undoWrite(to: end)
            throw error
        }
        activeBytes = end + written.count
        let first = state.next
        state.next += UInt64(entries.count)
        return first...state.next - 1
    }

    /// Appends one record; see the other `append`.
    package func append(
        kind: SpoolEntry.Kind, sampleCount: UInt32, minMillis: Int64, maxMillis: Int64, payload: [UInt8]
    ) throws(SpoolError) -> UInt64 {
        let entry = SpoolEntry(
            kind: kind, sampleCount: sampleCount, minMillis: minMillis, maxMillis: maxMillis, payload: payload)
        return try append([entry]).lowerBound
    }

    /// All records up to `sequence` are durable at the coordinator; segments that hold nothing else are deleted.
    ///
    /// The mark is kept across restarts with the next deletion or `close()`: to forget it costs a repeated record,
    /// which the coordinator drops. Sequences after the last one are taken for the last one.
    package func acknowledge(through sequence: UInt64) throws(SpoolError) {
        try checkOpen()
        let sequence = min(sequence, lastSequence)
        guard sequence > state.acknowledged else { return }
        state.acknowledged = sequence
        var done: [Segment] = []
        while segments.count > 1, segments[1].first <= sequence + 1 { done.append(segments.removeFirst()) }
        guard !done.isEmpty else { return }
        try delete(done)
    }

    /// The losses since the last call, for the link and for the log; counted already.
    package func takeLosses() -> [SpoolLoss] {
        defer { pendingLosses = [] }
        return pendingLosses
    }

    /// Forces what was appended to disk.
    package func sync() throws(SpoolError) {
        try checkOpen()
        guard unsyncedAppends > 0 else { return }
        try active.file.sync()
        unsyncedAppends = 0
    }

    /// Forces records and marks to disk.
    ///
    /// Calls after this throw `closed`.
    package func close() throws(SpoolError) {
        guard !isClosed else { return }
        try sync()
        state.isOpen = false
        try saveState()
        isClosed = true
    }

    func checkOpen() throws(SpoolError) {
        guard !isClosed else { throw SpoolError(.closed, "the spool was closed") }
    }

    func saveState() throws(SpoolError) {
        state.floor = firstSequence
        state.generation = stateFile.state.generation
        try stateFile.save(state)
        state.generation = stateFile.state.generation
    }

    var activeBytes: Int {
        get { segments[segments.count - 1].bytes }
        set { segments[segments.count - 1].bytes = newValue }
    }

    private func serialized(_ entries: [SpoolEntry]) throws(SpoolError) -> [UInt8] {
        let size = entries.reduce(0) { $0 + RecordHead.size + $1.payload.count }
        guard entries.allSatisfy({ $0.payload.count <= limits.recordBytes }),
            size <= limits.spoolBytes / 4 + RecordHead.size
        else {
            throw SpoolError(.tooLarge, "\(entries.count) records of \(size) bytes together are above the limits")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for (index, entry) in entries.enumerated() {
            RecordHead(entry, sequence: state.next + UInt64(index)).write(to: &bytes)
            bytes += entry.payload
        }
        return bytes
    }

    private func needsNewSegment(for size: Int) -> Bool {
        activeIsBroken || mustBeginSegment || (hasActiveRecords && activeBytes + size > limits.segmentBytes)
    }

    private var hasActiveRecords: Bool { activeBytes > SegmentFile.headerBytes }

    private func beginSegment() throws(SpoolError) {
        if !activeIsBroken { try sync() }
        let fresh = try SegmentFile.create(in: folder, first: state.next, session: session)
        // A broken segment without records has the same name, and is overwritten.
        if segments[segments.count - 1].first == state.next { segments.removeLast() }
        segments.append(Segment(first: state.next, bytes: SegmentFile.headerBytes))
        active = fresh
        activeIsBroken = false
        mustBeginSegment = false
        unsyncedAppends = 0
        cursor = nil
    }

    /// Makes the last segment end where it did; when even that fails, nothing more is appended to it.
    ///
    /// What may stay behind has sequences that the next segment repeats, and readers stop at the next segment's first.
    private func undoWrite(to end: Int) {
        do {
            try active.file.truncate(to: end)
        } catch {
            activeIsBroken = true
        }
    }

    private func makeRoom(for size: Int) throws(SpoolError) {
        while bytes + size > limits.spoolBytes {
            if segments.count == 1 {
                guard hasActiveRecords else { return }
                try beginSegment()
            }
            try dropOldest()
        }
    }
}
