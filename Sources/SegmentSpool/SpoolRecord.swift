/// What goes into the spool as a unit, before it has a sequence.
package struct SpoolEntry: Sendable, Hashable {
    /// What the payload is.
    package enum Kind: UInt8, Sendable, Hashable {
        /// A sample block.
        case sampleBlock = 1
        /// A batch of edges.
        case edgeBatch = 2
    }

    /// What the payload is.
    package var kind: Kind
    /// Samples (or edges) in the payload, so that a loss can be counted without it.
    package var sampleCount: UInt32
    /// Time of the earliest one, in milliseconds since the Unix epoch.
    package var minMillis: Int64
    /// Time of the latest one.
    package var maxMillis: Int64
    /// The bytes to deliver.
    package var payload: [UInt8]

    /// Makes an entry.
    package init(kind: Kind, sampleCount: UInt32, minMillis: Int64, maxMillis: Int64, payload: [UInt8]) {
        self.kind = kind
        self.sampleCount = sampleCount
        self.minMillis = minMillis
        self.maxMillis = maxMillis
        self.payload = payload
    }
}

/// An entry with the sequence that it was given.
package struct SpoolRecord: Sendable, Hashable {
    /// Consecutive within the session, from 1.
    package var sequence: UInt64
    /// What was appended.
    package var entry: SpoolEntry

    /// Makes a record.
    package init(sequence: UInt64, entry: SpoolEntry) {
        self.sequence = sequence
        self.entry = entry
    }
}

/// Records that were appended, not acknowledged, and are gone.
package struct SpoolLoss: Sendable, Hashable {
    /// Why they are gone.
    package enum Reason: Sendable, Hashable {
        /// The oldest segment made room for new records.
        case budget
        /// The file was damaged.
        case damage
        /// The coordinator takes it in no form.
        case refused
    }

    /// Why they are gone.
    package var reason: Reason
    /// The records' sequences.
    package var sequences: ClosedRange<UInt64>
    /// Samples in those records whose heads could still be read.
    package var samples: UInt64
    /// Time of the earliest and of the latest sample among them; nil when no head could be read.
    package var millis: ClosedRange<Int64>?
}

/// What the spool lost since its directory was made; kept across restarts and sessions.
package struct SpoolCounters: Sendable, Hashable {
    /// Unacknowledged records dropped for the budget.
    package var droppedRecords: UInt64 = 0
    /// Their samples.
    package var droppedSamples: UInt64 = 0
    /// Unacknowledged records lost to damage, or given up since the coordinator refuses them.
    package var damagedRecords: UInt64 = 0
    /// Their samples, as far as known.
    package var damagedSamples: UInt64 = 0
    /// Torn tails cut off: the records in them were never accepted.
    package var tornTails: UInt64 = 0
    /// Times that the whole directory was unusable and set aside.
    package var quarantines: UInt64 = 0

    /// Records lost for any reason.
    package var lostRecords: UInt64 { droppedRecords + damagedRecords }
    /// Samples lost for any reason.
    package var lostSamples: UInt64 { droppedSamples + damagedSamples }
}

/// What was found when the spool was opened.
package struct SpoolRecovery: Sendable, Hashable {
    /// Whether the session is a new one.
    package var isNewSession = false
    /// Bytes of a record that was being written when the process or machine died, cut off now.
    package var tornBytes = 0
    /// Where the old directory went when it could not be used.
    package var quarantinedTo: String?
    /// How the process before ended, when not in order; nil for a new session.
    package var interruption: SpoolInterruption?
    /// What was wrong, each a sentence for the log.
    package var notes: [String] = []
}

/// The end of a process that did not close its spool: what it had not appended yet is gone with it.
package struct SpoolInterruption: Sendable, Hashable {
    /// Latest time of the last record of samples that can be read; nil when there is none.
    package var lastMillis: Int64?
}

/// Sizes of the spool.
package struct SpoolLimits: Sendable, Hashable {
    /// Bytes of all segments together: default 256 MiB.
    ///
    /// At the limit the oldest segment goes.
    package var spoolBytes: Int
    /// Bytes after which a segment is closed and the next begun: default 4 MiB.
    package var segmentBytes: Int
    /// Bytes of one payload: default 3 MiB, as a sample block.
    package var recordBytes: Int
    /// Calls of `append` after which data is forced to disk: default 1, each call.
    ///
    /// Records are always forced to disk before `read` hands them out: what was sent can't be lost to a power cut.
    package var syncEvery: Int

    /// Makes limits.
    ///
    /// Precondition: all positive, and at least four segments and four records fit in the spool.
    package init(
        spoolBytes: Int = 256 << 20, segmentBytes: Int = 4 << 20, recordBytes: Int = 3 << 20, syncEvery: Int = 1
    ) {
        precondition(segmentBytes > 0 && recordBytes > 0 && syncEvery > 0, "spool limits are positive")
        precondition(recordBytes <= 1 << 30, "a record has at most 1 GiB, not \(recordBytes)")
        precondition(
            spoolBytes >= 4 * segmentBytes && spoolBytes >= 4 * recordBytes,
            "\(spoolBytes) bytes hold fewer than four segments of \(segmentBytes) or records of \(recordBytes)")
        self.spoolBytes = spoolBytes
        self.segmentBytes = segmentBytes
        self.recordBytes = recordBytes
        self.syncEvery = syncEvery
    }
}
