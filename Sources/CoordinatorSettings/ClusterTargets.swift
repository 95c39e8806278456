package import ConfigurationKit
package import TargetSettings

/// The targets of one cluster that its agents share.
package struct ClusterTargets: Hashable, Sendable {
    /// The cluster whose agents probe them.
    package var cluster: String
    /// PostgreSQL servers.
    package var databases: [RemoteSection<DatabaseSettings>]
    /// HTTP and TCP checks.
    package var checks: [RemoteSection<CheckSettings>]

    /// Reads one entry of `targets`.
    init(_ section: Section, step: Duration) {
        cluster = section.required("cluster", .name(), "The cluster whose agents probe them.")
        databases = section.remoteSections(
            "databases", uniqueKey: "name", countMax: 100,
            "PostgreSQL servers, as in `agent.yaml`. Files and variables are those of the agents, each of which may become the one that probes."
        ) { DatabaseSettings($0, interval: step) }
        checks = section.remoteSections(
            "checks", uniqueKey: "name",
            "HTTP and TCP checks, as in `agent.yaml`. Files are those of the agents."
        ) { CheckSettings($0, interval: step) }
    }
}
