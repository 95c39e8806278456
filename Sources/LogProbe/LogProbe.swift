import BlockingWork
package import LogText
package import Probing
package import Telemetry

/// Counts the log entries of the node's containers and of named files by level, learns the patterns of errors and
/// warnings, and keeps the last lines.
///
/// What leaves the probe are counts, and edges that carry a pattern or some last lines; nothing of a log is kept or
/// sent before a `Redactor` has seen it, but for the account and address of a login where a rule asks for them.
///
/// Logs that are there at the first look are followed from their end, later ones from their start. What was written
/// while the agent was down is not counted.
package actor LogProbe: Probe {
    package nonisolated let target: Target
    let configuration: Configuration
    private let redactor: Redactor
    private let executor = QueueExecutor(label: "tocsin.logs")
    private var logs: [String: FollowedLog] = [:]
    private var totals: [LogOwner: Totals] = [:]
    private var figures = Figures()
    private var isFirst = true
    private var patterns: PatternBook<LogOwner>
    private let raw: RawLines
    private let logins: LoginCollector?

    private struct Totals {
        var entries: [LogLevel: UInt64] = [.error: 0, .warn: 0, .info: 0, .debug: 0, .unknown: 0]
        var newPatterns: [LogLevel: UInt64] = [.error: 0, .warn: 0]
        /// When its last lines were told.
        var burstAt: Timestamp?
    }

    private struct Figures {
        var bytes: UInt64 = 0
        var malformed: UInt64 = 0
        var dropped: UInt64 = 0
        var truncations: UInt64 = 0
        var missedFiles: UInt64 = 0
        var filesLeftOut = 0
        /// Logs that are there and could not be opened in the last look, at most `filesMax`.
        var unreadable: [(path: String, reason: String)] = []
        var unmined: UInt64 = 0
        var edgesLeftOut: UInt64 = 0
        var redactions: [Redactor.Kind: UInt64] = [:]
    }

    /// A queue of its own, since its reads may wait for a disk.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a probe.
    ///
    /// - Parameter logins: where logins are looked for; each log is searched by all rules that name it.
    package init(_ configuration: Configuration, redactor: Redactor = Redactor(), logins: [LoginRule] = []) {
        self.configuration = configuration
        self.redactor = redactor
        patterns = PatternBook(limits: configuration.patterns, minersMax: configuration.workloadsMax)
        raw = RawLines(count: LastLines().linesMax)
        self.logins = logins.isEmpty ? nil : LoginCollector(logins, node: configuration.node)
        target = Target(
            kind: .logs, name: configuration.node,
            address: configuration.directory ?? configuration.files.map(\.path).joined(separator: " "),
            labels: [LabelName.node: configuration.node], interval: configuration.interval,
            deadline: configuration.deadline)
    }

    /// Reads what was written since the last run.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        let clock = ContinuousClock()
        let end = clock.now + configuration.deadline
        guard let found = find() else {
            return ProbeReport(outcome: .failure(.internal, "\(configuration.directory ?? "") cannot be read."))
        }
        let opened = open(found, at: startedAt)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var edges: [Edge] = []
        logins?.begin(at: startedAt)
        for path in logs.keys.sorted() where clock.now < end {
            guard let log = logs[path] else { continue }
            var findings = LogFindings()
            let hasMore = log.read(
                bytesMax: configuration.bytesPerLookMax, buffer: buffer, raw: raw, redactor: redactor,
                findings: &findings)
            settle(log, at: startedAt)
            edges += news(of: log, findings, at: startedAt)
            if found[path] == nil, !hasMore { logs[path] = nil }
        }
        edges += ends(before: opened, at: startedAt)
        figures.edgesLeftOut += UInt64(max(0, edges.count - configuration.edgesMax))
        isFirst = false
        return ProbeReport(
            outcome: .success, samples: samples(at: startedAt),
            edges: Array(edges.prefix(configuration.edgesMax)) + (logins?.takeEdges() ?? []), remarks: remarks(found))
    }

    // MARK: Files

    /// The logs that there are, by path; nil when the folder cannot be read.
    private func find() -> [String: LogFile]? {
        var found: [String: LogFile] = [:]
        if let directory = configuration.directory {
            guard let containers = LogSource.containers(directory, roots: configuration.linkRoots) else { return nil }
            found = containers
        }
        for source in configuration.files {
            for file in LogSource.files(source) where found[file.path] == nil { found[file.path] = file }
        }
        return found
    }

    /// Opens logs that are not followed yet, and gives them back.
    private func open(_ found: [String: LogFile], at now: Timestamp) -> [LogFile] {
        figures.filesLeftOut = 0
        figures.unreadable = []
        var opened: [LogFile] = []
        for (path, file) in found.sorted(by: { $0.key < $1.key }) where logs[path] == nil {
            guard logs.count < configuration.filesMax else {
                figures.filesLeftOut += 1
                continue
            }
            // A container's files are told apart by their names.
            if file.runFolder == nil, logs.values.contains(where: { $0.hasRead(path) }) { continue }
            guard let log = FollowedLog(file, atEnd: isFirst, lastLines: LastLines(), logins: logins) else {
                // One that went since it was found is no fault.
                let roots = configuration.linkRoots
                if let reason = LogSource.fault(path, roots: roots) { figures.unreadable.append((path, reason)) }
                continue
            }
            logs[path] = log
            opened.append(file)
        }
        for file in found.values { begin(file.owner, at: now) }
        for source in configuration.files { begin(source.owner, at: now) }
        return opened
    }

    /// What a person should know who waits for lines.
    private func remarks(_ found: [String: LogFile]) -> [String] {
        var remarks = configuration.files.filter { source in !found.values.contains { $0.owner == source.owner } }
            .map { "No file matches \($0.path) of '\($0.name)'." }
        if let first = figures.unreadable.first {
            let count = figures.unreadable.count
            remarks.append(
                "\(count) \(count == 1 ? "log" : "logs") cannot be read, such as \(first.path): \(first.reason).")
        }
        return remarks
    }

    private func begin(_ owner: LogOwner, at now: Timestamp) {
        guard totals[owner] == nil, totals.count < configuration.workloadsMax else { return }
        totals[owner] = Totals()
        patterns.begin(owner, at: now)
    }

    // MARK: Counts

    /// Adds what a log counted since the last look.
    private func settle(_ log: FollowedLog, at now: Timestamp) {
        let news = log.takeNews()
        figures.bytes += news.bytes
        figures.malformed += news.malformed
        figures.truncations += news.truncations
        figures.missedFiles += news.missedFiles
        for (owner, counts) in news.counts {
            begin(owner, at: now)
            for (level, count) in counts {
                if totals[owner] != nil {
                    totals[owner]?.entries[level, default: 0] += count
                } else {
                    figures.dropped += count
                }
            }
        }
    }

    // MARK: Edges

    /// Mines the messages of a look; edges of new patterns, and of a burst of errors.
    private func news(of log: FollowedLog, _ findings: LogFindings, at now: Timestamp) -> [Edge] {
        figures.unmined += findings.unmined
        figures.redactions.merge(findings.redactions, uniquingKeysWith: +)
        var edges: [Edge] = []
        for (owner, level, line) in findings.messages {
            guard let new = patterns.take(line.text, of: owner, at: now) else { continue }
            totals[owner]?.newPatterns[level, default: 0] += 1
            let attributes: LabelSet = [
                "level": level.rawValue, "template": new.template, "sample": line.text, "lines": "\(new.lines)",
            ]
            edges.append(Edge(.logPatternNew, at: now, labels: labels(owner, log), attributes: attributes))
        }
        let owner = log.file.owner
        let isPaused = totals[owner]?.burstAt.map { now - $0 < configuration.burstPause } ?? false
        if findings.errors >= UInt64(configuration.burstErrors), !isPaused {
            totals[owner]?.burstAt = now
            edges.append(lastLines(of: log, reason: "error_burst", at: now, ["errors": "\(findings.errors)"]))
        }
        return edges
    }

    /// The last lines of containers' runs that a newer one has followed.
    private func ends(before opened: [LogFile], at now: Timestamp) -> [Edge] {
        guard !isFirst else { return [] }
        var edges: [Edge] = []
        for file in opened {
            guard let run = file.run else { continue }
            let earlier = logs.values.filter { log in
                !log.isEndTold && log.file.run.map { $0.folder == run.folder && $0.number < run.number } == true
            }
            for log in earlier.sorted(by: { $0.file.runNumber < $1.file.runNumber }) where !log.lastLines.isEmpty {
                log.isEndTold = true
                edges.append(lastLines(of: log, reason: "container_restarted", at: now, LabelSet()))
            }
        }
        return edges
    }

    private func lastLines(of log: FollowedLog, reason: String, at now: Timestamp, _ more: LabelSet) -> Edge {
        let attributes: LabelSet = ["reason": reason, "lines": log.lastLines.text]
        return Edge(
            .logTail, at: now, labels: labels(log.file.owner, log), attributes: attributes.merging(more))
    }

    private func labels(_ owner: LogOwner, _ log: FollowedLog) -> LabelSet {
        let node: LabelSet = [LabelName.node: configuration.node]
        return node.merging(owner.labels).merging(log.file.place)
    }

    // MARK: Samples

    private func samples(at time: Timestamp) -> [Sample] {
        let node: LabelSet = [LabelName.node: configuration.node]
        var samples: [Sample] = []
        func add(_ metric: String, _ labels: LabelSet, _ value: UInt64) {
            samples.append(Sample(Series(metric, labels), time, Double(value)))
        }
        for (owner, totals) in totals {
            let labels = node.merging(owner.labels)
            for (level, count) in totals.entries {
                add("log_lines_total", labels.merging(["level": level.rawValue]), count)
            }
            for (level, count) in totals.newPatterns {
                add("log_new_patterns_total", labels.merging(["level": level.rawValue]), count)
            }
        }
        for kind in Redactor.Kind.allCases {
            add("log_redactions_total", node.merging(["kind": kind.rawValue]), figures.redactions[kind] ?? 0)
        }
        let own: [(String, UInt64)] = [
            ("log_read_bytes_total", figures.bytes), ("log_malformed_lines_total", figures.malformed),
            ("log_lines_dropped_total", figures.dropped), ("log_truncations_total", figures.truncations),
            ("log_missed_files_total", figures.missedFiles), ("log_files", UInt64(logs.count)),
            ("log_files_left_out", UInt64(figures.filesLeftOut)),
            ("log_files_unreadable", UInt64(figures.unreadable.count)), ("log_patterns", UInt64(patterns.count)),
            ("log_patterns_forgotten_total", patterns.evictions),
            ("log_lines_unmined_total", figures.unmined + patterns.refused),
            ("log_edges_left_out_total", figures.edgesLeftOut),
        ]
        for (metric, value) in own { add(metric, node, value) }
        guard let logins else { return samples }
        add("log_login_lines_unread_total", node, logins.unread)
        add("log_logins_left_out_total", node, logins.leftOut)
        return samples + logins.samples(at: time)
    }
}
