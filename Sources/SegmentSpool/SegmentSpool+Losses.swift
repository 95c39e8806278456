extension SegmentSpool {
    /// Drops the oldest segment for the budget.
    ///
    /// Precondition: it is not the active one.
    func dropOldest() throws(SpoolError) {
        let segment = segments.removeFirst()
        let last = segments[0].first - 1
        let first = max(segment.first, state.acknowledged + 1)
        if first <= last {
            let loss = measure(segment, first...last)
            state.counters.droppedRecords += last - first + 1
            state.counters.droppedSamples += loss.samples
            note(loss)
        }
        try delete([segment])
    }

    /// Gives up a record that the coordinator takes in no form, so that those after it can go; `takeLosses()` names it.
    ///
    /// Does nothing for one that is acknowledged or not there.
    package func giveUp(_ sequence: UInt64) throws(SpoolError) {
        try checkOpen()
        guard sequence > state.acknowledged, sequence <= lastSequence else { return }
        try lose(sequence...sequence, head: try head(of: sequence), reason: .refused)
    }

    /// Takes records for lost, and counts those that are not acknowledged and were not counted before.
    ///
    /// - Parameter times: between which they lie, where no head tells.
    func lose(
        _ range: ClosedRange<UInt64>, head: RecordHead?, reason: SpoolLoss.Reason = .damage,
        within times: ClosedRange<Int64>? = nil
    ) throws(SpoolError) {
        let counted = max(state.acknowledged, state.damageThrough) + 1
        let samples = UInt64(head?.sampleCount ?? 0)
        if counted <= range.upperBound {
            state.counters.damagedRecords += range.upperBound - max(counted, range.lowerBound) + 1
            state.counters.damagedSamples += samples
            state.damageThrough = range.upperBound
        }
        note(SpoolLoss(reason: reason, sequences: range, samples: samples, millis: head?.millis ?? times))
        try saveState()
    }

    /// Removes the files of segments that are no longer in `segments`.
    ///
    /// The marks are saved first, so that a crash in between leaves files that the next start removes. All files are
    /// tried, also when the marks could not be saved: on a full or failing disk room counts more.
    func delete(_ gone: [Segment]) throws(SpoolError) {
        if let open = cursor?.segment.first, gone.contains(where: { $0.first == open }) { cursor = nil }
        var failure: SpoolError?
        do { try saveState() } catch { failure = error }
        for segment in gone {
            do {
                try SpoolDirectory.remove(folder + "/" + SegmentFile.name(first: segment.first))
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// What the records of a range hold that are still here, as far as their heads can be read.
    package func measure(_ range: ClosedRange<UInt64>) -> (samples: UInt64, millis: ClosedRange<Int64>?) {
        var sum = SpoolLoss(reason: .budget, sequences: range, samples: 0, millis: nil)
        for (index, segment) in segments.enumerated() {
            let last = (index + 1 < segments.count ? segments[index + 1].first : state.next) - 1
            guard segment.first <= range.upperBound, last >= range.lowerBound else { continue }
            let part = measure(segment, max(segment.first, range.lowerBound)...min(last, range.upperBound))
            sum.extend(by: part)
        }
        return (sum.samples, sum.millis)
    }

    /// Time of the earliest sample in the first record that is still here; nil when there is none to read.
    package var heldFromMillis: Int64? {
        firstSequence > lastSequence ? nil : (try? head(of: firstSequence))?.millis?.lowerBound
    }

    /// What is lost with these records of a segment, as far as their heads can be read.
    private func measure(_ segment: Segment, _ range: ClosedRange<UInt64>) -> SpoolLoss {
        var loss = SpoolLoss(reason: .budget, sequences: range, samples: 0, millis: nil)
        do {
            try readHeads(of: segment, range, into: &loss)
        } catch {
            // Room has to be made all the same: the records are counted, and the samples as far as they were read.
        }
        return loss
    }

    private func readHeads(
        of segment: Segment, _ range: ClosedRange<UInt64>, into loss: inout SpoolLoss
    ) throws(SpoolError) {
        let file = try SegmentFile.open(in: folder, first: segment.first)
        var (offset, expected) = (SegmentFile.headerBytes, segment.first)
        while expected <= range.upperBound {
            let finding = try file.finding(
                at: offset, expected: expected, bound: range.upperBound + 1, end: segment.bytes,
                recordBytesMax: limits.recordBytes)
            let head: RecordHead
            switch finding {
            case .head(let found, let place): (head, offset) = (found, place)
            case .damage(.some(let next)): (head, offset) = next
            case .damage(nil), .end: return
            }
            if head.sequence >= range.lowerBound { loss.include(head) }
            offset += head.recordBytes
            expected = head.sequence + 1
        }
    }

    func note(_ loss: SpoolLoss) {
        // Whatever lies in a declared loss counts as sent at the coordinator.
        state.sentThrough = max(state.sentThrough, loss.sequences.upperBound)
        if let last = pendingLosses.last, last.reason == loss.reason {
            if last.sequences == loss.sequences { return }
            if last.sequences.upperBound + 1 == loss.sequences.lowerBound {
                pendingLosses[pendingLosses.count - 1].extend(by: loss)
                return
            }
        }
        pendingLosses.append(loss)
    }
}

extension SpoolLoss {
    mutating func include(_ head: RecordHead) {
        samples += UInt64(head.sampleCount)
        widen(head.millis)
    }

    mutating func extend(by next: SpoolLoss) {
        sequences = sequences.lowerBound...next.sequences.upperBound
        samples += next.samples
        widen(next.millis)
    }

    private mutating func widen(_ other: ClosedRange<Int64>?) {
        guard let other else { return }
        millis = millis.map { min($0.lowerBound, other.lowerBound)...max($0.upperBound, other.upperBound) } ?? other
    }
}
