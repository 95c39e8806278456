package import AgentSettings
import ConfigurationKit
import FoundationEssentials
package import Logging
import Probing
import SegmentSpool
import ServiceLifecycle
package import Telemetry
import TocsinProto
package import UnixSignals

/// The agent as one value: opens its spool, probes its targets, streams until it is told to stop.
///
/// Built by `main` and by tests in the same way.
package struct AgentApp: Sendable {
    private let settings: AgentSettings
    private let configurationFolder: String
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// Makes an agent; nothing is opened before `run`.
    ///
    /// - Parameter configurationFolder: where relative paths in what the coordinator assigns start from.
    package init(
        settings: AgentSettings, configurationFolder: String, logger: Logger,
        now: @escaping @Sendable () -> Timestamp = AgentApp.wallClock
    ) {
        self.settings = settings
        self.configurationFolder = configurationFolder
        self.logger = logger
        self.now = now
    }

    /// The system's wall clock.
    package static let wallClock: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }

    /// Runs until the task is cancelled, a graceful shutdown is triggered or, with `signals`, the process is told to
    /// stop.
    package func run(signals: [UnixSignal] = []) async throws {
        let spool = try SpoolKeeper(
            directory: settings.dataDirectory + "/spool", bytesMax: settings.spool.bytesMax, logger: logger)
        let probing = try ProbingParts(
            settings, configurationFolder: configurationFolder, logger: logger, now: now)
        let runner = probing.runner
        let assigned = probing.assigned
        let inbox = UplinkInbox()
        let recorder = FrameRecorder(
            results: runner.results, spool: spool, inbox: inbox, flushInterval: flushInterval, logger: logger)
        let pulse = AgentPulse(silenceMax: max(settings.interval * 3, .seconds(30)))
        let clock = UplinkClock(now: now)
        let figures = figures(probing, recorder: recorder, spool: spool, clock: clock)
        let selfProbe = SelfProbe(node: settings.node, interval: settings.interval, certificateFile: certificateFile) {
            pulse.beat()
            return await figures()
        }
        probing.begin(with: selfProbe, followsAnnotations: settings.discovery.isEnabled)
        let uplink = Uplink(
            identity: Uplink.Identity(cluster: settings.cluster, node: settings.node, boot: boot()),
            endpoint: Uplink.Endpoint(settings),
            spool: spool, inbox: inbox, assigned: assigned, logger: logger,
            backfillBytesPerSecond: settings.spool.backfillBytesPerSecond, now: now, clock: clock,
            interval: settings.interval,
            vitals: {
                await Self.vitals(runner: runner, recorder: recorder, spool: spool, assigned: assigned, now: now())
            })
        logger.info(
            "agent starting",
            metadata: [
                "node": "\(settings.node)", "cluster": "\(settings.cluster)", "targets": "\(probing.listed.count)",
            ])
        if let interruption = spool.interruption {
            await recorder.record([gap(after: interruption, deadlines: probing.listed.map(\.target.deadline))])
        }
        // The order is the order of dependence: the runner stops first, what it found is recorded, what is recorded is
        // sent.
        let pages = AgentPages(pulse: pulse, figures: figures).listener(settings.httpListen, logger: logger)
        let services: [any Service] = [pages, uplink, recorder] + probing.services
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: signals, logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(20)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
        await spool.close()
    }

    /// What the process before had measured and not written when it died, as an edge: it goes the way of what is
    /// measured, once and in its place.
    ///
    /// A probe that was under way began its deadline earlier at most.
    private func gap(after interruption: SpoolInterruption, deadlines: [Duration]) -> Edge {
        let at = now()
        let from = interruption.lastMillis.map { last in
            min(at, Timestamp(millis: last) - max(settings.interval, deadlines.max() ?? .zero))
        }
        logger.warning(
            "the agent did not end in order the last time; what it had measured and not written is gone",
            metadata: ["from": "\(from?.rfc3339 ?? "unknown")", "to": "\(at.rfc3339)"])
        return Edge(
            .agentGap, at: at, labels: [LabelName.node: settings.node],
            attributes: from.map { [Edge.gapFrom: "\($0.millis)"] } ?? LabelSet())
    }

    private var certificateFile: String? {
        if case .certificate(let files) = settings.credentials { files.certificateFile } else { nil }
    }

    /// Weak: the runner holds the probe that asks for them.
    private func figures(
        _ probing: ProbingParts, recorder: FrameRecorder, spool: SpoolKeeper, clock: UplinkClock
    ) -> @Sendable () async -> AgentFigures {
        let (runner, budget, discovered) = (probing.runner, probing.budget, probing.discovered)
        return { [weak runner, weak recorder, weak spool, weak budget, weak discovered, settings] in
            let recorded = recorder?.counters ?? FrameRecorder.Counters()
            let view = await spool?.view()
            return AgentFigures(
                usage: SelfUsage.read(), residentBytesMax: settings.limits.residentBytesMax,
                spoolBytes: view?.bytes ?? 0, spoolBytesMax: settings.spool.bytesMax,
                spoolMemoryBytes: view?.unwrittenBytes ?? 0, isSpoolFailing: view?.isFailing ?? false,
                samples: recorded.samples, edges: recorded.edges, samplesRefused: recorded.samplesRefused,
                edgesRefused: recorded.edgesRefused,
                samplesLost: view?.lostSamples ?? 0,
                targets: runner?.statuses.count ?? 0, series: runner?.liveSeriesCount ?? 0,
                seriesMax: settings.limits.seriesMax, shedLevel: budget?.level ?? 0,
                discovered: discovered?.counts ?? DiscoveredTargets.Counts(),
                runner: runner?.counters ?? ProbeRunner<ContinuousClock>.Counters(), clock: clock.reading)
        }
    }

    /// Samples of one interval share few blocks, yet a fault waits for none of them long.
    private var flushInterval: Duration { min(max(settings.interval / 8, .milliseconds(100)), .seconds(1)) }

    private func boot() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func vitals(
        runner: ProbeRunner<ContinuousClock>, recorder: FrameRecorder, spool: SpoolKeeper, assigned: AssignedTargets,
        now: Timestamp
    ) async -> Uplink.Vitals {
        let statuses = runner.statuses
        let usage = SelfUsage.read()
        let recorded = recorder.counters
        let view = await spool.view()
        var heartbeat = Tocsin_V1_Heartbeat()
        heartbeat.sentAtMillis = now.millis
        heartbeat.series = UInt64(statuses.reduce(0) { $0 + $1.lastSampleCount })
        heartbeat.samplesTotal = recorded.samples
        heartbeat.lostSamplesTotal = view.lostSamples + recorded.samplesRefused
        heartbeat.spoolBytes = UInt64(view.bytes)
        heartbeat.rssBytes = usage.residentBytes
        heartbeat.cpuSeconds = usage.cpuSeconds
        assigned.sign(&heartbeat)
        return Uplink.Vitals(statuses: statuses, heartbeat: heartbeat)
    }
}
