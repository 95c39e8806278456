import KubernetesAPI
import Probing
package import Telemetry

/// How the pods of a node are probed.
package struct PodProbeConfiguration: Sendable, Hashable {
    /// Whom to trust as the kubelet.
    package enum Trust: Sendable, Hashable {
        /// A certificate that leads to the roots in this PEM file and has the name `serverName`, or the endpoint's host
        /// when that is nil. Kubelet certificates name the node, seldom its address.
        case clusterCA(file: String, serverName: String?)
        /// The kubelet's own key: base64 SHA-256 of its SubjectPublicKeyInfo.
        case pin(sha256: String)
        /// Anybody. No token is sent then, and a kubelet that wants one answers 401.
        case insecure
    }

    /// The node's name: label `node` of all series.
    package var node: String
    /// Base URL of the kubelet, such as `https://10.0.0.7:10250`.
    package var endpoint: String
    /// File with the bearer token, read again for each probe since it rotates; nil when none is sent.
    package var tokenFile: String?
    /// Whom to trust.
    package var trust: Trust
    /// Time between two looks.
    package var interval: Duration
    /// Time after which a look gives up; at most `interval`.
    package var deadline: Duration
    /// A longer answer of the kubelet is a `body` failure; 500 pods take about 3 MB.
    package var bodyBytesMax: Int
    /// More pods are left out and counted: pods that are known go first, then by namespace and name.
    package var podsMax: Int
    /// Containers of one pod beyond this are left out and counted.
    package var containersPerPodMax: Int

    /// Makes a configuration; the bounds' defaults fit four times what a kubelet allows by default (110 pods).
    package init(
        node: String, endpoint: String, tokenFile: String?, trust: Trust, interval: Duration = .seconds(10),
        deadline: Duration = .seconds(5), bodyBytesMax: Int = 16 << 20, podsMax: Int = 500,
        containersPerPodMax: Int = 50
    ) {
        self.node = node
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        self.tokenFile = tokenFile
        self.trust = trust
        self.interval = interval
        self.deadline = min(deadline, interval)
        self.bodyBytesMax = bodyBytesMax
        self.podsMax = podsMax
        self.containersPerPodMax = containersPerPodMax
    }

    /// How the kubelet, or the API server, is asked.
    var api: KubernetesEndpoint {
        let trust: HTTPRequest.Trust =
            switch trust {
            case .clusterCA(let file, let serverName): .roots(file: file, serverName: serverName)
            case .pin(let sha256): .pin(sha256: sha256)
            case .insecure: .insecure
            }
        return KubernetesEndpoint(
            url: endpoint, tokenFile: tokenFile, trust: trust, deadline: deadline, bodyBytesMax: bodyBytesMax)
    }

    /// What is probed: `pods/NODE`.
    package var target: Target {
        Target(
            kind: .pods, name: node, address: endpoint, labels: [LabelName.node: node], interval: interval,
            deadline: deadline)
    }
}
