import ConfigurationKit
package import TargetSettings

/// The cluster's API server, at which the agent watches the pods of its node.
package struct KubernetesSettings: Hashable, Sendable {
    /// Base URL without a slash at its end.
    package var apiServer: String
    /// File with the bearer token, read anew for each request.
    package var tokenFile: String
    /// Whom to trust.
    package var trust: TrustSettings
    /// How often samples are made and how long a list may take; edges come at once.
    package var timing: ProbeTiming

    /// Where a pod finds its token.
    static let tokenFileDefault = "/var/run/secrets/kubernetes.io/serviceaccount/token"

    /// What every pod is told of its API server.
    private static func address(in section: Section) -> String {
        guard let host = section.variable("KUBERNETES_SERVICE_HOST"),
            let port = section.variable("KUBERNETES_SERVICE_PORT").flatMap({ UInt16($0) })
        else { return "https://kubernetes.default.svc" }
        return "https://\(HostPort(host: host, port: Int(port)))"
    }

    /// Reads the section `kubernetes`.
    init(_ section: Section, interval: Duration) {
        let address = section.optional(
            "apiServer", .url,
            "Base URL of the API server, under https. Default: what `KUBERNETES_SERVICE_HOST` and"
                + " `KUBERNETES_SERVICE_PORT` say, as in every pod; without them `https://kubernetes.default.svc`."
        )
        apiServer = address ?? Self.address(in: section)
        tokenFile = section.file(
            "tokenFile", "File with the bearer token of a service account that may list and watch pods.",
            default: Self.tokenFileDefault)
        let caFile = section.file(
            "caFile", "PEM file with the cluster's roots.", default: KubeletSettings.clusterCAFile)
        let serverName = section.optional(
            "serverName", .host, "Name that the certificate must have. Default: the URL's host.")
        timing = ProbeTiming(section, interval: interval)
        trust = .roots(file: caFile, serverName: serverName)
        if !apiServer.isEmpty, !TargetAddress(url: apiServer).isEncrypted {
            section.report("apiServer", "a token is not sent without TLS; use an https URL")
        }
    }
}
