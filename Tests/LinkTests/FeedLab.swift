import AgentApp
import Foundation
import Logging
import Telemetry
import TocsinTestKit

/// A real coordinator process and agents' links whose samples come from the test.
struct FeedLab: Sendable {
    let lab: TocsinLab
    private static let cluster = "test"

    /// - Parameter more: YAML at the top level of `coordinator.yaml`.
    init(nodes: [String] = ["node-a"], more: String = "") async throws {
        lab = try await TocsinLab(nodes: nodes, cluster: Self.cluster)
        try lab.writeCoordinator(
            step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml",
            more: more)
    }

    /// The link of a node; `spool` tells several links with one certificate apart.
    func feed(
        node: String = "node-a", spool: String = "spool", port: Int? = nil, backfillBytesPerSecond: Int = 512 << 10
    ) async throws -> AgentFeed {
        var configuration = AgentFeed.Configuration(
            cluster: Self.cluster, node: node, host: "127.0.0.1", port: port ?? lab.port,
            certificateFile: lab.path("tls/agent-\(node).crt"), keyFile: lab.path("tls/agent-\(node).key"),
            trustRootsFile: lab.path("tls/ca.crt"), spoolDirectory: lab.path("\(spool)-\(node)"))
        configuration.backfillBytesPerSecond = backfillBytesPerSecond
        let logger = Logger(label: "feed") { _ in SwiftLogNoOpLogHandler() }
        // The spool's lock goes with the last task of the feed before.
        let opened = try await lab.eventually(within: .seconds(10)) { try? AgentFeed(configuration, logger: logger) }
        return try opened ?? AgentFeed(configuration, logger: logger)
    }

    /// Times of the stored samples of a series, in whole milliseconds, ascending.
    func times(_ selector: String, since: String = "3h") async throws -> [Int64] {
        try await SampleQuery(lab: lab).points(selector, since: since).map { Int64(($0.time * 1000).rounded()) }
    }

    /// A counter of the coordinator's `/metrics`.
    func counter(_ name: String) async throws -> Int {
        try await MetricsPage(port: lab.httpPort).figures()["tocsin_coordinator_\(name)"].map { Int($0) } ?? -1
    }
}
