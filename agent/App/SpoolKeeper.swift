import BlockingWork
import DequeModule
import Logging
import SampleLink
import SegmentSpool
import Telemetry

/// The spool behind an actor with a thread of its own: its file writes may wait for the disk, nobody else does.
///
/// While the disk takes no writes, records wait in memory with the sequences that they will have, and are sent from
/// there: what is acknowledged meanwhile needs no disk any more. Each append tries the disk again. Beyond a bound the
/// oldest of them are lost, as a segment is that the spool drops. A process that dies takes them with it; sequences
/// that it gave out and the coordinator holds are noticed by the next one, which begins a new session.
actor SpoolKeeper {
    /// What others ask of the spool.
    struct View: Sendable {
        var session: [UInt8]
        var last: UInt64
        var sentThrough: UInt64
        var acknowledged: UInt64
        var heldFrom: UInt64
        var bytes: Int
        var lostSamples: UInt64
        /// Time of the first sample that is held; nil when none is.
        var heldFromMillis: Int64?
        /// Losses that nobody has taken yet.
        var losses: [SpoolLoss]
        /// Bytes that wait in memory, since the disk takes none.
        var unwrittenBytes = 0
        /// Whether the disk took no writes the last time.
        var isFailing = false
    }

    /// Bytes that wait in memory for the disk at most.
    private static let unwrittenBytesMax = 8 << 20

    private let executor = QueueExecutor(label: "tocsin.spool")
    private var spool: SegmentSpool
    private var unwritten = UnwrittenRecords()
    /// The last sequence that was given to a record in memory.
    private var lastUnwritten: UInt64 = 0
    private var isFailing = false
    private let logger: Logger

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Opens the spool; damage is repaired or set aside and logged, never fatal.
    init(directory: String, bytesMax: Int, logger: Logger) throws {
        var limits = SpoolLimits()
        limits.spoolBytes = bytesMax
        limits.segmentBytes = min(limits.segmentBytes, max(1 << 20, bytesMax / 8))
        var generator = SystemRandomNumberGenerator()
        spool = try SegmentSpool.open(directory: directory, limits: limits, using: &generator)
        self.logger = logger
        let recovery = spool.recovery
        interruption = recovery.interruption
        if let path = recovery.quarantinedTo {
            logger.error("the spool was damaged and set aside", metadata: ["path": "\(path)"])
        }
        for note in recovery.notes { logger.warning("spool: \(note)") }
    }

    /// How the process before this one ended, when it did not close the spool.
    nonisolated let interruption: SpoolInterruption?

    /// The state now.
    func view() -> View {
        View(
            session: spool.session.bytes, last: last, sentThrough: spool.sentThrough,
            acknowledged: spool.acknowledged, heldFrom: spool.firstSequence, bytes: spool.bytes,
            lostSamples: spool.counters.lostSamples, heldFromMillis: spool.heldFromMillis,
            losses: spool.pendingLosses, unwrittenBytes: unwritten.bytes, isFailing: isFailing)
    }

    private var last: UInt64 { max(spool.lastSequence, lastUnwritten) }

    /// Appends one record and returns its sequence; keeps it in memory while the disk is full or fails.
    ///
    /// Throws for a record that can never be written.
    func append(
        kind: SpoolEntry.Kind, sampleCount: Int, from: Timestamp, to: Timestamp, payload: [UInt8]
    ) throws(SpoolError) -> UInt64 {
        let entry = SpoolEntry(
            kind: kind, sampleCount: UInt32(clamping: sampleCount), minMillis: from.millis, maxMillis: to.millis,
            payload: payload)
        var failure = writeWaiting()
        if failure == nil {
            do {
                let sequence = try spool.append([entry]).lowerBound
                diskWorks()
                return sequence
            } catch {
                failure = error
            }
        }
        if let failure {
            guard failure.code == .full || failure.code == .inputOutput else { throw failure }
            diskFails(failure)
        }
        let record = SpoolRecord(sequence: last + 1, entry: entry)
        lastUnwritten = record.sequence
        spool.lose(unwritten: unwritten.append(record, bytesMax: Self.unwrittenBytesMax))
        return record.sequence
    }

    /// Writes what waits, in its order, and tells what stopped it.
    private func writeWaiting() -> SpoolError? {
        while let first = unwritten.first {
            let batch = unwritten.read(first.sequence...lastUnwritten, recordsMax: 512, bytesMax: 256 << 10)
            // Those before it were acknowledged or lost while they were in memory.
            spool.skip(through: first.sequence - 1)
            do {
                _ = try spool.append(batch.map(\.entry))
            } catch {
                guard error.code == .tooLarge else { return error }
                spool.lose(unwritten: batch)
            }
            for _ in batch { unwritten.removeFirst() }
        }
        spool.skip(through: lastUnwritten)
        return nil
    }

    private func diskFails(_ reason: SpoolError) {
        guard !isFailing else { return }
        isFailing = true
        logger.error(
            "the spool's disk takes no writes; what is probed waits in memory", metadata: ["reason": "\(reason)"])
    }

    private func diskWorks() {
        guard isFailing else { return }
        isFailing = false
        logger.notice("the spool's disk takes writes again", metadata: ["lostSamples": "\(spool.counters.lostSamples)"])
    }

    /// The records of a range, as many as fit; empty when the first of them is lost.
    func read(_ range: ClosedRange<UInt64>, recordsMax: Int, bytesMax: Int) throws(SpoolError) -> [SpoolRecord] {
        guard range.lowerBound <= spool.lastSequence else {
            return unwritten.read(range, recordsMax: recordsMax, bytesMax: bytesMax)
        }
        let count = min(UInt64(recordsMax), range.upperBound - range.lowerBound + 1)
        return try spool.read(from: range.lowerBound, maxRecords: Int(count), maxBytes: bytesMax)
    }

    /// All records up to `sequence` are durable at the coordinator.
    func acknowledge(through sequence: UInt64) throws(SpoolError) {
        let held = min(sequence, last)
        unwritten.removeAll(through: held)
        spool.skip(through: held)
        try spool.acknowledge(through: sequence)
    }

    /// What the records of some ranges hold, as one; nil for none.
    func measure(_ ranges: [ClosedRange<UInt64>]) -> FrameLoss? {
        ranges.reduce(into: nil as FrameLoss?) { sum, range in
            let held = spool.measure(range)
            var part = FrameLoss(sequences: range, millis: held.millis, samples: held.samples)
            for record in unwritten.records where range.contains(record.sequence) { part.merge(FrameLoss(record)) }
            if sum == nil { sum = part } else { sum?.merge(part) }
        }
    }

    /// Losses since the last call.
    func takeLosses() -> [SpoolLoss] { spool.takeLosses() }

    /// Gives up a record that the coordinator refuses; its loss is in `takeLosses()`.
    func giveUp(_ sequence: UInt64) throws(SpoolError) {
        if let record = unwritten.remove(sequence) {
            spool.lose(unwritten: [record])
        } else {
            try spool.giveUp(sequence)
        }
    }

    /// Replaces the session by a new one that takes over the records after `keepAfter`.
    func beginNewSession(keepAfter: UInt64) throws(SpoolError) {
        var generator = SystemRandomNumberGenerator()
        spool = try spool.beginNewSession(keepAfter: keepAfter, using: &generator)
        unwritten.removeAll(through: keepAfter)
        unwritten.renumber(after: spool.lastSequence)
        lastUnwritten = unwritten.last?.sequence ?? 0
    }

    /// Forces everything to disk.
    ///
    /// What the disk does not take is lost, and its sequences with it: some of them may have been sent.
    func close() {
        if let failure = writeWaiting() {
            logger.error(
                "the disk takes no writes: what waited in memory is lost",
                metadata: ["samples": "\(unwritten.samples)", "reason": "\(failure)"])
            spool.lose(unwritten: unwritten.records)
            spool.skip(through: last)
        }
        do {
            try spool.close()
        } catch {
            logger.error("the spool could not be closed", metadata: ["reason": "\(error)"])
        }
    }
}

extension FrameLoss {
    /// A loss with the times as the spool tells them.
    init(sequences: ClosedRange<UInt64>, millis: ClosedRange<Int64>?, samples: UInt64, reason: Reason? = nil) {
        let times = millis.map { Timestamp(millis: $0.lowerBound)...Timestamp(millis: $0.upperBound) }
        self.init(sequences: sequences, times: times, samples: samples, reason: reason)
    }

    /// What a record holds.
    init(_ record: SpoolRecord) {
        self.init(
            sequences: record.sequence...record.sequence,
            millis: record.entry.minMillis...max(record.entry.minMillis, record.entry.maxMillis),
            samples: UInt64(record.entry.sampleCount))
    }

    /// What the spool lost.
    init(_ loss: SpoolLoss) {
        let reason: Reason =
            switch loss.reason {
            case .budget: .budget
            case .damage: .damage
            case .refused: .refused
            }
        self.init(sequences: loss.sequences, millis: loss.millis, samples: loss.samples, reason: reason)
    }
}
