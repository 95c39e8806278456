package import ConfigurationKit

/// How the API server is reached: its address, who asks, whom to trust.
package struct KubernetesAccess: Hashable, Sendable {
    /// Base URL without a slash at its end.
    package var apiServer: String
    /// File with the bearer token, read anew for each request.
    package var tokenFile: String
    /// Whom to trust.
    package var trust: TrustSettings

    /// Where a pod finds its token.
    package static let tokenFileDefault = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    /// Where a pod finds the cluster's roots.
    package static let caFileDefault = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

    /// What every pod is told of its API server.
    private static func address(in section: Section) -> String {
        guard let host = section.variable("KUBERNETES_SERVICE_HOST"),
            let port = section.variable("KUBERNETES_SERVICE_PORT").flatMap({ UInt16($0) })
        else { return "https://kubernetes.default.svc" }
        return "https://\(HostPort(host: host, port: Int(port)))"
    }

    /// Reads `apiServer`, `tokenFile`, `caFile` and `serverName` of a section.
    ///
    /// - Parameter right: what the account of the token must be allowed, such as `list and watch pods`.
    package init(_ section: Section, toBeAllowed right: String) {
        let address = section.optional(
            "apiServer", .url,
            "Base URL of the API server, under https. Default: what `KUBERNETES_SERVICE_HOST` and"
                + " `KUBERNETES_SERVICE_PORT` say, as in every pod; without them `https://kubernetes.default.svc`."
        )
        apiServer = address ?? Self.address(in: section)
        tokenFile = section.file(
            "tokenFile", "File with the bearer token of a service account that may \(right).",
            default: Self.tokenFileDefault)
        let caFile = section.file("caFile", "PEM file with the cluster's roots.", default: Self.caFileDefault)
        let serverName = section.optional(
            "serverName", .host, "Name that the certificate must have. Default: the URL's host.")
        trust = .roots(file: caFile, serverName: serverName)
        if !apiServer.isEmpty, !TargetAddress(url: apiServer).isEncrypted {
            section.report("apiServer", "a token is not sent without TLS; use an https URL")
        }
    }
}
