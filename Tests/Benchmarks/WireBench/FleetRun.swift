import AgentApp
import BenchSupport
import Foundation
import Logging
import Telemetry
import TocsinTestKit

/// A workload played to a real coordinator through a counting proxy.
struct FleetRun: Sendable {
    /// What was counted.
    struct Outcome: Sendable {
        var agents = 0
        var samples = 0
        var bytesUp = 0
        var bytesDown = 0
        /// User and system time of the coordinator's process, from its start to the last acknowledgement.
        var coordinatorSeconds = 0.0
        var residentBytes = 0
        var seconds = 0.0
        /// Milliseconds from a round to the finding that follows from it, ascending; empty when not measured.
        var findingDelays: [Double] = []

        var bytesPerSample: Double { Double(bytesUp + bytesDown) / Double(samples) }
        var coordinatorSecondsPerMillion: Double { coordinatorSeconds / Double(samples) * 1e6 }
    }

    let workload: Workload
    let options: Options
    /// Whether an agent beside the workload has findings to be timed.
    let timesFindings: Bool
    private let cluster = "bench"

    init(workload: Workload, options: Options, timesFindings: Bool = false) {
        self.workload = workload
        self.options = options
        self.timesFindings = timesFindings
    }

    func measure() async throws -> Outcome {
        let nodes = workload.streams.map(\.name) + (timesFindings ? [FindingDelay.node] : [])
        let lab = try await TocsinLab(nodes: nodes, cluster: cluster, binaries: options.binaries)
        try lab.writeCoordinator(
            step: "\(max(1, Int(options.round)))s",
            thresholds: TocsinLab.packageRoot + "/deploy/config/thresholds.yaml", more: limits(agents: nodes.count))
        let coordinator = try await lab.startCoordinator()
        let proxy = try await CountingProxy(to: lab.port)
        let feeds = try nodes.map { node in
            try AgentFeed(configuration(node, lab, proxy), logger: Self.logger)
        }
        var outcome = Outcome()
        outcome.agents = workload.streams.count
        let start = ContinuousClock.now
        let (samples, handedOver) = try await withThrowingTaskGroup(of: (Int, [Int64])?.self) { group in
            for feed in feeds {
                group.addTask {
                    try await feed.run()
                    return nil
                }
            }
            group.addTask { try await self.play(to: feeds) }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let ended { return ended }
            }
            throw Workload.Fault(message: "the links ended before the workload did")
        }
        outcome.samples = samples
        outcome.seconds = (ContinuousClock.now - start) / .seconds(1)
        // What was counted is all that was acknowledged: the links end after this.
        let usage = try ProcessUsage(pid: coordinator.pid)
        outcome.coordinatorSeconds = usage.seconds
        outcome.residentBytes = usage.residentBytes
        (outcome.bytesUp, outcome.bytesDown) = (proxy.bytesUp, proxy.bytesDown)
        try await proxy.close()
        try await check(lab, samples: outcome.samples)
        if timesFindings { outcome.findingDelays = try await FindingDelay.delays(handedOver, in: lab) }
        try await coordinator.terminate()
        return outcome
    }

    /// Plays all rounds, each at its time, and returns once all samples are acknowledged: how many they were, and when
    /// each of the findings' causes was handed over.
    private func play(to feeds: [AgentFeed]) async throws -> (Int, [Int64]) {
        let rounds = min(workload.streams.map(\.rounds.count).max() ?? 0, options.rounds ?? .max)
        guard let origin = workload.streams.first?.rounds.first?.first?.millis else { return (0, []) }
        let interval = originalInterval
        let begin = ContinuousClock.now + .seconds(1)
        let base = AgentApp.wallClock().millis + 1000
        async let beside =
            timesFindings
            ? FindingDelay(feed: feeds[feeds.count - 1], rounds: rounds, interval: options.round).play(from: begin)
            : (0, [])
        var samples = 0
        for round in 0..<rounds {
            try await Task.sleep(until: begin + .seconds(options.round) * round)
            // The round begins where the clock is now; what its samples differ by from each other stays as it was.
            let shift = base + Int64(Double(round) * options.round * 1000) - origin - Int64(round) * interval
            for (stream, feed) in zip(workload.streams, feeds) where round < stream.rounds.count {
                let batch = stream.rounds[round].map { sample in
                    Sample(stream.series[sample.series], Timestamp(millis: sample.millis + shift), sample.value)
                }
                samples += batch.count
                await feed.record(batch)
            }
        }
        let (besideSamples, handedOver) = try await beside
        samples += besideSamples
        let deadline = ContinuousClock.now + .seconds(max(60, options.round * 4))
        for feed in feeds {
            while await feed.unacknowledged > 0 {
                guard ContinuousClock.now < deadline else {
                    throw Workload.Fault(message: "frames were not acknowledged in time")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return (samples, handedOver)
    }

    /// Room for the whole fleet, which may begin all at once.
    ///
    /// An agent's 2,000 series are read by signals to a third, and make up eight subjects.
    private func limits(agents: Int) -> String {
        """
        limits:
          agents: \(max(500, agents))
          subjects: \(max(5000, agents * 10))
          signalSeries: \(max(200_000, agents * 1000))
          connections: \(max(2000, agents * 2))
          newConnections: \(min(10_000, max(256, agents * 2)))
          firstCallWithin: 60s
        """
    }

    /// The workload's own time from round to round, in milliseconds.
    private var originalInterval: Int64 {
        let starts = workload.streams.first?.rounds.compactMap { $0.first?.millis } ?? []
        guard let first = starts.first, let last = starts.last, starts.count > 1 else { return 0 }
        return Int64((Double(last - first) / Double(starts.count - 1) / 1000).rounded()) * 1000
    }

    /// The coordinator must have stored what was counted, and have had room for all that it makes of it.
    private func check(_ lab: TocsinLab, samples: Int) async throws {
        let figures = try await MetricsPage(port: lab.httpPort).figures()
        for name in ["signal_samples_refused", "signal_subjects_refused", "detectors_refused", "cells_lost"] {
            let count = figures["tocsin_coordinator_\(name)_total"] ?? .nan
            guard count == 0 else { throw Workload.Fault(message: "\(name) is \(count): the fleet is beyond a limit") }
        }
        let stored = figures["tocsin_coordinator_samples_stored_total"]
        guard stored == Double(samples) else {
            throw Workload.Fault(message: "\(samples) samples were sent, the coordinator says \(stored ?? 0)")
        }
    }

    private func configuration(_ node: String, _ lab: TocsinLab, _ proxy: CountingProxy) -> AgentFeed.Configuration {
        AgentFeed.Configuration(
            cluster: cluster, node: node, host: "127.0.0.1", port: proxy.port,
            certificateFile: lab.path("tls/agent-\(node).crt"), keyFile: lab.path("tls/agent-\(node).key"),
            trustRootsFile: lab.path("tls/ca.crt"), spoolDirectory: lab.path("spool-\(node)"))
    }

    private static let logger: Logger = {
        var logger = Logger(label: "wire-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }()
}

/// What the operating system says of a process.
struct ProcessUsage {
    /// User and system time.
    var seconds: Double
    var residentBytes: Int

    init(pid: Int32) throws {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // The name may hold spaces; it ends with the last parenthesis. What follows starts with field 3 of proc(5).
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].dropFirst(2).split(separator: " ")
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let pages = Int(fields[21])
        else { throw Workload.Fault(message: "no usage of process \(pid)") }
        seconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        residentBytes = pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
