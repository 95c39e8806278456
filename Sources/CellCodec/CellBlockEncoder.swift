import SampleCodec
import Signals
import Telemetry

/// Makes blocks of cells, each building on the one before, until a new chain is started.
///
/// Lossless: a reader gives equal points in the same order. See docs/cell-block.md.
package struct CellBlockEncoder: Sendable {
    var chain = CellChain()
    private var sink = CellSink()
    let limits: CellBlockLimits
    private let isDeflating: Bool
    private var index = 0
    private var previous: UInt32 = 0
    private var points = 0
    private var span: ClosedRange<Int64>?
    private var subjects: [Subject: Int] = [:]
    private var signals: [SignalName: Int] = [:]
    /// Signals whose names are in a block.
    private var signalsTold = 0

    /// Makes an encoder at the start of a chain.
    ///
    /// - Parameter isDeflating: false for what a person or a fuzzer is to look into.
    package init(limits: CellBlockLimits = CellBlockLimits(), isDeflating: Bool = true) {
        self.limits = limits
        self.isDeflating = isDeflating
    }

    /// Cells since the last block.
    package var pendingPoints: Int { points }
    /// Bytes since the last block, before they are deflated.
    package var pendingBytes: Int { sink.columns.count }
    /// Blocks of this chain so far.
    package var blocks: Int { index }
    /// Whether the chain has so many names that the next block should start a new one.
    package var isFull: Bool { chain.names >= limits.names / 2 }

    /// Starts a new chain with the next block; what is pending is given up.
    package mutating func startChain() {
        chain = CellChain()
        (subjects, signals, signalsTold) = ([:], [:], 0)
        sink.columns.removeAll()
        (index, previous, points, span) = (0, 0, 0, nil)
    }

    /// Adds what is on a tape, in its order.
    ///
    /// - Returns: how many of its cells were left out since the form has no place for them: names of more than 4 KiB,
    ///   steps that are no whole milliseconds, more contributions or buckets than an engine gives.
    package mutating func append(_ tape: CellTape) -> Int {
        // A span lends its elements; an array would copy each cell, names and all.
        let points = tape.points.span
        var leftOut = 0
        var sweep = tape.sweeps.startIndex
        var start = 0
        while true {
            while sweep < tape.sweeps.endIndex, tape.sweeps[sweep].after <= start {
                put(sweep: tape.sweeps[sweep].at)
                sweep += 1
            }
            guard start < points.count else { return leftOut }
            let border = sweep < tape.sweeps.endIndex ? tape.sweeps[sweep].after : points.count
            let begin = start
            var refused = 0
            while start < border, Self.isOneRecord(points[start], points[begin]) {
                if !canHold(points[start]) { refused += 1 }
                start += 1
            }
            leftOut += refused
            if refused == 0 {
                put(points.extracting(begin..<start))
            } else {
                let kept = tape.points[begin..<start].filter { canHold($0) }
                put(kept.span)
            }
        }
    }

    /// The block of what was added since the last one; nil when that is nothing.
    package mutating func seal() -> [UInt8]? {
        guard let range = span else { return nil }
        var body: [UInt8] = []
        body.reserveCapacity(sink.columns.count + 32)
        for column in CellColumn.allCases {
            CellColumnsWriter.number(UInt64(sink.columns[column].count), into: &body)
        }
        for column in CellColumn.allCases { body += sink.columns[column] }
        let deflated = isDeflating ? Deflate.compress(body) : nil
        let header = CellBlockHeader(
            index: index, previous: previous, from: Timestamp(millis: range.lowerBound),
            to: Timestamp(millis: range.upperBound), points: points, bodyBytes: body.count,
            isDeflated: deflated != nil)
        var block = header.bytes + (deflated ?? body)
        let checksum = CRC32.checksum(block)
        block += CellBlockHeader.little(checksum)
        sink.columns.removeAll()
        (index, previous, points, span) = (index + 1, checksum, 0, nil)
        return block
    }

    /// Whether two points differ in nothing that a record tells once for all of its cells.
    private static func isOneRecord(_ one: borrowing SignalPoint, _ other: borrowing SignalPoint) -> Bool {
        one.at == other.at && one.isOfPart == other.isOfPart && one.knownAt == other.knownAt && one.step == other.step
            && one.subject == other.subject
    }

    private func canHold(_ point: borrowing SignalPoint) -> Bool {
        let bytes = limits.nameBytes
        guard point.step == .milliseconds(point.step.wholeMilliseconds),
            point.contributions.count <= SignalPoint.contributionsMax,
            point.subject.path.utf8.count <= bytes, point.subject.cluster.utf8.count <= bytes,
            point.signal.rawValue.utf8.count <= bytes,
            point.contributions.allSatisfy({ $0.contributor.utf8.count <= bytes })
        else { return false }
        guard case .quantile(let buckets)? = point.evidence else { return true }
        return buckets.bounds.count == buckets.slower.count && buckets.bounds.count <= CellEvidence.boundsMax
    }

    private mutating func note(_ millis: Int64) {
        span = span.map { min($0.lowerBound, millis)...max($0.upperBound, millis) } ?? millis...millis
    }

    private mutating func put(sweep: Timestamp) {
        sink.columns.number(CellHead.sweep, .heads)
        sink.columns.signed(sweep.millis &- chain.lastSweep &- CellHead.sweepMillis, .times)
        chain.lastSweep = sweep.millis
        note(sweep.millis)
    }

    /// Writes cells that share subject, time and step.
    private mutating func put(_ record: Span<SignalPoint>) {
        guard !record.isEmpty else { return }
        let (at, isOfPart) = (record[0].at.millis, record[0].isOfPart)
        let subject = place(of: record[0].subject)
        let isNext = chain.cursor >= 0 && chain.subjects[chain.cursor].next == subject.place
        let step = record[0].step.wholeMilliseconds
        let tracks = shape(of: record, subject.place) ?? makeShape(of: record, subject.place)
        let known = chain.subjects[subject.place]
        let hasShape = known.shape == tracks
        let isStepOn =
            !subject.isNew && !isOfPart && hasShape && known.stepMillis == step && known.lastAt &+ step == at
        let head =
            subject.isNew
            ? CellHead.newSubject : isNext ? CellHead.next : CellHead.subjects + UInt64(subject.place) * 2
        sink.columns.number(head + (isStepOn || subject.isNew ? 0 : 1), .heads)
        if subject.isNew { put(record[0].subject) }
        if !isStepOn { putExplicit(record[0], step, hasShape ? nil : tracks, known) }
        if !isOfPart { chain.move(to: subject.place) }
        let delta = record[0].knownAt.millis &- at
        sink.columns.signed(delta &- known.knownDelta, .times)
        chain.lastAt = at
        if !isOfPart {
            chain.subjects[subject.place].lastAt = at
            chain.subjects[subject.place].knownDelta = delta
            chain.subjects[subject.place].stepMillis = step
            chain.subjects[subject.place].shape = tracks
        }
        sink.startRecord()
        for place in record.indices { chain.tracks[tracks[place]].put(record[place], into: &sink) }
        chain.names += sink.names
        sink.names = 0
        points += record.count
        note(at)
    }

    private mutating func place(of subject: Subject) -> (place: Int, isNew: Bool) {
        // Nearly always the one that came next the last time.
        let next = chain.cursor >= 0 ? chain.subjects[chain.cursor].next : -1
        if next >= 0, chain.subjects[next].subject == subject { return (next, false) }
        if let known = subjects[subject] { return (known, false) }
        chain.subjects.append(CellSubject(subject))
        chain.names += 1
        subjects[subject] = chain.subjects.count - 1
        return (chain.subjects.count - 1, true)
    }

    /// The tracks of a subject's last whole cell when the record has the same signals in the same order, as nearly all
    /// have: nothing is looked up by name then.
    private func shape(of record: Span<SignalPoint>, _ subject: Int) -> [Int]? {
        let shape = chain.subjects[subject].shape
        guard shape.count == record.count else { return nil }
        for place in record.indices where chain.signals[chain.tracks[shape[place]].signal] != record[place].signal {
            return nil
        }
        return shape
    }

    /// The tracks of a record, made where there are none yet.
    private mutating func makeShape(of record: Span<SignalPoint>, _ subject: Int) -> [Int] {
        var tracks: [Int] = []
        tracks.reserveCapacity(record.count)
        for place in record.indices { tracks.append(chain.track(signal(record[place].signal), of: subject)) }
        return tracks
    }

    private mutating func signal(_ name: SignalName) -> Int {
        if let known = signals[name] { return known }
        chain.signals.append(name)
        chain.names += 1
        signals[name] = chain.signals.count - 1
        return chain.signals.count - 1
    }

    private mutating func put(_ subject: Subject) {
        sink.columns.count(Subject.Kind.allCases.firstIndex(of: subject.kind) ?? 0, .heads)
        sink.columns.name(subject.cluster)
        sink.columns.name(subject.path)
    }

    private mutating func putExplicit(_ first: SignalPoint, _ step: Int64, _ shape: [Int]?, _ known: CellSubject) {
        var flags: UInt8 = 0
        if first.isOfPart { flags |= CellRecordFlag.part }
        if known.stepMillis != step { flags |= CellRecordFlag.step }
        if shape != nil { flags |= CellRecordFlag.shape }
        sink.columns.byte(flags, .heads)
        if known.stepMillis != step { sink.columns.signed(step, .times) }
        sink.columns.signed(first.at.millis &- chain.lastAt, .times)
        guard let shape else { return }
        sink.columns.count(shape.count, .heads)
        for track in shape {
            let signal = chain.tracks[track].signal
            sink.columns.count(signal, .heads)
            guard signal == signalsTold else { continue }
            sink.columns.name(chain.signals[signal].rawValue)
            signalsTold += 1
        }
    }
}
