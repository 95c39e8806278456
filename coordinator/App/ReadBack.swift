import Detection
import Logging
import Telemetry

/// The last samples, read from the newest backwards until detectors have all they look at, or time or room is spent.
struct ReadBack: Sendable {
    /// Samples are read back for this long at most: the longest window of the shipped checks.
    static let spanMax: Duration = .seconds(3900)
    /// Reading and replaying take about this long at most, since agents wait meanwhile.
    static let effortMax: Duration = .seconds(20)
    /// Samples held at once, 12 bytes each.
    static let samplesMax = 16_000_000
    /// What is read back at least.
    static let slice: Duration = .seconds(60)
    /// Read first, to learn what reading and replaying cost.
    private static let firstSlice: Duration = .seconds(300)

    /// Some of it, complete between two times.
    private struct Slice: Sendable {
        var recording: Recording
        var from: Timestamp
        var to: Timestamp
    }

    /// Where it begins.
    private(set) var from: Timestamp
    /// Samples and edges of all of it.
    private(set) var count: Int
    private let end: Timestamp
    /// The newest first.
    private var slices: [Slice]

    private var span: Duration { end - from }

    private init(_ newest: Slice) {
        (from, end) = (newest.from, newest.to)
        count = newest.recording.count
        slices = [newest]
    }

    private mutating func add(_ older: Slice) {
        from = older.from
        count += older.recording.count
        slices.append(older)
    }

    /// Reads from the store, and gives also how many frames and chunks could not be read.
    ///
    /// What took long for little time may hold more than that: a chunk of six hours is decoded as a whole. So each
    /// further slice is as long as there is time for if it cost no less a minute than the last one.
    ///
    /// Throws when not even the newest slice can be read.
    ///
    /// - Parameters:
    ///   - wanted: how far back detectors look.
    ///   - blank: gives a core to measure with.
    static func gathered(
        from source: StoredRecording, until end: Timestamp, wanted: Duration, logger: Logger,
        _ blank: (Timestamp) -> DetectionCore
    ) async throws -> (ReadBack, damaged: Int) {
        let clock = ContinuousClock()
        let began = clock.now
        let wanted = max(slice, min(spanMax, wanted))
        var source = source
        let first = end - min(wanted, firstSlice)
        var past = ReadBack(Slice(recording: try await source.read(from: first, to: end), from: first, to: end))
        var readingCost = (clock.now - began) / past.span
        let replayCost = past.costOfReplay(blank)
        while past.span < wanted {
            let left = effortMax - (clock.now - began) - past.span * replayCost
            let room = past.span * (Double(samplesMax) / Double(max(1, past.count)) - 1)
            let length = min(wanted - past.span, left / (readingCost + replayCost), room)
            guard length >= slice else { break }
            let to = past.from - .milliseconds(1)
            let from = past.from - length
            let started = clock.now
            do {
                past.add(Slice(recording: try await source.read(from: from, to: to), from: from, to: to))
            } catch {
                logger.error("not all of the last samples could be read back", metadata: ["reason": "\(error)"])
                break
            }
            readingCost = (clock.now - started) / length
        }
        return (past, source.damaged)
    }

    /// What replaying takes, for each second replayed: measured in the last minute, after one that makes everything
    /// known.
    private func costOfReplay(_ blank: (Timestamp) -> DetectionCore) -> Double {
        guard let newest = slices.first else { return 0 }
        let middle = max(newest.from, newest.to - Self.slice)
        let start = max(newest.from, middle - Self.slice)
        var core = blank(start)
        _ = core.replay(newest.recording.part(from: start, to: middle - .milliseconds(1)), to: middle)
        let clock = ContinuousClock()
        let began = clock.now
        _ = core.replay(newest.recording.part(from: middle, to: newest.to), to: newest.to)
        return (clock.now - began) / max(.milliseconds(1), newest.to - middle)
    }

    /// Feeds a core with all of it, and gives the findings; what was replayed is given up at once.
    mutating func replay(into core: inout DetectionCore) -> [Finding] {
        var findings: [Finding] = []
        while let slice = slices.popLast() { findings += core.replay(slice.recording, to: slice.to) }
        return findings
    }
}
