extension SegmentSpool {
    private enum Place {
        case found(RecordHead)
        case lost(through: UInt64)
    }

    /// The records from `sequence` on, at most `maxRecords`, and at most `maxBytes` of payload after the first one.
    ///
    /// They are on disk for good before they are handed out. Empty when there is none yet, or when the record at
    /// `sequence` is lost: then `takeLosses()` names it and those lost with it. Records that are lost further on end
    /// the answer before them.
    package func read(
        from sequence: UInt64, maxRecords: Int = 64, maxBytes: Int = 1 << 20
    ) throws(SpoolError) -> [SpoolRecord] {
        precondition(sequence >= 1 && maxRecords >= 1, "read \(maxRecords) records from \(sequence)")
        try sync()
        let records = try records(from: sequence, maxRecords: maxRecords, maxBytes: maxBytes)
        if !records.isEmpty { try noteSending() }
        return records
    }

    /// Reads without taking the records for sent.
    func records(
        from sequence: UInt64, maxRecords: Int, maxBytes: Int
    ) throws(SpoolError) -> [SpoolRecord] {
        var records: [SpoolRecord] = []
        var bytes = 0
        var wanted = sequence
        while records.count < maxRecords, wanted < state.next {
            guard case .found(let head) = try place(of: wanted, reportingLoss: records.isEmpty), let cursor else {
                break
            }
            if !records.isEmpty && bytes + head.payloadBytes > maxBytes { break }
            guard let payload = try cursor.segment.payload(of: head, at: cursor.offset) else {
                if records.isEmpty { try lose(wanted...wanted, head: head) }
                break
            }
            records.append(SpoolRecord(head, payload))
            bytes += payload.count
            wanted += 1
            self.cursor?.sequence = wanted
            self.cursor?.offset += head.recordBytes
        }
        return records
    }

    /// Moves the cursor to a record.
    private func place(of sequence: UInt64, reportingLoss: Bool) throws(SpoolError) -> Place {
        let place = try search(sequence)
        if case .lost(let through) = place, reportingLoss {
            try lose(sequence...through, head: nil, within: times(around: sequence...through))
        }
        return place
    }

    /// The times of the records beside lost ones, between which those lie; nil unless there is one on either side.
    private func times(around range: ClosedRange<UInt64>) throws(SpoolError) -> ClosedRange<Int64>? {
        guard let before = try head(of: range.lowerBound - 1)?.millis,
            let after = try head(of: range.upperBound + 1)?.millis
        else { return nil }
        return min(before.lowerBound, after.lowerBound)...max(before.upperBound, after.upperBound)
    }

    /// The head of a record; nil when it cannot be read.
    func head(of sequence: UInt64) throws(SpoolError) -> RecordHead? {
        guard case .found(let head) = try search(sequence) else { return nil }
        return head
    }

    private func search(_ sequence: UInt64) throws(SpoolError) -> Place {
        guard let index = segments.lastIndex(where: { $0.first <= sequence }) else {
            return .lost(through: firstSequence - 1)
        }
        let bound = index + 1 < segments.count ? segments[index + 1].first : state.next
        guard var cursor = try cursor(in: index, at: sequence) else { return .lost(through: bound - 1) }
        while true {
            let finding = try cursor.segment.finding(
                at: cursor.offset, expected: cursor.sequence, bound: bound, end: segments[index].bytes,
                recordBytesMax: limits.recordBytes)
            let head: RecordHead
            switch finding {
            case .head(let found, _): head = found
            case .damage(.some(let next)):
                guard next.0.sequence <= sequence else { return .lost(through: next.0.sequence - 1) }
                head = next.0
                cursor.offset = next.offset
            case .damage(nil), .end: return .lost(through: bound - 1)
            }
            cursor.sequence = head.sequence
            self.cursor = cursor
            if head.sequence == sequence { return .found(head) }
            cursor.offset += head.recordBytes
            cursor.sequence += 1
        }
    }

    /// The cursor if it is before `sequence` in that segment, else one at the segment's start; nil when the file is
    /// gone.
    private func cursor(in index: Int, at sequence: UInt64) throws(SpoolError) -> Cursor? {
        let first = segments[index].first
        if let cursor, cursor.segment.first == first, cursor.sequence <= sequence { return cursor }
        let file: SegmentFile
        if index == segments.count - 1 {
            file = active
        } else {
            guard SpoolDirectory.exists(folder + "/" + SegmentFile.name(first: first)) else { return nil }
            file = try SegmentFile.open(in: folder, first: first)
        }
        return Cursor(segment: file, sequence: first, offset: SegmentFile.headerBytes)
    }

    /// Keeps, before the first record leaves, that this process sends; see `sentThrough`.
    private func noteSending() throws(SpoolError) {
        guard !state.hasSent else { return }
        state.hasSent = true
        do {
            try saveState()
        } catch {
            state.hasSent = false
            throw error
        }
    }
}

extension SpoolRecord {
    init(_ head: RecordHead, _ payload: [UInt8]) {
        sequence = head.sequence
        entry = SpoolEntry(
            kind: head.kind, sampleCount: head.sampleCount, minMillis: head.minMillis, maxMillis: head.maxMillis,
            payload: payload)
    }
}
