import LogText
import Telemetry

/// A log to be followed.
struct LogFile: Hashable, Sendable {
    /// What it holds.
    enum Form: Hashable, Sendable {
        case lines(EntryCounter.Form)
        /// Docker's own form.
        case docker
        case journal
    }

    var path: String
    var form: Form
    var owner: LogOwner
    /// Its name among the files that are configured; nil for a container's.
    var name: String?
    /// What its edges carry beside the owner's labels: pod and container.
    var place = LabelSet()
    /// Folder and number of a container's run.
    var run: (folder: String, number: Int)? { runFolder.map { ($0, runNumber) } }
    var runFolder: String?
    var runNumber = 0
}

/// Lines of one look that are kept until it ends, at most as many as the last lines that are kept for longer.
///
/// Each log uses it in turn, so that secrets are looked for in few lines and those that are never shown cost a copy.
final class RawLines {
    struct Slot {
        var bytes: [UInt8] = []
        /// The state of the stream before the line.
        var block = KeyBlock()
        /// Whether its secrets were counted already.
        var isCounted = false
    }

    private var slots: [Slot]
    private var next = 0
    private var count = 0

    init(count: Int) {
        slots = Array(repeating: Slot(), count: max(1, count))
    }

    func append(_ text: UnsafeRawBufferPointer, block: KeyBlock, isCounted: Bool) {
        slots[next].bytes.removeAll(keepingCapacity: true)
        // One byte more than is looked at tells that the line is longer.
        slots[next].bytes += text.prefix(Redactor.windowBytesMax + 1)
        slots[next].block = block
        slots[next].isCounted = isCounted
        next = next + 1 == slots.count ? 0 : next + 1
        count = min(count + 1, slots.count)
    }

    /// Gives out the lines, oldest first, and forgets them.
    func drain(_ give: (Slot) -> Void) {
        for index in 0..<count { give(slots[(next + slots.count - count + index) % slots.count]) }
        count = 0
    }
}

/// What one look at one log found beside counts.
struct LogFindings {
    /// Messages that are bad enough to be mined, without their secrets.
    var messages: [(owner: LogOwner, level: LogLevel, line: RedactedLine)] = []
    /// Messages beyond the bound.
    var unmined: UInt64 = 0
    /// Secrets that were taken out of lines that were kept.
    var redactions: [Redactor.Kind: UInt64] = [:]
    /// Errors among the entries.
    var errors: UInt64 = 0

    mutating func count(_ line: RedactedLine) {
        for (kind, count) in line.counts { redactions[kind, default: 0] += UInt64(count) }
    }
}

/// A log that is followed, with what it counted.
///
/// Lives inside the probe.
final class FollowedLog {
    /// What came since the last call.
    struct News {
        var counts: [LogOwner: [LogLevel: UInt64]] = [:]
        var malformed: UInt64 = 0
        var bytes: UInt64 = 0
        var truncations: UInt64 = 0
        var missedFiles: UInt64 = 0
    }

    /// Messages of one look that are mined.
    static let messagesMax = 500
    /// Units of one journal that are counted apart.
    static let unitsMax = 200

    let file: LogFile
    private let tail: LogTail?
    private let pipe: PipeTail?
    private var splitter = LineSplitter()
    private var docker = DockerLineReader()
    private var journal: JournalReader
    private var counter: EntryCounter
    private var units: [String: EntryCounter] = [:]
    private let logins: LoginCollector?
    /// Where this log is searched for logins; nil: nowhere.
    private let loginSource: LoginCollector.Source?
    /// The same of a journal's units.
    private var unitLoginSources: [String: LoginCollector.Source?] = [:]
    private var block = KeyBlock()
    private(set) var lastLines: LastLines
    /// Whether the end of the container's run was told.
    var isEndTold = false

    private var seen: EntryCounter
    private var seenUnits: [String: EntryCounter] = [:]
    private var seenTail = LogTail.Counters()
    private var seenPipe: UInt64 = 0
    private var seenMalformed: UInt64 = 0

    init?(_ file: LogFile, atEnd: Bool, lastLines: LastLines, logins: LoginCollector? = nil) {
        tail = LogTail(path: file.path, atEnd: atEnd)
        pipe = tail == nil ? PipeTail(path: file.path) : nil
        guard tail != nil || pipe != nil else { return nil }
        self.file = file
        self.lastLines = lastLines
        self.logins = logins
        loginSource = file.form == .journal ? nil : logins?.source(file.owner, in: file)
        journal = JournalReader(atStart: !atEnd || pipe != nil)
        counter = EntryCounter(file.form == .lines(.container) ? .container : .plain)
        seen = counter
    }

    /// Whether a file is or was one of this log's.
    func hasRead(_ path: String) -> Bool { tail?.hasRead(path) ?? false }

