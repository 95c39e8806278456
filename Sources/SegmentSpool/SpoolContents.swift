/// What a data folder holds, brought in order: what `SegmentSpool` starts from.
struct SpoolContents {
    var session: SpoolSession
    var state: SpoolState
    var stateFile: SpoolStateFile
    var segments: [SegmentSpool.Segment]
    var active: SegmentFile
    var recovery: SpoolRecovery

    /// Makes an empty folder into a spool.
    static func make(
        in folder: String, session: SpoolSession, counters: SpoolCounters, recovery: SpoolRecovery
    ) throws(SpoolError) -> SpoolContents {
        try SpoolDirectory.create(folder)
        var (stateFile, _) = try SpoolStateFile.open(in: folder)
        try stateFile.save(SpoolState(isOpen: true, counters: counters))
        let active = try SegmentFile.create(in: folder, first: 1, session: session)
        // Last, because a folder with an identity is a spool.
        try SpoolIdentity.write(session, in: folder)
        var recovery = recovery
        recovery.isNewSession = true
        return SpoolContents(
            session: session, state: stateFile.state, stateFile: stateFile,
            segments: [SegmentSpool.Segment(first: 1, bytes: SegmentFile.headerBytes)], active: active,
            recovery: recovery)
    }
}

/// Reads a data folder that a process left, however it ended.
struct SpoolRecoverer {
    let folder: String
    let limits: SpoolLimits
    var recovery = SpoolRecovery()

    init(folder: String, limits: SpoolLimits) {
        self.folder = folder
        self.limits = limits
    }

    /// The folder's contents; nil when there is nothing that can be used, with the reason in `recovery.notes`.
    mutating func load() throws(SpoolError) -> SpoolContents? {
        var firsts = try SpoolDirectory.names(in: folder).compactMap(SegmentFile.first(inName:)).sorted()
        guard let session = try findSession(firsts) else { return nil }
        let (stateFile, isKnown) = try SpoolStateFile.open(in: folder)
        var state = stateFile.state
        if !isKnown { recovery.notes.append("marks and counters were lost; they start again") }
        firsts = try removeForeign(firsts, session: session, floor: isKnown ? state.floor : 1)
        if !isKnown { state.acknowledged = (firsts.first ?? 1) - 1 }

        var segments: [SegmentSpool.Segment] = []
        for first in firsts.dropLast() {
            let size = try SegmentFile.open(in: folder, first: first).file.size()
            segments.append(SegmentSpool.Segment(first: first, bytes: size))
        }
        let wasOpen = state.isOpen || !isKnown
        let active: SegmentFile
        if let first = firsts.last {
            active = try SegmentFile.open(in: folder, first: first)
            let (end, next) = try repairTail(of: active)
            if recovery.tornBytes > 0 { state.counters.tornTails += 1 }
            segments.append(SegmentSpool.Segment(first: first, bytes: end))
            state.next = max(state.next, next)
        } else {
            active = try SegmentFile.create(in: folder, first: state.next, session: session)
            segments.append(SegmentSpool.Segment(first: state.next, bytes: SegmentFile.headerBytes))
        }
        state.sentThrough = state.hasSent || !isKnown ? state.next - 1 : min(state.sentThrough, state.next - 1)
        state.hasSent = false
        state.isOpen = true
        state.floor = segments[0].first
        if wasOpen { recovery.interruption = SpoolInterruption(lastMillis: try lastMillis(segments)) }
        var contents = SpoolContents(
            session: session, state: state, stateFile: stateFile, segments: segments, active: active,
            recovery: recovery)
        try contents.stateFile.save(state)
        contents.state = contents.stateFile.state
        return contents
    }

