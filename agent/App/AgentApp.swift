package import AgentSettings
import ConfigurationKit
import CurlHTTP
import FoundationEssentials
package import Logging
import PodProbe
import PostgresClient
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
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// Makes an agent; nothing is opened before `run`.
    package init(
        settings: AgentSettings, logger: Logger, now: @escaping @Sendable () -> Timestamp = AgentApp.wallClock
    ) {
        self.settings = settings
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
        let http = CurlHTTPClient()
        let postgres = PostgresEventLoop()
        let secrets = SecretFiles(
            environment: ProcessInfo.processInfo.environment, directory: settings.dataDirectory)
        let probes = try ProbeFactory(http: http, postgres: postgres, secrets: secrets, now: now).probes(settings)
        let runner = ProbeRunner(probes: probes, clock: ContinuousClock(), wallClock: now)
        let inbox = UplinkInbox()
        let recorder = FrameRecorder(
            results: runner.results, spool: spool, inbox: inbox, flushInterval: flushInterval, logger: logger)
        // The agent looks at itself with the runner that it tells of, which therefore is there first.
        runner.update(probes: probes + [selfProbe(runner: runner, recorder: recorder, spool: spool)])
        let uplink = Uplink(
            identity: Uplink.Identity(cluster: settings.cluster, node: settings.node, boot: boot()),
            endpoint: Uplink.Endpoint(
                host: settings.coordinator.endpoint.host, port: settings.coordinator.endpoint.port,
                serverName: settings.coordinator.serverName, certificateFile: settings.tls.certificateFile,
                keyFile: settings.tls.keyFile, trustRootsFile: settings.tls.trustRootsFile),
            spool: spool, inbox: inbox, logger: logger, now: now,
            vitals: { await Self.vitals(runner: runner, recorder: recorder, spool: spool, now: now()) })
        logger.info(
            "agent starting",
            metadata: ["node": "\(settings.node)", "cluster": "\(settings.cluster)", "targets": "\(probes.count)"])
        // The order is the order of dependence: the runner stops first, what it found is recorded, what is recorded is
        // sent.
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: uplink), .init(service: recorder),
                .init(service: ClientThreads(http: http, postgres: postgres)),
                .init(service: RunnerService(runner: runner)),
                .init(service: PodWatchService(watchers: probes.compactMap { $0 as? WatchingPodProbe })),
            ], gracefulShutdownSignals: signals, logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(20)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
        await spool.close()
    }

    /// Weak: the runner holds the probe.
    private func selfProbe(
        runner: ProbeRunner<ContinuousClock>, recorder: FrameRecorder, spool: SpoolKeeper
    ) -> SelfProbe {
        SelfProbe(node: settings.node, interval: settings.interval) { [weak runner, weak recorder, weak spool] in
            let recorded = recorder?.counters ?? FrameRecorder.Counters()
            let runs = runner?.counters ?? ProbeRunner<ContinuousClock>.Counters()
            let view = await spool?.view()
            return SelfProbe.Figures(
                usage: SelfUsage.read(), spoolBytes: view?.bytes ?? 0, samples: recorded.samples, edges: recorded.edges,
                samplesRefused: recorded.samplesRefused, samplesLost: view?.lostSamples ?? 0,
                runner: SelfProbe.ProbeCounts(
                    runs: runs.runs, overruns: runs.overruns, skipped: runs.skippedRuns,
                    resultsDropped: runs.resultsDropped))
        }
    }

    /// Samples of one interval share few blocks, yet a fault waits for none of them long.
    private var flushInterval: Duration { min(max(settings.interval / 8, .milliseconds(100)), .seconds(1)) }

    private func boot() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func vitals(
        runner: ProbeRunner<ContinuousClock>, recorder: FrameRecorder, spool: SpoolKeeper, now: Timestamp
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
        return Uplink.Vitals(statuses: statuses, heartbeat: heartbeat)
    }
}

/// The threads of libcurl and libpq: they end after the runner, which needs them to the last probe.
struct ClientThreads: Service {
    let http: CurlHTTPClient
    let postgres: PostgresEventLoop

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await self.http.run() }
            group.addTask { try await self.postgres.run() }
            try? await gracefulShutdown()
            await http.shutdown()
            postgres.stop()
        }
    }
}

/// The probe runner as a service.
struct RunnerService: Service {
    let runner: ProbeRunner<ContinuousClock>

    func run() async throws {
        await withGracefulShutdownHandler {
            await runner.run()
        } onGracefulShutdown: {
            runner.stop()
        }
    }
}
