extension SegmentSpool {
    /// Gives out the sequences up to this one without records of their own: their user held them in memory while the
    /// disk took no writes, and they are acknowledged or lost by now.
    ///
    /// The mark is written in place, which a full disk allows. That it could not be is no error: after a crash the
    /// coordinator then knows more of the session than the spool, which begins a new one.
    package func skip(through sequence: UInt64) {
        guard !isClosed, sequence > lastSequence else { return }
        state.next = sequence + 1
        // Sequences of a segment are consecutive, so that the next record begins one.
        mustBeginSegment = true
        try? saveState()
    }

    /// Takes records that never reached the disk for lost: counted, and named by `takeLosses()`.
    package func lose(unwritten records: some Sequence<SpoolRecord>) {
        for record in records {
            let entry = record.entry
            state.counters.droppedRecords += 1
            state.counters.droppedSamples += UInt64(entry.sampleCount)
            note(
                SpoolLoss(
                    reason: .budget, sequences: record.sequence...record.sequence, samples: UInt64(entry.sampleCount),
                    millis: entry.minMillis <= entry.maxMillis ? entry.minMillis...entry.maxMillis : nil))
        }
    }
}
