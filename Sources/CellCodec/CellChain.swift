import Signals
import Telemetry

/// What a chain of blocks has said so far: both ends hold the same, and the next block tells what differs.
struct CellChain {
    var subjects: [CellSubject] = []
    var signals: [SignalName] = []
    var tracks: [CellTrack] = []
    /// The subject of the last record; -1 at the start.
    var cursor = -1
    /// `at` of the last record.
    var lastAt: Int64 = 0
    /// The last sweep.
    var lastSweep: Int64 = 0
    /// Names of all sorts.
    var names = 0

    /// Notes that a subject's record is read or written, which makes it the one that is expected after the last.
    @inline(__always)
    mutating func move(to subject: Int) {
        if cursor >= 0 { subjects[cursor].next = subject }
        cursor = subject
    }

    /// The track of a signal of a subject, made when it is new.
    mutating func track(_ signal: Int, of subject: Int) -> Int {
        for track in subjects[subject].tracks where tracks[track].signal == signal { return track }
        tracks.append(CellTrack(subject: subjects[subject].subject, signal: signal, name: signals[signal]))
        subjects[subject].tracks.append(tracks.count - 1)
        return tracks.count - 1
    }
}

/// One subject of a chain.
struct CellSubject {
    let subject: Subject
    /// The subject of the record that came after this one's last; -1 for none yet.
    var next = -1
    /// Of its last whole cell.
    var lastAt: Int64 = 0
    var stepMillis: Int64 = 0
    /// When the last cell was known, from its end.
    var knownDelta: Int64 = 0
    /// The tracks of its last whole cell, in their order.
    var shape: [Int] = []
    /// All its tracks.
    var tracks: [Int] = []

    init(_ subject: Subject) {
        self.subject = subject
    }
}

/// One signal of one subject in a chain.
struct CellTrack {
    /// Of the chain's signals.
    let signal: Int
    /// The last cell; the next one is made of it.
    var last: SignalPoint
    var value = NumberSlot()
    var healthy = NumberSlot()
    /// Whether `valueIfMissingHealthy` is the value.
    var healthyFollows = true
    var volume = NumberSlot()
    var contributors: [CellContributor] = []
    /// Contributors of the last cell, in their order.
    var order: [Int] = []
    /// Whether the only contributor has the cell's own value and volume.
    var contributionFollows = true
    var share = NumberSlot()
    var requests = NumberSlot()

    init(subject: Subject, signal: Int, name: SignalName) {
        self.signal = signal
        last = SignalPoint(
            subject: subject, signal: name, at: Timestamp(millis: 0), step: .zero, value: nil,
            valueIfMissingHealthy: nil, coverage: Coverage(present: 0, expected: 0))
    }
}

/// One contributor of a track.
struct CellContributor {
    let name: String
    var value = NumberSlot()
    var volume = NumberSlot()

    init(_ name: String) {
        self.name = name
    }
}

/// What of a cell differs from the last one of its track: bits of its mask.
enum CellMask {
    static let value: UInt8 = 1
    static let healthy: UInt8 = 2
    static let volume: UInt8 = 4
    static let coverage: UInt8 = 8
    static let order: UInt8 = 16
    static let contributions: UInt8 = 32
    static let evidence: UInt8 = 64
    static let all: UInt8 = 127
}

/// What a record of a subject starts with.
enum CellHead {
    /// The subject that came after this one last time; `+ 1`: and not one step on with the same signals.
    static let next: UInt64 = 0
    static let sweep: UInt64 = 2
    static let newSubject: UInt64 = 3
    /// From here, two for each subject: a step on with the same signals, and not.
    static let subjects: UInt64 = 4
    /// A sweep comes ten seconds after the last one or a little later.
    static let sweepMillis: Int64 = 10_000
}

/// Bits of a record that is not a step on with the same signals.
enum CellRecordFlag {
    static let part: UInt8 = 1
    static let step: UInt8 = 2
    static let shape: UInt8 = 4
    static let all: UInt8 = 7
}

/// How the buckets of a cell are told.
enum CellEvidence {
    static let nothing: UInt8 = 0
    /// The buckets of the cell before in the same record.
    static let same: UInt8 = 1
    static let own: UInt8 = 2
    /// Bits beside these two.
    static let share: UInt8 = 4
    static let bounds: UInt8 = 8
    static let requests: UInt8 = 16
    /// The counts are no whole numbers.
    static let fractions: UInt8 = 32
    static let all: UInt8 = 63
    static let kind: UInt8 = 3
    /// Numbers for a bound: those of the buckets follow.
    static let explicitBound: UInt64 = 0
    static let noBound: UInt64 = 1
    static let firstBound: UInt64 = 2
    static let boundsMax = 1024
}
