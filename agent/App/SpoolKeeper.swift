import BlockingWork
import Logging
import SampleLink
import SegmentSpool
import Telemetry

/// The spool behind an actor with a thread of its own: its file writes may wait for the disk, nobody else does.
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
    }

    private let executor = QueueExecutor(label: "tocsin.spool")
    private var spool: SegmentSpool
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
        if let path = recovery.quarantinedTo {
            logger.error("the spool was damaged and set aside", metadata: ["path": "\(path)"])
        }
        for note in recovery.notes { logger.warning("spool: \(note)") }
    }

    /// The state now.
    func view() -> View {
        View(
            session: spool.session.bytes, last: spool.lastSequence, sentThrough: spool.sentThrough,
            acknowledged: spool.acknowledged, heldFrom: spool.firstSequence, bytes: spool.bytes,
            lostSamples: spool.counters.lostSamples, heldFromMillis: spool.heldFromMillis,
            losses: spool.pendingLosses)
    }

    /// Appends one record and returns its sequence; throws when the disk is full or fails.
    func append(
        kind: SpoolEntry.Kind, sampleCount: Int, from: Timestamp, to: Timestamp, payload: [UInt8]
    ) throws(SpoolError) -> UInt64 {
        try spool.append(
            kind: kind, sampleCount: UInt32(clamping: sampleCount), minMillis: from.millis, maxMillis: to.millis,
            payload: payload)
    }

    /// The records of a range, as many as fit; empty when the first of them is lost.
    func read(_ range: ClosedRange<UInt64>, recordsMax: Int, bytesMax: Int) throws(SpoolError) -> [SpoolRecord] {
        let count = min(UInt64(recordsMax), range.upperBound - range.lowerBound + 1)
        return try spool.read(from: range.lowerBound, maxRecords: Int(count), maxBytes: bytesMax)
    }

    /// All records up to `sequence` are durable at the coordinator.
    func acknowledge(through sequence: UInt64) throws(SpoolError) {
        try spool.acknowledge(through: sequence)
    }

    /// What the records of some ranges hold, as one; nil for none.
    func measure(_ ranges: [ClosedRange<UInt64>]) -> FrameLoss? {
        ranges.reduce(into: nil as FrameLoss?) { sum, range in
            let held = spool.measure(range)
            let part = FrameLoss(sequences: range, millis: held.millis, samples: held.samples)
            if sum == nil { sum = part } else { sum?.merge(part) }
        }
    }

    /// Losses since the last call.
    func takeLosses() -> [SpoolLoss] { spool.takeLosses() }

    /// Gives up a record that the coordinator refuses; its loss is in `takeLosses()`.
    func giveUp(_ sequence: UInt64) throws(SpoolError) {
        try spool.giveUp(sequence)
    }

    /// Replaces the session by a new one that takes over the records after `keepAfter`.
    func beginNewSession(keepAfter: UInt64) throws(SpoolError) {
        var generator = SystemRandomNumberGenerator()
        spool = try spool.beginNewSession(keepAfter: keepAfter, using: &generator)
    }

    /// Forces everything to disk.
    func close() {
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
