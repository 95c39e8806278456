import AgentSettings
import CurlHTTP
import FoundationEssentials
import Logging
import PodProbe
import PostgresClient
import Probing
import ServiceLifecycle
import Telemetry

/// The half of the agent that looks: probes of all sources, their runner and what bounds them.
struct ProbingParts {
    let http = CurlHTTPClient()
    let postgres = PostgresEventLoop()
    let runner: ProbeRunner<ContinuousClock>
    let roster: ProbeRoster
    let budget: BudgetKeeper
    let discovered: DiscoveredTargets
    let assigned: AssignedTargets
    /// What `agent.yaml` lists.
    let listed: [any Probe]

    /// Makes the parts; nothing is probed before the runner runs.
    init(
        _ settings: AgentSettings, configurationFolder: String, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) throws {
        let secrets = SecretFiles(
            environment: ProcessInfo.processInfo.environment, directory: settings.dataDirectory)
        let factory = ProbeFactory(
            http: http, postgres: postgres, secrets: secrets, now: now,
            marks: LoginMarks(directory: settings.dataDirectory, logger: logger))
        listed = try factory.probes(settings)
        runner = ProbeRunner(
            probes: [], clock: ContinuousClock(), wallClock: now,
            configuration: .init(seriesMax: settings.limits.seriesMax))
        roster = ProbeRoster(runner: runner)
        budget = BudgetKeeper(
            bytesMax: settings.limits.residentBytesMax, interval: min(settings.interval, .seconds(10)), runner: runner,
            logger: logger)
        discovered = DiscoveredTargets(
            targetsMax: settings.discovery.targetsMax, roster: roster, logger: logger,
            makeProbe: try factory.discovered(settings.discovery))
        assigned = AssignedTargets(roster: roster, logger: logger) { id, definition, interval in
            try factory.assigned(id: id, definition: definition, interval: interval, folder: configurationFolder)
        }
    }

    /// Hands the listed probes to the runner, with the agent's look at itself, and follows what pods ask for.
    func begin(with selfProbe: SelfProbe, followsAnnotations: Bool) {
        roster.set(.listed, listed + [selfProbe])
        guard followsAnnotations else { return }
        for probe in listed.compactMap({ $0 as? any DiscoveringProbe }) {
            probe.discovers { [weak discovered] in discovered?.take($0) }
        }
    }

    /// In the order of dependence: what stops first comes last.
    var services: [any Service] {
        [
            ClientThreads(http: http, postgres: postgres), RunnerService(runner: runner), budget, assigned,
            PodWatchService(watchers: listed.compactMap { $0 as? WatchingPodProbe }, discovered: discovered),
        ]
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
