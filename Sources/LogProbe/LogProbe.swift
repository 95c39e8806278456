package import Probing
package import Telemetry

/// Counts the log entries of the node's containers by level, from the files that the container runtime writes.
///
/// Only counts leave the probe; no text is kept. Logs that are there at the first look are followed from their end,
/// later ones from
/// their start. What was written while the agent was down is not counted.
package actor LogProbe: Probe {
    /// What is read and how.
    package struct Configuration: Sendable, Hashable {
        /// The node's name; the target's id is `logs/NODE`.
        package var node: String
        /// Folder of pods' logs.
        package var directory: String
        /// Time between two looks.
        package var interval: Duration
        /// Time for one look.
        package var deadline: Duration
        /// Files followed at once, default 1000; more are left out and counted.
        package var filesMax: Int
        /// Bytes read of one file in one look, default 8 MiB; the rest waits for the next.
        package var bytesPerLookMax: Int
        /// Workloads counted apart, default 500; the others are counted as dropped.
        package var workloadsMax: Int

        /// Makes a configuration.
        package init(
            node: String, directory: String = "/var/log/pods", interval: Duration = .seconds(10),
            deadline: Duration = .seconds(5), filesMax: Int = 1000, bytesPerLookMax: Int = 8 << 20,
            workloadsMax: Int = 500
        ) {
            self.node = node
            self.directory = directory
            self.interval = interval
            self.deadline = min(deadline, interval)
            self.filesMax = filesMax
            self.bytesPerLookMax = bytesPerLookMax
            self.workloadsMax = workloadsMax
        }
    }

    package nonisolated let target: Target
    private let configuration: Configuration
    private let executor = BlockingExecutor(label: "tocsin.logs")
    private var logs: [String: FollowedLog] = [:]
    private var totals: [LogOwner: [LogLevel: UInt64]] = [:]
    private var figures = Figures()
    private var isFirst = true

    private struct Figures {
        var bytes: UInt64 = 0
        var malformed: UInt64 = 0
        var dropped: UInt64 = 0
        var truncations: UInt64 = 0
        var missedFiles: UInt64 = 0
        var filesLeftOut = 0
    }

    /// A queue of its own, since its reads may wait for a disk.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a probe.
    package init(_ configuration: Configuration) {
        self.configuration = configuration
        target = Target(
            kind: .logs, name: configuration.node, address: configuration.directory,
            labels: [LabelName.node: configuration.node], interval: configuration.interval,
            deadline: configuration.deadline)
    }

    package func run(startedAt: Timestamp) async -> ProbeReport {
        let clock = ContinuousClock()
        let end = clock.now + configuration.deadline
        guard let found = find() else {
            return ProbeReport(outcome: .failure(.internal, "\(configuration.directory) cannot be read."))
        }
        open(found)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        for path in logs.keys.sorted() where clock.now < end {
            guard let log = logs[path] else { continue }
            let hasMore = log.read(bytesMax: configuration.bytesPerLookMax, buffer: buffer)
            settle(log)
            if found[path] == nil, !hasMore { logs[path] = nil }
        }
        isFirst = false
        return ProbeReport(outcome: .success, samples: samples(at: startedAt))
    }

    /// The logs that there are, by path; nil when the folder cannot be read.
    private func find() -> [String: LogOwner]? {
        let pods = DirectoryList.names(configuration.directory)
        guard !pods.isEmpty || DirectoryList.exists(configuration.directory) else { return nil }
        var found: [String: LogOwner] = [:]
        for pod in pods {
            guard let owner = LogOwner(folder: pod) else { continue }
            for container in DirectoryList.names("\(configuration.directory)/\(pod)") {
                let folder = "\(configuration.directory)/\(pod)/\(container)"
                for name in DirectoryList.names(folder) where Self.isCurrent(name) {
                    found["\(folder)/\(name)"] = owner
                }
            }
        }
        return found
    }

    private static func isCurrent(_ name: String) -> Bool {
        name.hasSuffix(".log") && name.count > 4 && name.dropLast(4).utf8.allSatisfy { (48...57).contains($0) }
    }

    private func open(_ found: [String: LogOwner]) {
        figures.filesLeftOut = 0
        for (path, owner) in found.sorted(by: { $0.key < $1.key }) where logs[path] == nil {
            guard logs.count < configuration.filesMax else {
                figures.filesLeftOut += 1
                continue
            }
            if let log = FollowedLog(path: path, owner: owner, atEnd: isFirst) { logs[path] = log }
        }
        for owner in Set(found.values) where totals[owner] == nil && totals.count < configuration.workloadsMax {
            totals[owner] = [.error: 0, .warn: 0, .info: 0, .debug: 0, .unknown: 0]
        }
    }

    /// Adds what a log counted since the last look.
    private func settle(_ log: FollowedLog) {
        let news = log.takeNews()
        figures.bytes += news.bytes
        figures.malformed += news.malformed
        figures.truncations += news.truncations
        figures.missedFiles += news.missedFiles
        for (level, count) in news.counts {
            if totals[log.owner] != nil {
                totals[log.owner]?[level, default: 0] += count
            } else {
                figures.dropped += count
            }
        }
    }

    private func samples(at time: Timestamp) -> [Sample] {
        let node: LabelSet = [LabelName.node: configuration.node]
        var samples: [Sample] = []
        for (owner, counts) in totals {
            let labels = node.merging([LabelName.namespace: owner.namespace, LabelName.workload: owner.workload])
            for (level, count) in counts {
                let series = Series("log_lines_total", labels.merging(["level": level.rawValue]))
                samples.append(Sample(series, time, Double(count)))
            }
        }
        let own: [(String, Double)] = [
            ("log_read_bytes_total", Double(figures.bytes)), ("log_malformed_lines_total", Double(figures.malformed)),
            ("log_lines_dropped_total", Double(figures.dropped)),
            ("log_truncations_total", Double(figures.truncations)),
            ("log_missed_files_total", Double(figures.missedFiles)), ("log_files", Double(logs.count)),
            ("log_files_left_out", Double(figures.filesLeftOut)),
        ]
        return samples + own.map { Sample(Series($0.0, node), time, $0.1) }
    }
}
