import ActuatorProbe
import AgentSettings
import CheckProbe
import ConfigurationKit
import CurlHTTP
import HostProbe
import LogProbe
import PodProbe
import PostgresClient
import PostgresProbe
import Probing
import Telemetry

/// Makes the probes that `agent.yaml` lists.
struct ProbeFactory {
    let http: CurlHTTPClient
    let postgres: PostgresEventLoop
    let secrets: SecretFiles
    let now: @Sendable () -> Timestamp

    /// One probe for each target; throws when a secret named by an environment variable is missing.
    func probes(_ settings: AgentSettings) throws -> [any Probe] {
        var probes: [any Probe] = []
        if let host = settings.host { probes.append(self.host(host, node: settings.node)) }
        let kubelet = settings.kubelet.map { pods($0, node: settings.node) }
        if let kubernetes = settings.kubernetes {
            let server = watch(kubernetes, node: settings.node)
            let configuration = PodWatchConfiguration(server: server, kubelet: kubelet)
            probes.append(WatchingPodProbe(configuration, http: http, wallClock: now))
        } else if let kubelet {
            probes.append(PodProbe(kubelet, fetcher: http))
        }
        for entry in settings.actuators { probes.append(try actuator(entry, node: settings.node)) }
        for entry in settings.databases { probes.append(try database(entry)) }
        for entry in settings.checks { probes.append(check(entry)) }
        if let logs = settings.logs {
            let configuration = LogProbe.Configuration(
                node: settings.node, directory: logs.directory, interval: logs.timing.interval,
                deadline: logs.timing.timeout)
            probes.append(LogProbe(configuration))
        }
        return probes
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

    private func watch(_ kubernetes: KubernetesSettings, node: String) -> PodProbeConfiguration {
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
        let credentials: ActuatorCredentials =
            switch entry.credentials {
            case nil: .none
            case .bearer(let reference): .bearer(file: try secrets.path(reference))
            case .basic(let reference): .basic(file: try secrets.path(reference))
            }
        let configuration = ActuatorProbe.Configuration(
            name: entry.name, baseURL: entry.url, labels: labels, interval: entry.timing.interval,
            deadline: entry.timing.timeout, credentials: credentials, trust: trust(entry.trust))
        return ActuatorProbe(configuration, http: http)
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
