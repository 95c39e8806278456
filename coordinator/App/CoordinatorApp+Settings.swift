package import ConfigurationKit
import CoordinatorSettings
import Detection
import Incidents
import Signals
import TargetSettings
import Telemetry

extension CoordinatorApp.Configuration {
    /// A configuration with what is doubtful about its files.
    package struct Loading: Sendable {
        /// The configuration.
        package var configuration: CoordinatorApp.Configuration
        /// What is doubtful, by place.
        package var warnings: [ConfigurationIssue]
    }

    /// Reads `coordinator.yaml` and what it names, the thresholds and the templates; everything wrong is reported at
    /// once.
    package static func load(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Loading {
        let files = try CoordinatorFiles.load(path: path, environment: environment)
        return Loading(
            configuration: CoordinatorApp.Configuration(
                files.settings, thresholds: files.thresholds, source: files.thresholdsSource,
                environment: environment),
            warnings: files.warnings)
    }

    init(
        _ settings: CoordinatorSettings, thresholds: ThresholdSettings, source: ConfigurationSource,
        environment: [String: String]
    ) {
        var incidents = IncidentBook.Configuration()
        incidents.reopenWindow = settings.incidents.reopenWithin
        incidents.lowerAfter = settings.incidents.severityHysteresis
        incidents.openIncidentsMax = settings.incidents.openMax
        incidents.correlationWindow = settings.incidents.correlateWithin
        incidents.consequencesOutlast = settings.incidents.consequencesOutlast
        incidents.flapOpenings = settings.incidents.flapping.openings
        incidents.flapWithin = settings.incidents.flapping.within
        incidents.flapQuiet = settings.incidents.flapping.quiet
        self.init(
            host: settings.listen.host, port: settings.listen.port,
            tls: settings.tls.map {
                CoordinatorApp.TLSFiles(
                    certificate: $0.certificateFile, key: $0.keyFile, trustRoots: $0.trustRootsFile)
            }, tokens: settings.tokens.map { TokenListener($0) },
            dataDirectory: settings.dataDirectory, httpHost: settings.httpListen.host,
            httpPort: settings.httpListen.port,
            signals: SignalEngine.Configuration(
                step: settings.step, subjectsMax: settings.limits.subjectsMax,
                seriesMax: settings.limits.signalSeriesMax,
                // A round of all, sent while the one before is not judged yet.
                pendingMax: max(1_000_000, 2 * settings.limits.signalSeriesMax)),
            thresholds: thresholds, thresholdsSource: source, incidents: incidents, escalation: thresholds.escalation,
            notifications: settings.notifications, environment: environment,
            fleet: FleetRegistry.Configuration(
                suspectAfter: settings.agents.suspectAfter, silentAfter: settings.agents.silentAfter,
                agentsMax: settings.limits.agentsMax),
            clusterTargets: Dictionary(
                settings.targets.map { ($0.cluster, Self.targets($0)) }, uniquingKeysWith: { $0 + $1 }),
            targetLease: settings.agents.targetLease,
            ingest: IngestLimits(
                frameBytesMax: settings.limits.frameBytesMax, seriesPerAgentMax: settings.limits.seriesPerAgentMax,
                seriesPerAgentHourMax: settings.limits.seriesPerAgentHourMax, ackWindow: settings.limits.ackWindow),
            listener: ListenerLimits(
                connectionsMax: settings.limits.connectionsMax, newConnectionsMax: settings.limits.newConnectionsMax,
                connectionsPerClientMax: settings.limits.connectionsPerClientMax,
                callsPerClientMax: settings.limits.callsPerClientMax,
                firstCallWithin: settings.limits.firstCallWithin),
            agents: AgentWatch.Configuration(
                suspectAfter: settings.agents.suspectAfter, silentAfter: settings.agents.silentAfter,
                incidentAfter: settings.agents.incidentAfter, blindShare: settings.agents.blindShare,
                blindAgentsMin: settings.agents.blindAgentsMin, forgetAfter: settings.agents.forgetAfter,
                agentsMax: settings.limits.agentsMax),
            sampleAgeMax: settings.retention.age, sampleBytesMax: settings.retention.bytesMax,
            cellAgeMax: settings.retention.cells.age, cellBytesMax: settings.retention.cells.bytesMax,
            version: TocsinVersion.current, kubernetes: settings.kubernetes.map { KubernetesWatch($0) })
    }

    private static func targets(_ settings: ClusterTargets) -> [ClusterTarget] {
        let databases = settings.databases.map { entry in
            ClusterTarget(
                id: "\(Target.Kind.postgresql.rawValue)/\(entry.value.name)", definition: entry.text,
                deadline: entry.value.timing.timeout)
        }
        let checks = settings.checks.map { entry -> ClusterTarget in
            let kind: Target.Kind = if case .tcp = entry.value.subject { .tcp } else { .http }
            return ClusterTarget(
                id: "\(kind.rawValue)/\(entry.value.name)", definition: entry.text,
                deadline: entry.value.timing.timeout)
        }
        return databases + checks
    }
}
