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

    /// Reads the section `kubernetes`.
    init(_ section: Section, interval: Duration) {
        let access = KubernetesAccess(section, toBeAllowed: "list and watch pods")
        (apiServer, tokenFile, trust) = (access.apiServer, access.tokenFile, access.trust)
        timing = ProbeTiming(section, interval: interval)
    }
}
