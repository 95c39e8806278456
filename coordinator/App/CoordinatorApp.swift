package import ConfigurationKit
package import CoordinatorSettings
import CurlHTTP
package import Detection
import DetectorStore
import Foundation
import GRPCCore
import IncidentStore
package import Incidents
import IngestWire
package import Logging
import Messages
import Notification
package import Runbook
import SQLiteFile
import SampleStore
import ServiceLifecycle
package import Signals
import Synchronization
package import Telemetry
import TokenAccess
package import UnixSignals

/// The coordinator as one value: opens its stores, continues from its event log, serves until it is told to stop.
///
/// Built by `main` and by tests in the same way; a test starts several in one process.
package struct CoordinatorApp: Sendable {
    /// All that a coordinator is told.
    package struct Configuration: Sendable {
        /// Host of the gRPC listener for callers with certificates.
        package var host: String
        /// Port of the gRPC listener for callers with certificates; 0 takes a free one.
        package var port: Int
        /// PEM files of the mutual TLS; nil: that listener is not there.
        package var tls: TLSFiles?
        /// The gRPC listener for callers with tokens; nil: it is not there.
        package var tokens: TokenListener?
        /// Folder of the stores; made when it is missing.
        package var dataDirectory: String
        /// Host of `/metrics`, `/healthz` and `/readyz`; nil serves none.
        package var httpHost: String?
        /// Port of `/metrics`; 0 takes a free one.
        package var httpPort: Int
        /// Signals.
        package var signals: SignalEngine.Configuration
        /// Checks, severities and overrides at the start.
        package var thresholds: ThresholdSettings
        /// The file that they came from, which is followed; nil follows none.
        package var thresholdsSource: ConfigurationSource?
        /// Incident life.
        package var incidents: IncidentBook.Configuration
        /// Response times and the escalation matrix.
        package var escalation: EscalationPolicy
        /// Channels, contacts and what goes where.
        package var notifications: NotificationSettings
        /// Variables that secrets, and `{env: NAME}` in a changed file, may refer to.
        package var environment: [String: String]
        /// Agents.
        package var fleet: FleetRegistry.Configuration
        /// Targets of each cluster that its agents share.
        package var clusterTargets: [String: [ClusterTarget]]
        /// How long an agent goes on with one of them without an answer.
        package var targetLease: Duration
        /// What an agent may send.
        package var ingest: IngestLimits
        /// What clients may have open.
        package var listener: ListenerLimits
        /// When silence of agents is an incident.
        package var agents: AgentWatch.Configuration
        /// Samples older than this are removed.
        package var sampleAgeMax: Duration
        /// Beyond these bytes the oldest samples are removed.
        package var sampleBytesMax: Int
        /// Cells older than this are removed.
        package var cellAgeMax: Duration
        /// Beyond these bytes the oldest cells are removed.
        package var cellBytesMax: Int
        /// Version said to agents and users.
        package var version: String
        /// The cluster whose events and rollouts are watched; nil: none is.
        package var kubernetes: KubernetesWatch?
    }

    /// PEM files of one side of a connection.
    package struct TLSFiles: Sendable, Hashable {
        /// The own certificate, intermediates after it.
        package var certificate: String
        /// The private key.
        package var key: String
        /// Roots of the other side's certificates.
        package var trustRoots: String

        /// Names the files.
        package init(certificate: String, key: String, trustRoots: String) {
            self.certificate = certificate
            self.key = key
            self.trustRoots = trustRoots
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let address = AddressBox()
    private let tokenAddress = AddressBox()

    /// Makes a coordinator; nothing is opened before `run`.
    package init(
        configuration: Configuration, logger: Logger,
        now: @escaping @Sendable () -> Timestamp = CoordinatorApp.wallClock
    ) {
        self.configuration = configuration
        self.logger = logger
        self.now = now
    }

    /// The system's wall clock.
    package static let wallClock: @Sendable () -> Timestamp = { Timestamp(seconds: Date().timeIntervalSince1970) }

    /// The port the gRPC listener took; waits until it listens.
    package var port: Int { get async { await address.port } }

    /// The port that the listener for tokens took; waits until it listens.
    package var tokenPort: Int { get async { await tokenAddress.port } }

    /// Runs until the task is cancelled, a graceful shutdown is triggered or, with `signals`, the process is told to
    /// stop.
    package func run(signals: [UnixSignal] = []) async throws {
        let counters = CounterBoard()
        let (incidentStore, sampleStore) = try openStores(counters)
        let cells = await CellParts(configuration.dataDirectory, counters: counters, logger: logger, now: now)
        let desk = try MessageDesk(templates: .init(directory: configuration.notifications.templatesDirectory))
        let client = CurlHTTPClient()
        let parts = NotificationParts(
            settings: configuration.notifications, environment: configuration.environment, client: client)
        let notifications = NotificationService(
            channels: parts.channels, limits: parts.limits, store: incidentStore, logger: logger, now: now)
        try await notifications.restore()
        let fleet = FleetRegistry(configuration: configuration.fleet)
        let quota = SeriesQuota(seriesMax: configuration.ingest.seriesPerAgentHourMax)
        let restored = try await Restoration(
            configuration: configuration, incidents: incidentStore, samples: sampleStore, counters: counters,
            logger: logger, startedAt: now()
        ).restored()
        let pipeline = Pipeline(
            restored, store: incidentStore, routing: configuration.notifications.routing,
            notifications: notifications, cells: cells.recorder, counters: counters,
            tickInterval: min(configuration.signals.step / 4, .seconds(1)), logger: logger,
            signsOfLife: { fleet.signsOfLife() }, forget: forgetting(fleet, quota, sampleStore), now: now)
        let health = StoreHealth()
        let writer = StoreWriter(
            store: sampleStore, pipeline: pipeline, counters: counters, health: health, logger: logger, now: now)
        let listeners = try Listeners(
            configuration, counters: counters, client: client, logger: logger, now: now,
            addresses: .init(certificates: address, tokens: tokenAddress),
            services: services(
                fleet: fleet, quota: quota, pipeline: pipeline, writer: writer, samples: sampleStore, cells: cells,
                incidents: incidentStore, notifications: notifications, desk: desk, counters: counters, health: health))
        let cluster = clusterWatch(sampleStore, writer)
        let compaction = CompactionService(store: sampleStore, counters: counters, logger: logger, now: now)
        // The order is the order of dependence: the server stops first, the writer stores what came, the pipeline
        // judges it, and who is to be called for it is called last.
        var running: [any Service] =
            (cells.recorder.map { [$0] } ?? []) + [
                NotificationRunner(notifications: notifications, pipeline: pipeline, client: client), pipeline, writer,
                retention(sampleStore, cells, notifications), compaction, learnedState(pipeline, counters),
                certificateSeries(listeners.keepers, writer),
            ] + listeners.services
        if let (heartbeat, interval) = parts.heartbeat(start: .init(counters.snapshot, notifications.status)) {
            running.append(
                HeartbeatService(
                    heartbeat: heartbeat, interval: interval,
                    progress: { .init(counters.snapshot, notifications.status) }, logger: logger, now: now))
        }
        if let cluster { running.append(cluster) }
        if let thresholds = thresholdsService(pipeline, counters, takesSignals: !signals.isEmpty) {
            running.append(thresholds)
        }
        if let host = configuration.httpHost {
            running.insert(
                HealthService(
                    host: host, port: configuration.httpPort, counters: counters, health: health,
                    certificates: listeners.keepers, tokens: listeners.figures, gate: listeners.gate, fleet: fleet,
                    pipeline: pipeline, writer: writer,
                    listeners: (configuration.tls.map { _ in [address] } ?? [])
                        + (configuration.tokens.map { _ in [tokenAddress] } ?? []),
                    notifications: notifications,
                    cluster: cluster?.board, logger: logger, now: now), at: 0)
        }
        var group = ServiceGroupConfiguration(
            services: running.map { .init(service: $0) }, gracefulShutdownSignals: signals, logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(15)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
    }

    /// What gives up all that is held for agents that are gone.
    private func forgetting(
        _ fleet: FleetRegistry, _ quota: SeriesQuota, _ samples: SampleStore
    ) -> @Sendable ([AgentWatch.Status]) -> Void {
        { gone in
            fleet.forget(gone.map(\.key), now: now())
            quota.forget(now: now())
            samples.forget(agents: gone.map { AgentName(cluster: $0.cluster, node: $0.node) })
        }
    }

    private func retention(
        _ samples: SampleStore, _ cells: CellParts, _ outbox: NotificationService
    ) -> RetentionService {
        RetentionService(
            store: samples, ageMax: configuration.sampleAgeMax, bytesMax: configuration.sampleBytesMax,
            cells: cells.store, cellAgeMax: configuration.cellAgeMax, cellBytesMax: configuration.cellBytesMax,
            outbox: outbox, logger: logger, now: now)
    }

    /// It stops before the pipeline, which it asks one last time.
    private func learnedState(_ pipeline: Pipeline, _ counters: CounterBoard) -> LearnedStateService {
        LearnedStateService(
            writer: DetectorStateWriter(configuration.detectorState), pipeline: pipeline, counters: counters,
            logger: logger, now: now)
    }

    private func certificateSeries(_ keepers: [CertificateKeeper], _ writer: StoreWriter) -> CertificateSeries {
        CertificateSeries(
            cluster: configuration.tokens?.access.policy.cluster ?? configuration.kubernetes?.cluster ?? "",
            interval: configuration.signals.step, keepers: keepers, writer: writer, logger: logger, now: now)
    }

    private func openStores(_ counters: CounterBoard) throws -> (IncidentStore, SampleStore) {
        try FileManager.default.createDirectory(
            atPath: configuration.dataDirectory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let incidentStore = try IncidentStore(directory: configuration.dataDirectory)
        let report = incidentStore.openReport
        if let path = report.quarantinedPath {
            counters.add {
                $0.databasesSetAside[.incidents, default: 0] += 1
                $0.incidentEventsDamaged += UInt64(report.salvage.eventsMissing)
            }
            logger.error(
                "the incident store was damaged and set aside; what can be read was taken over",
                metadata: [
                    "path": "\(path)", "events": "\(report.salvage.events)",
                    "eventsMissing": "\(report.salvage.eventsMissing)", "notices": "\(report.salvage.notices)",
                    "auditRecords": "\(report.salvage.auditRecords)",
                ])
        }
        if let damaged = report.damagedLog {
            counters.add { $0.incidentEventsDamaged += UInt64(damaged.transactions) }
            logger.error(
                "the incident store goes on without transactions that cannot be read any more",
                metadata: ["transactions": "\(damaged.transactions)", "copy": "\(damaged.copy)"])
        }
        let sampleStore = try SampleStore(directory: configuration.dataDirectory)
        if let path = sampleStore.quarantinedPath {
            counters.add { $0.databasesSetAside[.samples, default: 0] += 1 }
            logger.error("the sample store was damaged and set aside", metadata: ["path": "\(path)"])
        }
        return (incidentStore, sampleStore)
    }

    private func clusterWatch(_ store: SampleStore, _ writer: StoreWriter) -> ClusterWatchService? {
        configuration.kubernetes.map { kubernetes in
            ClusterWatchService(
                cluster: kubernetes.cluster, configuration: kubernetes.watch, store: store, writer: writer,
                board: ClusterWatchBoard(), logger: logger, now: now)
        }
    }

    private func thresholdsService(
        _ pipeline: Pipeline, _ counters: CounterBoard, takesSignals: Bool
    ) -> ThresholdsService? {
        configuration.thresholdsSource.map { source in
            ThresholdsService(
                path: source.file, takesSignals: takesSignals,
                reader: ThresholdsReader(
                    step: configuration.signals.step, environment: configuration.environment,
                    notifications: configuration.notifications, inForce: source),
                pipeline: pipeline, counters: counters, logger: logger)
        }
    }

    private func services(
        fleet: FleetRegistry, quota: SeriesQuota, pipeline: Pipeline, writer: StoreWriter, samples: SampleStore,
        cells: CellParts,
        incidents: IncidentStore, notifications: NotificationService, desk: MessageDesk, counters: CounterBoard,
        health: StoreHealth
    ) -> [any RegistrableRPCService] {
        let authorization = PeerAuthorization()
        let assignments = AssignmentBoard(
            configuration: AssignmentBoard.Configuration(
                lease: configuration.targetLease, interval: configuration.signals.step,
                targets: configuration.clusterTargets), counters: counters, startedAt: now())
        let ingest = IngestService(
            configuration: IngestService.Configuration(
                configuration.ingest, helloWithin: configuration.listener.firstCallWithin,
                version: configuration.version),
            authorization: authorization, fleet: fleet, assignments: assignments, writer: writer,
            quota: quota, counters: counters,
            logger: logger, now: now)
        let query = QueryService(
            authorization: authorization, fleet: fleet, pipeline: pipeline, samples: samples,
            replays: ReplayDesk(cells: cells, step: configuration.signals.step), incidents: incidents,
            notifications: notifications, isArmed: configuration.notifications.isArmed, desk: desk,
            audit: AuditDesk(incidents: incidents, counters: counters, logger: logger), counters: counters,
            health: health, version: configuration.version, startedAt: now(), now: now)
        return [ingest, query]
    }
}

/// The port a listener took, once it has.
final class AddressBox: Sendable {
    private struct State {
        var port: Int?
        var waiters: [CheckedContinuation<Int, Never>] = []
        var isOpen = false
    }

    private let state = Mutex(State())

    var port: Int {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Int? in
                    if state.port == nil { state.waiters.append(continuation) }
                    return state.port
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }

    /// Whether it listens now.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// The listener takes no more callers.
    func close() { state.withLock { $0.isOpen = false } }

    func set(_ port: Int) {
        let waiters = state.withLock { state -> [CheckedContinuation<Int, Never>] in
            state.port = port
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: port) }
    }
}
