import ActuatorProbe
import AgentSettings
import CheckProbe
import ConfigurationKit
import CurlHTTP
import HostProbe
import LogProbe
import LogText
import PodProbe
import PostgresClient
import PostgresProbe
import Probing
import PrometheusProbe
import Selectors
import TargetSettings
import Telemetry

/// Makes the probes that `agent.yaml` lists, and those that the coordinator assigns in the same words.
struct ProbeFactory: Sendable {
    let http: CurlHTTPClient
    let postgres: PostgresEventLoop
    let secrets: SecretFiles
    let now: @Sendable () -> Timestamp
    /// Where probes keep how far they have read audit events; nil: nowhere.
    var marks: LoginMarks?

    /// One probe for each target; throws when a secret named by an environment variable is missing.
    func probes(_ settings: AgentSettings) throws -> [any Probe] {
        var probes: [any Probe] = []
        if let host = settings.host { probes.append(self.host(host, node: settings.node)) }
        let kubelet = settings.kubelet.map { pods($0, node: settings.node) }
        if let watch = watch(settings) {
            probes.append(WatchingPodProbe(watch, http: http, wallClock: now))
        } else if let kubelet {
            probes.append(PodProbe(kubelet, fetcher: http))
        }
        for entry in settings.actuators { probes.append(try actuator(entry, node: settings.node)) }
        for entry in settings.prometheus { probes.append(try prometheus(entry, node: settings.node)) }
        for entry in settings.databases { probes.append(try database(entry)) }
        for entry in settings.checks { probes.append(check(entry)) }
        if let logs = settings.logs {
            probes.append(try self.logs(logs, node: settings.node))
        }
        return probes
    }

    /// Throws when an expression is wrong, which the settings have checked.
    private func logs(_ logs: LogSettings, node: String) throws -> any Probe {
        var configuration = LogProbe.Configuration(
            node: node, directory: logs.directory, interval: logs.timing.interval, deadline: logs.timing.timeout)
        configuration.files = logs.files.map { file in
            LogProbe.Files(
                name: file.name, path: file.path, form: file.format == .journal ? .journal : .plain,
                labels: file.labels)
        }
        let patterns = try logs.redact.map { try SearchPattern($0) }
        let logins = logs.logins.map { entry in
            LogProbe.LoginRule(patterns: entry.patterns) { labels, file in
                entry.applies(
                    namespace: labels[LabelName.namespace], workload: labels[LabelName.workload], file: file,
                    unit: labels["unit"])
            }
        }
        return LogProbe(configuration, redactor: Redactor(patterns: patterns), logins: logins)
    }

    /// What the agent reads of its kubelet and of the API server, to be tried.
    func access(_ settings: AgentSettings) -> PodAccess {
        PodAccess(
            watch: watch(settings), kubelet: settings.kubelet.map { pods($0, node: settings.node) }, http: http)
    }

    private func watch(_ settings: AgentSettings) -> PodWatchConfiguration? {
        settings.kubernetes.map { kubernetes in
            PodWatchConfiguration(
                server: server(kubernetes, node: settings.node),
                kubelet: settings.kubelet.map { pods($0, node: settings.node) })
        }
    }

    /// The probe of a cluster target; relative paths in its definition start from `folder`.
    ///
    /// Throws what is wrong with the definition, or with a secret that it names.
    func assigned(id: String, definition: String, interval: Duration, folder: String) throws -> any Probe {
        func decode<Value: Sendable>(_ decode: (Section) -> Value) throws -> Value {
            try ConfigurationFile.decodePart(
                definition, name: id, folder: folder, environment: secrets.environment, decode)
        }
        if id.hasPrefix("\(Target.Kind.postgresql.rawValue)/") {
            return try database(try decode { DatabaseSettings($0, interval: interval) })
        }
        return check(try decode { CheckSettings($0, interval: interval) })
    }

    private func check(_ entry: CheckSettings) -> any Probe {
        let subject: CheckProbe.Subject
        switch entry.subject {
        case .tcp(let endpoint): subject = .tcp(host: endpoint.host, port: endpoint.port)
        case .http(let url, let statuses, let body):
            let expectation: BodyExpectation? =
                switch body {
                case .text(let text): .contains(text)
                case .pattern(let pattern): .matches(pattern)
                case nil: nil
                }
            subject = .http(url: url, statuses: statuses, body: expectation)
        }
        return CheckProbe(
            CheckProbe.Configuration(
                name: entry.name, subject: subject, labels: entry.labels, trust: trust(entry.trust),
                interval: entry.timing.interval, deadline: entry.timing.timeout), http: http)
    }

    private func trust(_ settings: TrustSettings) -> HTTPRequest.Trust {
        switch settings {
        case .system: .system
        case .roots(let file, let serverName): .roots(file: file, serverName: serverName)
        case .pin(let sha256): .pin(sha256: sha256)
        case .insecure: .insecure
        }
    }

    private func host(_ host: HostSettings, node: String) -> any Probe {
        HostProbe(
            HostProbe.Configuration(
                node: node, mounts: host.mounts, procDirectory: host.procDirectory, rootDirectory: host.rootDirectory,
                interval: host.timing.interval, deadline: host.timing.timeout))
    }

