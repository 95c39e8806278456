import ActuatorProbe
import AgentSettings
import ConfigurationKit
import CurlHTTP
import PodProbe
import PostgresClient
import PostgresProbe
import Probing
import Telemetry

/// Makes the probes that `agent.yaml` lists.
struct ProbeFactory {
    let http: CurlHTTPClient
    let postgres: PostgresEventLoop

    func probes(_ settings: AgentSettings) -> [any Probe] {
        var probes: [any Probe] = []
        if let kubelet = settings.kubelet { probes.append(pods(kubelet, node: settings.node)) }
        probes += settings.actuators.map { actuator($0, node: settings.node) }
        probes += settings.databases.map { database($0) }
        return probes
    }

    private func pods(_ kubelet: KubeletSettings, node: String) -> any Probe {
        let trust: PodProbeConfiguration.Trust =
            switch kubelet.trust {
            case .system: .clusterCA(file: "/etc/ssl/certs/ca-certificates.crt", serverName: nil)
            case .roots(let file, let serverName): .clusterCA(file: file, serverName: serverName)
            case .pin(let sha256): .pin(sha256: sha256)
            case .insecure: .insecure
            }
        let configuration = PodProbeConfiguration(
            node: node, endpoint: kubelet.url, tokenFile: kubelet.tokenFile, trust: trust, interval: kubelet.timing.interval,
            deadline: kubelet.timing.timeout)
        return PodProbe(configuration, fetcher: http)
    }
}