    /// The latest time in the last record of samples; the segments before the last are read only while none is found.
    private func lastMillis(_ segments: [SegmentSpool.Segment]) throws(SpoolError) -> Int64? {
        for segment in segments.reversed() {
            let file = try SegmentFile.open(in: folder, first: segment.first)
            var (offset, expected) = (SegmentFile.headerBytes, segment.first)
            var last: Int64?
            scan: while true {
                let finding = try file.finding(
                    at: offset, expected: expected, bound: .max, end: segment.bytes, recordBytesMax: limits.recordBytes)
                let head: RecordHead
                switch finding {
                case .head(let found, let place): (head, offset) = (found, place)
                case .damage(.some(let next)): (head, offset) = next
                case .damage(nil), .end: break scan
                }
                if head.kind == .sampleBlock, let millis = head.millis { last = millis.upperBound }
                offset += head.recordBytes
                expected = head.sequence + 1
            }
            if let last { return last }
        }
        return nil
    }

    private mutating func findSession(_ firsts: [UInt64]) throws(SpoolError) -> SpoolSession? {
        switch try SpoolIdentity.read(in: folder) {
        case .session(let session): return session
        case .otherVersion(let version):
            recovery.notes.append("the spool has format version \(version)")
            return nil
        case .absent where firsts.isEmpty:
            return nil
        case .absent, .damaged:
            for first in firsts {
                guard let session = try SegmentFile.open(in: folder, first: first).session() else { continue }
                try SpoolIdentity.write(session, in: folder)
                recovery.notes.append("the spool's identity was lost and taken from a segment")
                return session
            }
            recovery.notes.append("the spool's identity is lost")
            return nil
        }
    }

    /// Sets segments of another session aside, and removes those that the marks say are done with.
    private mutating func removeForeign(
        _ firsts: [UInt64], session: SpoolSession, floor: UInt64
    ) throws(SpoolError) -> [UInt64] {
        var kept: [UInt64] = []
        for first in firsts {
            let path = folder + "/" + SegmentFile.name(first: first)
            let found = try SegmentFile.open(in: folder, first: first).session()
            if found == nil {
                recovery.notes.append("the header of segment \(first) is damaged; its records are tried")
            }
            if let found, found != session {
                recovery.notes.append("segment \(first) belongs to another session and was removed")
                try SpoolDirectory.remove(path)
            } else {
                kept.append(first)
            }
        }
        // A segment is done with when the next one begins at or below the floor.
        while kept.count > 1, kept[1] <= floor {
            try SpoolDirectory.remove(folder + "/" + SegmentFile.name(first: kept.removeFirst()))
        }
        return kept
    }

    /// Finds the last good record of the last segment and cuts off what a dying process left behind it.
    private mutating func repairTail(of segment: SegmentFile) throws(SpoolError) -> (end: Int, next: UInt64) {
        let size = try segment.file.size()
        guard size >= SegmentFile.headerBytes else {
            // The process died while it made the file; its name says enough.
            recovery.notes.append("segment \(segment.first) had no header")
            try segment.file.truncate(to: SegmentFile.headerBytes)
            try segment.file.sync()
            return (SegmentFile.headerBytes, segment.first)
        }
        var (offset, next) = (SegmentFile.headerBytes, segment.first)
        var last: (head: RecordHead, offset: Int)?
        scan: while true {
            let finding = try segment.finding(
                at: offset, expected: next, bound: .max, end: size, recordBytesMax: limits.recordBytes)
            switch finding {
            case .head(let head, let place): last = (head, place)
            case .damage(.some(let found)):
                recovery.notes.append("segment \(segment.first) is damaged before record \(found.0.sequence)")
                last = found
            case .damage(nil), .end: break scan
            }
            guard let last else { break }
            offset = last.offset + last.head.recordBytes
            next = last.head.sequence + 1
        }
        // A power cut can keep the head of the last record and lose its payload.
        if let last, try segment.payload(of: last.head, at: last.offset) == nil {
            offset = last.offset
            next = last.head.sequence
        }
        if offset < size {
            recovery.tornBytes = size - offset
            recovery.notes.append("\(size - offset) bytes of a torn record were cut off segment \(segment.first)")
            try segment.file.truncate(to: offset)
            try segment.file.sync()
        }
        return (offset, next)
    }
}