    /// Reads what is new, at most about `bytesMax`; true when there may be more.
    func read(
        bytesMax: Int, buffer: UnsafeMutableRawBufferPointer, raw: RawLines, redactor: Redactor,
        findings: inout LogFindings
    ) -> Bool {
        let errorsBefore = errors
        var found = LogFindings()
        logins?.beginLog()
        let hasMore: Bool
        if file.form == .journal {
            hasMore = pieces(bytesMax, buffer) { piece in
                switch piece {
                case .bytes(let bytes): journal.take(bytes) { take($0, raw, redactor, &found) }
                case .gap: journal.reset()
                }
            }
        } else {
            var (splitter, counter, docker) = (splitter, counter, docker)
            let isDocker = file.form == .docker
            hasMore = pieces(bytesMax, buffer) { piece in
                switch piece {
                case .bytes(let bytes):
                    splitter.split(bytes) { line in
                        guard isDocker else {
                            let entry = counter.take(line)
                            findLogin(entry, line)
                            return take(entry, file.owner, raw, redactor, &found)
                        }
                        docker.read(line) { text in
                            let entry = counter.take(text)
                            findLogin(entry, nil)
                            take(entry, file.owner, raw, redactor, &found)
                        }
                    }
                case .gap: splitter.reset()
                }
            }
            (self.splitter, self.counter, self.docker) = (splitter, counter, docker)
        }
        raw.drain { slot in
            var block = slot.block
            let line = redactor.redact(slot.bytes, block: &block)
            if !slot.isCounted { found.count(line) }
            lastLines.append(line)
        }
        found.errors = errors - errorsBefore
        findings = found
        return hasMore
    }

    func takeNews() -> News {
        defer {
            (seen, seenUnits) = (counter, units)
            seenTail = tail?.counters ?? seenTail
            seenPipe = pipe?.bytes ?? 0
            seenMalformed = journal.malformed + docker.malformed
        }
        var news = News()
        if file.form == .journal {
            for (unit, counter) in units {
                let owner = unit.isEmpty ? file.owner : file.owner.unit(unit)
                news.counts[owner] = Self.increase(counter, since: seenUnits[unit])
            }
        } else {
            news.counts[file.owner] = Self.increase(counter, since: seen)
        }
        news.malformed = counter.malformed - seen.malformed + journal.malformed + docker.malformed - seenMalformed
        let now = tail?.counters ?? seenTail
        news.bytes = now.bytes - seenTail.bytes + (pipe?.bytes ?? 0) - seenPipe
        news.truncations = now.truncations - seenTail.truncations
        news.missedFiles = now.missedFiles - seenTail.missedFiles
        return news
    }

    // MARK: Entries

    private var errors: UInt64 {
        file.form == .journal ? units.values.reduce(0) { $0 + $1[.error] } : counter[.error]
    }

    private func pieces(
        _ bytesMax: Int, _ buffer: UnsafeMutableRawBufferPointer, _ take: (LogTail.Piece) -> Void
    ) -> Bool {
        if let tail { return tail.read(bytesMax: bytesMax, buffer: buffer, pieces: take) }
        return pipe?.read(bytesMax: bytesMax, buffer: buffer, pieces: take) ?? false
    }

    private func take(_ entry: JournalEntry, _ raw: RawLines, _ redactor: Redactor, _ found: inout LogFindings) {
        let isKnown = units[entry.unit] != nil || units.count < Self.unitsMax
        let unit = isKnown ? entry.unit : "other"
        var counter = units[unit] ?? EntryCounter(.plain)
        let owner = unit.isEmpty ? file.owner : file.owner.unit(unit)
        let source = loginSource(entry.unit)
        entry.message.withUnsafeBytes { message in
            if let source { logins?.take(message, of: source) { nil } }
            take(counter.take(entry: message, or: entry.level), owner, raw, redactor, &found)
        }
        units[unit] = counter
    }

    /// By the entry's own unit, also where there are too many to count each apart.
    private func loginSource(_ unit: String) -> LoginCollector.Source? {
        guard let logins else { return nil }
        if let known = unitLoginSources[unit] { return known }
        let source = logins.source(unit.isEmpty ? file.owner : file.owner.unit(unit), in: file)
        if unitLoginSources.count < Self.unitsMax { unitLoginSources[unit] = .some(source) }
        return source
    }

    /// Looks for a login in an entry; a container's line says when it was written.
    private func findLogin(_ entry: LogLine, _ line: UnsafeRawBufferPointer?) {
        guard let loginSource, case .entry(_, let text) = entry else { return }
        logins?.take(text, of: loginSource) {
            guard let line, file.form == .lines(.container) else { return nil }
            return Timestamp(rfc3339: String(decoding: line.prefix { $0 != 32 }, as: UTF8.self))
        }
    }

    private func take(
        _ line: LogLine, _ owner: @autoclosure () -> LogOwner, _ raw: RawLines, _ redactor: Redactor,
        _ found: inout LogFindings
    ) {
        let before = block
        switch line {
        case .malformed, .part: break
        case .continuation(let text):
            block.follow(text)
            raw.append(text, block: before, isCounted: false)
        case .entry(let level, let text):
            block.follow(text)
            let isMined = level == .error || level == .warn
            let hasRoom = isMined && found.messages.count < Self.messagesMax
            if hasRoom {
                var block = before
                let line = redactor.redact(text, block: &block)
                found.count(line)
                found.messages.append((owner(), level, line))
            } else if isMined {
                found.unmined += 1
            }
            raw.append(text, block: before, isCounted: hasRoom)
        }
    }

    private static func increase(_ counter: EntryCounter, since before: EntryCounter?) -> [LogLevel: UInt64] {
        Dictionary(
            uniqueKeysWithValues: LogLevel.allCases.map { ($0, counter[$0] - (before?[$0] ?? 0)) })
    }
}
