import SampleCodec
import Signals
import Telemetry

/// Reads the blocks of a chain one after the other.
///
/// Bytes are foreign: a crash may have cut them, a disk may have changed them. Nothing traps, limits are checked before
/// memory is taken, and after an error the next block must start a chain.
package struct CellBlockDecoder: Sendable {
    private var chain = CellChain()
    private let limits: CellBlockLimits
    private var index = 0
    private var previous: UInt32 = 0
    private var isSound = false
    /// Counts by bound in this block.
    private var counts = 0

    /// Makes a reader that waits for the first block of a chain.
    package init(limits: CellBlockLimits = CellBlockLimits()) {
        self.limits = limits
    }

    /// Adds what a block holds to a tape; with an error nothing is added.
    package mutating func decode(_ block: [UInt8], onto tape: inout CellTape) throws(CellBlockError) {
        let (points, sweeps) = (tape.points.count, tape.sweeps.count)
        do throws(CellBlockError) {
            try block.withUnsafeBufferPointer { bytes throws(CellBlockError) in
                try read(bytes, &tape)
            }
        } catch {
            tape.points.removeLast(tape.points.count - points)
            tape.sweeps.removeLast(tape.sweeps.count - sweeps)
            isSound = false
            throw error
        }
    }

    private mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, _ tape: inout CellTape) throws(CellBlockError) {
        let (header, range) = try CellBlockHeader.read(bytes, limits: limits)
        if header.index == 0 {
            chain = CellChain()
        } else if !isSound || header.index != index || header.previous != previous {
            throw CellBlockError(.chainBroken, "block \(header.index) of its chain follows another than the last one")
        }
        let payload = UnsafeBufferPointer(rebasing: bytes[range])
        if header.isDeflated {
            guard header.bodyBytes <= Deflate.largestInflation(of: payload.count) else {
                throw CellBlockError(.limitExceeded, "\(payload.count) bytes cannot inflate to \(header.bodyBytes)")
            }
            let body: [UInt8]
            do throws(SampleBlockError) {
                body = try Deflate.decompress(payload, size: header.bodyBytes)
            } catch {
                throw CellBlockError(.malformed, error.message)
            }
            try body.withUnsafeBufferPointer { body throws(CellBlockError) in try read(body, header, &tape) }
        } else {
            guard payload.count == header.bodyBytes else {
                throw CellBlockError(.truncated, "\(payload.count) bytes of \(header.bodyBytes)")
            }
            try read(payload, header, &tape)
        }
        let checksum = UnsafeBufferPointer(rebasing: bytes[(bytes.count - 4)...])
        (index, isSound) = (header.index + 1, true)
        previous = checksum.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private mutating func read(
        _ body: UnsafeBufferPointer<UInt8>, _ header: CellBlockHeader, _ tape: inout CellTape
    ) throws(CellBlockError) {
        guard var columns = CellColumnsReader(body) else {
            throw CellBlockError(.malformed, "the columns are not as long as the body")
        }
        counts = 0
        let end = tape.points.count + header.points
        tape.points.reserveCapacity(end)
        while columns.heads.remaining > 0, !columns.hasFailed {
            let head = columns.heads.number()
            if head == CellHead.sweep {
                chain.lastSweep = chain.lastSweep &+ CellHead.sweepMillis &+ columns.times.signed()
                tape.appendSweep(at: Timestamp(millis: chain.lastSweep))
            } else {
                takeRecord(head, &columns, &tape, end: end)
            }
            guard chain.names <= limits.names else {
                throw CellBlockError(.limitExceeded, "more than \(limits.names) names in a chain")
            }
        }
        guard columns.isDone, tape.points.count == end else {
            throw CellBlockError(.malformed, "the columns do not hold \(header.points) cells, or hold more")
        }
    }

    // MARK: Records

    /// Reads the cells of one subject and time; a failure shows in the columns.
    private mutating func takeRecord(
        _ head: UInt64, _ columns: inout CellColumnsReader, _ tape: inout CellTape, end: Int
    ) {
        guard let (subject, isStepOn) = takeSubject(head, &columns) else { return columns.heads.fail() }
        let known = chain.subjects[subject]
        var (shape, step, isPart) = (known.shape, known.stepMillis, false)
        var at = known.lastAt &+ step
        if !isStepOn {
            let flags = columns.heads.byte()
            guard flags & ~CellRecordFlag.all == 0 else { return columns.heads.fail() }
            isPart = flags & CellRecordFlag.part != 0
            if flags & CellRecordFlag.step != 0 { step = columns.times.signed() }
            at = chain.lastAt &+ columns.times.signed()
            if flags & CellRecordFlag.shape != 0 { shape = takeShape(of: subject, &columns) }
        }
        guard !shape.isEmpty, shape.count <= end - tape.points.count, !columns.hasFailed else {
            return columns.heads.fail()
        }
        let delta = known.knownDelta &+ columns.times.signed()
        chain.lastAt = at
        if !isPart {
            chain.move(to: subject)
            chain.subjects[subject].lastAt = at
            chain.subjects[subject].knownDelta = delta
            chain.subjects[subject].stepMillis = step
            if !isStepOn { chain.subjects[subject].shape = shape }
        }
        let place = CellPlace(
            at: Timestamp(millis: at), knownAt: Timestamp(millis: at &+ delta), step: .milliseconds(step),
            isPart: isPart)
        takeCells(shape, place, &columns, &tape)
    }

    /// The subject that a head names, and whether it is a step on; nil where the head makes no sense.
    private mutating func takeSubject(
        _ head: UInt64, _ columns: inout CellColumnsReader
    ) -> (subject: Int, isStepOn: Bool)? {
        if head <= CellHead.next + 1 {
            guard chain.cursor >= 0, chain.subjects[chain.cursor].next >= 0 else { return nil }
            return (chain.subjects[chain.cursor].next, head == CellHead.next)
        }
        if head == CellHead.newSubject {
            let kind = columns.heads.count(atMost: Subject.Kind.allCases.count - 1)
            let cluster = columns.text.name(bytesMax: limits.nameBytes)
            let path = columns.text.name(bytesMax: limits.nameBytes)
            guard !columns.hasFailed else { return nil }
            chain.subjects.append(
                CellSubject(Subject(cluster: cluster, kind: Subject.Kind.allCases[kind], path: path)))
            chain.names += 1
            return (chain.subjects.count - 1, false)
        }
        let place = (head - CellHead.subjects) / 2
        guard place < UInt64(chain.subjects.count) else { return nil }
        return (Int(place), (head - CellHead.subjects) & 1 == 0)
    }

    private mutating func takeShape(of subject: Int, _ columns: inout CellColumnsReader) -> [Int] {
        // Each signal takes a byte at least.
        let count = columns.heads.count(atMost: columns.heads.remaining)
        var shape: [Int] = []
        for _ in 0..<count {
            let signal = columns.heads.count(atMost: chain.signals.count)
            if signal == chain.signals.count {
                chain.signals.append(SignalName(rawValue: columns.text.name(bytesMax: limits.nameBytes)))
                chain.names += 1
            }
            guard !columns.hasFailed else { return [] }
            shape.append(chain.track(signal, of: subject))
        }
        return shape
    }

    private mutating func takeCells(
        _ shape: [Int], _ place: CellPlace, _ columns: inout CellColumnsReader, _ tape: inout CellTape
    ) {
        var record = CellRecord(
            namesMax: limits.names - chain.names, countsMax: limits.counts - counts, nameBytesMax: limits.nameBytes)
        chain.tracks.withUnsafeMutableBufferPointer { tracks in
            for track in shape {
                let mask = columns.masks.byte()
                if mask != 0 {
                    record.change(&tracks[track], mask, &columns)
                    if columns.hasFailed { return }
                }
                tracks[track].last.move(to: place)
                record.note(tracks[track])
                tape.points.append(tracks[track].last)
            }
        }
        chain.names += record.names
        counts += record.counts
    }
}

/// Where on the grid the cells of a record are.
struct CellPlace {
    let at: Timestamp
    let knownAt: Timestamp
    let step: Duration
    let isPart: Bool
}

extension SignalPoint {
    @inline(__always)
    fileprivate mutating func move(to place: CellPlace) {
        at = place.at
        step = place.step
        knownAt = place.knownAt
        if isOfPart != place.isPart { isOfPart = place.isPart }
    }
}