    private func pods(_ kubelet: KubeletSettings, node: String) -> PodProbeConfiguration {
        let trust: PodProbeConfiguration.Trust =
            switch kubelet.trust {
            case .system: .clusterCA(file: Self.systemRoots, serverName: nil)
            case .roots(let file, let serverName): .clusterCA(file: file, serverName: serverName)
            case .pin(let sha256): .pin(sha256: sha256)
            case .insecure: .insecure
            }
        return PodProbeConfiguration(
            node: node, endpoint: kubelet.url, tokenFile: kubelet.tokenFile, trust: trust,
            interval: kubelet.timing.interval, deadline: kubelet.timing.timeout)
    }

    private func server(_ kubernetes: KubernetesSettings, node: String) -> PodProbeConfiguration {
        var trust = PodProbeConfiguration.Trust.clusterCA(file: Self.systemRoots, serverName: nil)
        if case .roots(let file, let serverName) = kubernetes.trust {
            trust = .clusterCA(file: file, serverName: serverName)
        }
        return PodProbeConfiguration(
            node: node, endpoint: kubernetes.apiServer, tokenFile: kubernetes.tokenFile, trust: trust,
            interval: kubernetes.timing.interval, deadline: kubernetes.timing.timeout)
    }

    private func actuator(_ entry: ActuatorSettings, node: String) throws -> any Probe {
        var labels = entry.labels
        if labels[LabelName.node] == nil { labels[LabelName.node] = node }
        let configuration = ActuatorProbe.Configuration(
            name: entry.name, baseURL: entry.url, labels: labels, interval: entry.timing.interval,
            deadline: entry.timing.timeout, credentials: try credentials(entry.credentials), trust: trust(entry.trust),
            readsLogins: entry.readsLogins)
        return ActuatorProbe(configuration, http: http, marks: marks)
    }

    private func credentials(_ settings: TargetCredentials?) throws -> HTTPCredentials {
        switch settings {
        case nil: .none
        case .bearer(let reference): .bearer(file: try secrets.path(reference))
        case .basic(let reference): .basic(file: try secrets.path(reference))
        }
    }

    private func prometheus(_ entry: PrometheusSettings, node: String) throws -> any Probe {
        var labels = entry.labels
        if labels[LabelName.node] == nil { labels[LabelName.node] = node }
        let metrics = entry.metrics
        let configuration = PrometheusProbe.Configuration(
            name: entry.name, url: entry.url, labels: labels, interval: entry.timing.interval,
            deadline: entry.timing.timeout, credentials: try credentials(entry.credentials),
            trust: trust(entry.trust), seriesMax: metrics.seriesMax, allows: { metrics.takes($0) })
        return PrometheusProbe(configuration, http: http)
    }

    private func database(_ entry: DatabaseSettings) throws -> any Probe {
        var options = PostgresOptions(
            host: entry.host, port: entry.port, database: entry.database, user: entry.user,
            passwordFile: try entry.password.map { try secrets.path($0) }, tlsMode: tlsMode(entry.sslMode))
        options.tlsRootFile = entry.sslRootFile
        options.statementTimeout = entry.statementTimeout
        var configuration = PostgresProbe.Configuration(
            name: entry.name, options: options, interval: entry.timing.interval, deadline: entry.timing.timeout,
            connectTimeout: min(.seconds(3), entry.timing.timeout))
        configuration.queries = entry.queries.map(CustomQuery.init)
        configuration.audit = entry.audit.map(LoginAudit.init)
        return PostgresProbe(configuration, loop: postgres)
    }

    /// Makes probes of endpoints that pods name; throws when a secret of the settings is missing.
    ///
    /// Secrets are looked up once here, since each that comes from a variable takes a file.
    func discovered(_ settings: DiscoverySettings) throws -> @Sendable (AnnotatedEndpoint) -> any Probe {
        var logins: [TargetCredentials: HTTPCredentials] = [:]
        for binding in settings.bindings {
            if let named = binding.credentials { logins[named] = try credentials(named) }
        }
        return { [http, marks, logins] endpoint in
            let named = settings.credentials(
                namespace: endpoint.labels[LabelName.namespace] ?? "",
                workload: endpoint.labels[LabelName.workload] ?? "")
            let login: HTTPCredentials = named.flatMap { logins[$0] } ?? HTTPCredentials.none
            switch endpoint.kind {
            case .actuator:
                return ActuatorProbe(
                    ActuatorProbe.Configuration(
                        name: endpoint.name, baseURL: endpoint.url, labels: endpoint.labels,
                        interval: settings.timing.interval, deadline: settings.timing.timeout, credentials: login),
                    http: http, marks: marks)
            case .prometheus:
                return PrometheusProbe(
                    PrometheusProbe.Configuration(
                        name: endpoint.name, url: endpoint.url, labels: endpoint.labels,
                        interval: settings.timing.interval, deadline: settings.timing.timeout, credentials: login,
                        seriesMax: settings.metrics.seriesMax, allows: { settings.metrics.takes($0) }),
                    http: http)
            }
        }
    }

    private func tlsMode(_ mode: DatabaseSettings.SSLMode) -> PostgresOptions.TLSMode {
        switch mode {
        case .disable: .disable
        case .prefer: .prefer
        case .require: .require
        case .verifyCA: .verifyCA
        case .verifyFull: .verifyFull
        }
    }

    /// Where Debian and its kin keep the system's roots.
    private static let systemRoots = "/etc/ssl/certs/ca-certificates.crt"
}
