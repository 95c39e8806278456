package import Telemetry

/// How the pods of a node are watched at the API server.
package struct PodWatchConfiguration: Sendable, Hashable {
    /// The API server: base URL, token, trust and bounds; its interval is that of the samples.
    package var server: PodProbeConfiguration
    /// The kubelet for `/stats/summary`; nil: no usage is reported.
    package var kubelet: PodProbeConfiguration?
    /// Pods on one page of the list.
    package var pageSize: Int
    /// Silence on a watch after which the list is asked for again; bookmarks come about once a minute.
    package var idleTimeout: Duration
    /// Time without a watch after which the target fails and its samples stop.
    package var staleAfter: Duration
    /// Edges kept for the next look while nobody takes them at once; the oldest are dropped and counted.
    package var edgesMax: Int

    /// Makes a configuration.
    package init(
        server: PodProbeConfiguration, kubelet: PodProbeConfiguration?, pageSize: Int = 250,
        idleTimeout: Duration = .seconds(150), staleAfter: Duration = .seconds(30), edgesMax: Int = 10_000
    ) {
        self.server = server
        self.kubelet = kubelet
        self.pageSize = pageSize
        self.idleTimeout = idleTimeout
        self.staleAfter = staleAfter
        self.edgesMax = edgesMax
    }

    /// What is probed: `pods/NODE`.
    package var target: Target { server.target }
}
